/**
 * Cost of a period on the write path and on the mmap path.
 *
 * A virtual card's clock is advanced over many periods by one native call in which no JavaScript
 * runs: what a wake-up of the realtime thread does, without the thread.
 *
 * @module
 */

import { engine } from "../../lib/ffi/engine.ts";
import { openVirtualCard, type VirtualCard } from "../../lib/testing/mod.ts";
import {
  clip,
  openPlayback,
  type Playback,
  PlaybackQueue,
  silence,
  type Source,
  tone,
} from "../../mod.ts";
import { type Figure, figureOf, ratioOf, scaled } from "../figure.ts";
import { elapsedMs, interleaveOpenings, type Sample } from "../interleave.ts";
import type { Scale } from "../scale.ts";
import { ratio, short, type Suite } from "../suite.ts";

const RATE = 48_000;
const CHANNELS = 2;
const PERIODS = 2;
const PERIOD_FRAMES = [64, 128, 256, 512, 1024, 2048, 4096];
// Clip and queue move through the same amount of memory; it is a multiple of every period.
const RING_FRAMES = 2 ** 16;
// In one native call. A queue can give no more than it holds.
const NATIVE_CALL_FRAMES = 2 ** 19;
const CHUNK_FRAMES = 1024;

type TransferAccess = "write" | "mmap";

type SourceName = "silence" | "clip" | "queue" | "tone";
const SOURCES: Readonly<Record<SourceName, () => Source | undefined>> = {
  silence: () => silence(),
  clip: () => clip(new Float32Array(RING_FRAMES * CHANNELS).fill(0.25), { loop: true }),
  queue: () => undefined,
  tone: () => tone({ frequencyHz: 440 }),
};

/** One source at one period length. */
export interface TransferRow {
  /** Where the frames came from. */
  readonly source: SourceName;
  /** Frames per period. */
  readonly periodFrames: number;
  /** Wake-ups of the engine per period, the most of both paths: 1, or the others compare badly. */
  readonly wakeUpsPerPeriod: number;
  /** Time of a period on the mmap path, divided by that on the write path. */
  readonly mmapToWrite: Figure;
  /** Nanoseconds per period on the write path. */
  readonly writeNsPerPeriod: Figure;
  /** Nanoseconds per period on the mmap path. */
  readonly mmapNsPerPeriod: Figure;
  /** Nanoseconds per frame on the write path. */
  readonly writeNsPerFrame: Figure;
  /** Nanoseconds per frame on the mmap path. */
  readonly mmapNsPerFrame: Figure;
}

/** A stream that plays on a simulated card of its own. */
class SimulatedStream implements AsyncDisposable {
  readonly #card: VirtualCard;
  readonly #cardHandle: number;
  readonly #stream: Playback;
  readonly #chunk = new Float32Array(CHUNK_FRAMES * CHANNELS).fill(0.25);

  private constructor(card: VirtualCard, stream: Playback) {
    this.#card = card;
    this.#cardHandle = Number(card.device.split(":")[1]);
    this.#stream = stream;
  }

  static async open(
    name: SourceName,
    periodFrames: number,
    access: TransferAccess,
  ): Promise<SimulatedStream> {
    const card = await openVirtualCard({ tap: "none" });
    const source = SOURCES[name]();
    const feed = source ? { source } : { queueFrames: RING_FRAMES + 4 * periodFrames };
    const device = { device: card.device, rate: RATE, channels: CHANNELS };
    const shape = { access, periodFrames, periods: PERIODS };
    const stream = await openPlayback({ ...device, ...shape, ...feed });
    const simulated = new SimulatedStream(card, stream);
    simulated.#fill();
    await card.advance(2 * periodFrames);
    return simulated;
  }

  get wakeUps(): number {
    return this.#stream.stats().wakeUps;
  }

  /** Takes a sample whose units are periods. */
  sample(): Sample {
    const { granted } = this.#stream;
    const frames = this.#stream instanceof PlaybackQueue ? RING_FRAMES : NATIVE_CALL_FRAMES;
    this.#fill();
    const elapsed = elapsedMs(() => this.#advance(frames));
    return { elapsedMs: elapsed, units: frames / granted.periodFrames };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { xruns } = this.#stream.stats();
    await this.#stream.close();
    await this.#card.close();
    if (xruns.count > 0) throw new Error(`The stream had ${xruns.count} xruns in simulated time`);
  }

  // Not `card.advance()`, which also runs JavaScript.
  #advance(frames: number): void {
    const result = engine().native.halflap_card_advance_frames(this.#cardHandle, frames, RATE);
    if (result !== 0) throw new Error(`The card stopped on its way: ${result}`);
  }

  #fill(): void {
    if (!(this.#stream instanceof PlaybackQueue)) return;
    while (this.#stream.tryWrite(this.#chunk) === CHUNK_FRAMES);
  }
}

/** How often the engine wakes up per period. */
function countWakeUps(stream: SimulatedStream): number {
  const before = stream.wakeUps;
  const { units } = stream.sample();
  return (stream.wakeUps - before) / units;
}

async function measureRow(
  source: SourceName,
  periodFrames: number,
  scale: Scale,
): Promise<TransferRow> {
  let wakeUpsPerPeriod = 0;
  const ns = await interleaveOpenings<TransferAccess>(scale, async (measure) => {
    await using write = await SimulatedStream.open(source, periodFrames, "write");
    await using mmap = await SimulatedStream.open(source, periodFrames, "mmap");
    wakeUpsPerPeriod = Math.max(wakeUpsPerPeriod, countWakeUps(write), countWakeUps(mmap));
    await measure({ write: () => write.sample(), mmap: () => mmap.sample() });
  });
  const writeNsPerPeriod = figureOf(ns.write);
  const mmapNsPerPeriod = figureOf(ns.mmap);
  return {
    source,
    periodFrames,
    wakeUpsPerPeriod,
    mmapToWrite: ratioOf(ns.mmap, ns.write),
    writeNsPerPeriod,
    mmapNsPerPeriod,
    writeNsPerFrame: scaled(writeNsPerPeriod, 1 / periodFrames),
    mmapNsPerFrame: scaled(mmapNsPerPeriod, 1 / periodFrames),
  };
}

function percentOfPeriod(nsPerPeriod: Figure, periodFrames: number): string {
  return `${(100 * nsPerPeriod.median * RATE / (periodFrames * 1e9)).toFixed(3)} %`;
}

/** Cost of a period on both paths. */
export const suite: Suite<TransferRow> = {
  title: "Cost of a period (2 channels, f32, 2 periods, simulated card)",
  columns: [
    { heading: "source", text: ({ source }) => source },
    { heading: "frames", text: ({ periodFrames }) => `${periodFrames}` },
    { heading: "mmap : write", text: ({ mmapToWrite }) => ratio(mmapToWrite) },
    {
      heading: "write of 48 kHz",
      text: (row) => percentOfPeriod(row.writeNsPerPeriod, row.periodFrames),
    },
    {
      heading: "mmap of 48 kHz",
      text: (row) => percentOfPeriod(row.mmapNsPerPeriod, row.periodFrames),
    },
    { heading: "write ns/period", text: ({ writeNsPerPeriod }) => short(writeNsPerPeriod) },
    { heading: "mmap ns/period", text: ({ mmapNsPerPeriod }) => short(mmapNsPerPeriod) },
    { heading: "write ns/frame", text: ({ writeNsPerFrame }) => short(writeNsPerFrame) },
    { heading: "mmap ns/frame", text: ({ mmapNsPerFrame }) => short(mmapNsPerFrame) },
  ],
  plots: [{
    name: "ns-per-period",
    xTitle: "frames per period",
    yTitle: "ns per period",
    points: ({ source, periodFrames, mmapNsPerPeriod, writeNsPerPeriod }) => [
      { series: `${source}, mmap`, x: periodFrames, y: mmapNsPerPeriod },
      { series: `${source}, write`, x: periodFrames, y: writeNsPerPeriod },
    ],
  }],
  async measure(scale) {
    const rows: TransferRow[] = [];
    for (const source of Object.keys(SOURCES) as SourceName[]) {
      for (const periodFrames of PERIOD_FRAMES) {
        rows.push(await measureRow(source, periodFrames, scale));
      }
    }
    return rows;
  },
};
