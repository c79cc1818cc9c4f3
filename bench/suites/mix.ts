/**
 * Cost of a frame of a mix, by its number of inputs.
 *
 * A virtual card's clock is advanced by one native call in which no JavaScript runs, as in
 * `transfer`.
 *
 * @module
 */

import { engine } from "../../lib/ffi/engine.ts";
import { openVirtualCard, type VirtualCard } from "../../lib/testing/mod.ts";
import { clip, mix, type MixInputOptions, openPlayback, type Playback, tone } from "../../mod.ts";
import { type Figure, figureOf, ratioOf, scaled } from "../figure.ts";
import { elapsedMs, interleaveOpenings, type Sample } from "../interleave.ts";
import type { Scale } from "../scale.ts";
import { ratio, short, type Suite } from "../suite.ts";

const RATE = 48_000;
const CHANNELS = 2;
const PERIOD_FRAMES = 480;
const PERIODS = 4;
const CLIP_FRAMES = 4800;
const INPUTS = [1, 10, 50, 100, 200] as const;
// In one native call.
const CALL_FRAMES = 48_000;

type MixFeed = "clip" | "tone" | "idle";

const FEEDS: Readonly<Record<MixFeed, () => MixInputOptions>> = {
  // Not at gain 1, at which one input alone is copied.
  clip: () => ({
    source: clip(new Float32Array(CLIP_FRAMES * CHANNELS).fill(0.001), { loop: true }),
    gain: 0.5,
  }),
  tone: () => ({ source: tone({ frequencyHz: 440 }), gain: 0.001 }),
  idle: () => ({}),
};

/** One number of inputs of one kind. */
export interface MixRow {
  /** What the inputs do: play clips, play tones, or wait for something to be written. */
  readonly feed: MixFeed;
  /** How many there are. */
  readonly inputs: number;
  /** Time of a frame, divided by that with one input. */
  readonly toOneInput: Figure;
  /** Nanoseconds per frame. */
  readonly nsPerFrame: Figure;
  /** Nanoseconds per frame and input. */
  readonly nsPerInput: Figure;
}

/** A mix that plays on a simulated card of its own. */
class SimulatedMix implements AsyncDisposable {
  readonly #card: VirtualCard;
  readonly #stream: Playback;

  private constructor(card: VirtualCard, stream: Playback) {
    this.#card = card;
    this.#stream = stream;
  }

  static async open(feed: MixFeed, inputs: number): Promise<SimulatedMix> {
    const card = await openVirtualCard({ tap: "none" });
    const source = mix(Array.from({ length: inputs }, FEEDS[feed]));
    const shape = { rate: RATE, channels: CHANNELS, periodFrames: PERIOD_FRAMES, periods: PERIODS };
    return new SimulatedMix(card, await openPlayback({ device: card.device, ...shape, source }));
  }

  /** Takes a sample whose units are frames. */
  sample(): Sample {
    const card = Number(this.#card.device.split(":")[1]);
    const advance = (): void => {
      const result = engine().native.halflap_card_advance_frames(card, CALL_FRAMES, RATE);
      if (result !== 0) throw new Error(`The card stopped on its way: ${result}`);
    };
    return { elapsedMs: elapsedMs(advance), units: CALL_FRAMES };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stream.close();
    await this.#card.close();
  }
}

async function measureFeed(feed: MixFeed, scale: Scale): Promise<MixRow[]> {
  const ns = await interleaveOpenings<string>(scale, async (measure) => {
    await using stack = new AsyncDisposableStack();
    const samples: Record<string, () => Sample> = {};
    for (const inputs of INPUTS) {
      const playing = stack.use(await SimulatedMix.open(feed, inputs));
      playing.sample();
      samples[`${inputs}`] = () => playing.sample();
    }
    await measure(samples);
  });
  return INPUTS.map((inputs) => {
    const nsPerFrame = figureOf(ns[inputs]!);
    return {
      feed,
      inputs,
      toOneInput: ratioOf(ns[inputs]!, ns[INPUTS[0]]!),
      nsPerFrame,
      nsPerInput: scaled(nsPerFrame, 1 / inputs),
    };
  });
}

function percentOfTime({ median }: Figure): string {
  return `${(100 * median * RATE / 1e9).toFixed(3)} %`;
}

/** Cost of a frame of a mix. */
export const suite: Suite<MixRow> = {
  title: "Cost of a mix (2 channels, f32, 4 periods of 480 frames, simulated card)",
  columns: [
    { heading: "inputs", text: ({ feed, inputs }) => `${inputs} x ${feed}` },
    { heading: "to 1 input", text: ({ toOneInput }) => ratio(toOneInput) },
    { heading: "of 48 kHz", text: ({ nsPerFrame }) => percentOfTime(nsPerFrame) },
    { heading: "ns/frame", text: ({ nsPerFrame }) => short(nsPerFrame) },
    { heading: "ns/frame and input", text: ({ nsPerInput }) => short(nsPerInput) },
  ],
  async measure(scale) {
    const rows: MixRow[] = [];
    for (const feed of Object.keys(FEEDS) as MixFeed[]) {
      rows.push(...await measureFeed(feed, scale));
    }
    return rows;
  },
};
