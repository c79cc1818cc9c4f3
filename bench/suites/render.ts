/**
 * What it costs to get a period from JavaScript into the device: written, or rendered in place.
 *
 * As in the suite `transfer`, a virtual card's clock is advanced by native calls, one period each.
 *
 * @module
 */

import { engine } from "../../lib/ffi/engine.ts";
import { openVirtualCard, type VirtualCard } from "../../lib/testing/mod.ts";
import {
  type Access,
  mapped,
  openPlayback,
  type Playback,
  PlaybackMapped,
  PlaybackQueue,
  silence,
} from "../../mod.ts";
import { type Figure, figureOf, ratioOf, scaled } from "../figure.ts";
import { elapsedMs, interleaveOpenings, type Sample } from "../interleave.ts";
import type { Scale } from "../scale.ts";
import { ratio, short, type Suite } from "../suite.ts";

const RATE = 48_000;
const PERIODS = 4;
const PERIOD_FRAMES = [32, 128, 512, 2048, 4096];
const CHANNELS = [1, 2, 8, 32];
const SAMPLE_FRAMES = 2 ** 15;
const MIN_SAMPLE_PERIODS = 32;

/** `mmap` and `write`: written by `tryWrite()`, on these paths. `source`: no JavaScript. */
type Way = "render" | "mmap" | "write" | "source";

/** Periods of one size. */
export interface RenderRow {
  /** Channels of f32. */
  readonly channels: number;
  /** Frames per period. */
  readonly periodFrames: number;
  /** Time of a period rendered in place, divided by that of one written, on the mmap path. */
  readonly renderToMmap: Figure;
  /** Time of a period written on the mmap path, divided by that of one on the write path. */
  readonly mmapToWrite: Figure;
  /** Nanoseconds per period that is rendered in the card's ring. */
  readonly renderNs: Figure;
  /** Nanoseconds per period that is rendered into an array and written, on the mmap path. */
  readonly mmapNs: Figure;
  /** The same on the write path. */
  readonly writeNs: Figure;
  /** Nanoseconds per period of native silence, on the mmap path. */
  readonly sourceNs: Figure;
}

interface Shape {
  readonly channels: number;
  readonly periodFrames: number;
}

/** A stream that plays on a simulated card of its own. */
class SimulatedStream implements AsyncDisposable {
  readonly #card: VirtualCard;
  readonly #cardHandle: number;
  readonly #stream: Playback;
  readonly #periodFrames: number;
  readonly #channels: number;
  readonly #period: Float32Array<ArrayBuffer>;

  private constructor(card: VirtualCard, stream: Playback) {
    const { periodFrames, channels } = stream.granted;
    this.#card = card;
    this.#cardHandle = Number(card.device.split(":")[1]);
    this.#stream = stream;
    this.#periodFrames = periodFrames;
    this.#channels = channels;
    this.#period = new Float32Array(periodFrames * channels);
  }

  static async open(way: Way, { channels, periodFrames }: Shape): Promise<SimulatedStream> {
    const card = await openVirtualCard({ tap: "none" });
    const access: Access = way === "write" ? "write" : "mmap";
    const shape = { device: card.device, access, rate: RATE, channels, periodFrames };
    const options = { ...shape, periods: PERIODS };
    const stream = way === "render"
      ? await openPlayback({ ...options, source: mapped() })
      : way === "source"
      ? await openPlayback({ ...options, source: silence() })
      : await openPlayback({ ...options, queueFrames: 2 * PERIODS * periodFrames });
    const simulated = new SimulatedStream(card, stream);
    while (simulated.#give());
    await card.advance(PERIODS * periodFrames / 2);
    return simulated;
  }

  /** Takes a sample whose units are periods. */
  sample(): Sample {
    const periods = Math.max(MIN_SAMPLE_PERIODS, SAMPLE_FRAMES / this.#periodFrames);
    const elapsed = elapsedMs(() => {
      for (let period = 0; period < periods; period++) {
        this.#give();
        this.#advance();
      }
    });
    return { elapsedMs: elapsed, units: periods };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { xruns } = this.#stream.stats();
    await this.#stream.close();
    await this.#card.close();
    if (xruns.count > 0) throw new Error(`The stream had ${xruns.count} xruns in simulated time`);
  }

  // Not `card.advance()`, which also runs JavaScript.
  #advance(): void {
    const { native } = engine();
    const result = native.halflap_card_advance_frames(this.#cardHandle, this.#periodFrames, RATE);
    if (result !== 0) throw new Error(`The card stopped on its way: ${result}`);
  }

  // Renders a period, if there is room for it.
  #give(): boolean {
    const stream = this.#stream;
    if (stream instanceof PlaybackMapped) return this.#render(stream);
    if (!(stream instanceof PlaybackQueue)) return false;
    this.#period.fill(0.25);
    return stream.tryWrite(this.#period) > 0;
  }

  #render(stream: PlaybackMapped): boolean {
    const block = stream.begin(this.#periodFrames);
    if (block === undefined) return false;
    const first = block.offset * this.#channels;
    stream.samples.fill(0.25, first, first + block.frames * this.#channels);
    return stream.commit(block.frames) > 0;
  }
}

async function measureRow(shape: Shape, scale: Scale): Promise<RenderRow> {
  const ns = await interleaveOpenings<Way>(scale, async (measure) => {
    await using render = await SimulatedStream.open("render", shape);
    await using mmap = await SimulatedStream.open("mmap", shape);
    await using write = await SimulatedStream.open("write", shape);
    await using source = await SimulatedStream.open("source", shape);
    await measure({
      render: () => render.sample(),
      mmap: () => mmap.sample(),
      write: () => write.sample(),
      source: () => source.sample(),
    });
  });
  return {
    ...shape,
    renderToMmap: ratioOf(ns.render, ns.mmap),
    mmapToWrite: ratioOf(ns.mmap, ns.write),
    renderNs: figureOf(ns.render),
    mmapNs: figureOf(ns.mmap),
    writeNs: figureOf(ns.write),
    sourceNs: figureOf(ns.source),
  };
}

/** Microseconds of a processor that a second of sound takes. */
const usPerSecond = (ns: Figure, { periodFrames }: RenderRow): string =>
  short(scaled(ns, RATE / periodFrames / 1000));

/** What a period from JavaScript costs. */
export const suite: Suite<RenderRow> = {
  title: "A period from JavaScript into the device (f32, 4 periods, simulated card, 48 kHz)",
  columns: [
    { heading: "channels", text: ({ channels }) => `${channels}` },
    { heading: "frames", text: ({ periodFrames }) => `${periodFrames}` },
    { heading: "render : mmap", text: ({ renderToMmap }) => ratio(renderToMmap) },
    { heading: "mmap : write", text: ({ mmapToWrite }) => ratio(mmapToWrite) },
    { heading: "render ns", text: ({ renderNs }) => short(renderNs) },
    { heading: "mmap ns", text: ({ mmapNs }) => short(mmapNs) },
    { heading: "write ns", text: ({ writeNs }) => short(writeNs) },
    { heading: "source ns", text: ({ sourceNs }) => short(sourceNs) },
    { heading: "render us/s", text: (row) => usPerSecond(row.renderNs, row) },
    { heading: "mmap us/s", text: (row) => usPerSecond(row.mmapNs, row) },
    { heading: "write us/s", text: (row) => usPerSecond(row.writeNs, row) },
  ],
  plots: CHANNELS.map((count) => ({
    name: `${count}-channels`,
    xTitle: `frames per period of ${count} channels`,
    yTitle: "ns per period",
    points: ({ channels, periodFrames, renderNs, mmapNs, writeNs, sourceNs }) => {
      const lines = { render: renderNs, mmap: mmapNs, write: writeNs, source: sourceNs };
      return Object.entries(channels === count ? lines : {})
        .map(([series, y]) => ({ series, x: periodFrames, y }));
    },
  })),
  async measure(scale) {
    const rows: RenderRow[] = [];
    for (const channels of CHANNELS) {
      for (const periodFrames of PERIOD_FRAMES) {
        rows.push(await measureRow({ channels, periodFrames }, scale));
      }
    }
    return rows;
  },
};
