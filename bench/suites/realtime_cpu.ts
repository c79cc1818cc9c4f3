/**
 * What a playing stream costs in real time: processor time above that of the idle runtime.
 *
 * @module
 */

import { setTimeout } from "node:timers/promises";
import { tone } from "../../mod.ts";
import { type Figure, figureOf } from "../figure.ts";
import { type ProcessorUse, processorUse } from "../processor_use.ts";
import {
  aboveIdle,
  comparePaths,
  type PathComparison,
  playInRealtime,
  type StreamUse,
} from "../realtime_use.ts";
import type { Scale } from "../scale.ts";
import { ratio, short, type Suite } from "../suite.ts";

const SHAPE = {
  device: "virtual",
  rate: 48_000,
  channels: 2,
  format: "f32",
  periodFrames: 240,
} as const;
const TONE = tone({ frequencyHz: 440 });

type RealtimeFeed = "tone" | "queue" | "render";
type Access = "write" | "mmap";

const FEEDS: readonly RealtimeFeed[] = ["tone", "queue", "render"];
const PERIODS = [2, 4];

/** One feed with one number of periods. */
export interface RealtimeCpuRow extends PathComparison {
  /**
   * `tone`: native code feeds the stream. `queue`: JavaScript writes 10 ms at a time. `render`: it
   * renders period by period, on the mmap path in place.
   */
  readonly feed: RealtimeFeed;
  /** Periods of 240 frames in the device's buffer. */
  readonly periods: number;
  /** Wake-ups of the engine per second on the mmap path. */
  readonly wakeUpsPerSecond: Figure;
  /** Microseconds of processor time, above idle, per wake-up on the write path. */
  readonly writeUsPerWakeUp: Figure;
  /** Microseconds of processor time, above idle, per wake-up on the mmap path. */
  readonly mmapUsPerWakeUp: Figure;
  /** Percent of one processor that the idle runtime took. */
  readonly idleCpuPercent: Figure;
}

async function play(
  feed: RealtimeFeed,
  periods: number,
  access: Access,
  durationMs: number,
): Promise<StreamUse> {
  const shape = { ...SHAPE, periods, access };
  return await playInRealtime(feed === "tone" ? "native" : feed, shape, TONE, durationMs);
}

/** All rounds of one feed with one number of periods. */
class Rounds {
  readonly feed: RealtimeFeed;
  readonly periods: number;
  readonly #write: StreamUse[] = [];
  readonly #mmap: StreamUse[] = [];

  constructor(feed: RealtimeFeed, periods: number) {
    this.feed = feed;
    this.periods = periods;
  }

  async play(access: Access, durationMs: number): Promise<void> {
    const use = await play(this.feed, this.periods, access, durationMs);
    (access === "mmap" ? this.#mmap : this.#write).push(use);
  }

  row(idle: readonly ProcessorUse[]): RealtimeCpuRow {
    const perWakeUp = (uses: readonly StreamUse[]) => {
      const percents = aboveIdle(uses, idle);
      return figureOf(
        uses.map(({ wallMs, wakeUps }, round) => percents[round]! * wallMs * 10 / wakeUps),
      );
    };
    return {
      feed: this.feed,
      periods: this.periods,
      ...comparePaths({ write: this.#write, mmap: this.#mmap }, idle),
      wakeUpsPerSecond: figureOf(this.#mmap.map(({ wakeUps, wallMs }) => 1000 * wakeUps / wallMs)),
      writeUsPerWakeUp: perWakeUp(this.#write),
      mmapUsPerWakeUp: perWakeUp(this.#mmap),
      idleCpuPercent: figureOf(idle.map(({ cpuPercent }) => cpuPercent)),
    };
  }
}

async function measure({ realtimeRounds, realtimeMs }: Scale): Promise<RealtimeCpuRow[]> {
  const all = FEEDS.flatMap((feed) => PERIODS.map((periods) => new Rounds(feed, periods)));
  const idle: ProcessorUse[] = [];
  for (let round = 0; round < realtimeRounds; round++) {
    idle.push(await processorUse(() => setTimeout(realtimeMs)));
    const order: Access[] = round % 2 === 0 ? ["write", "mmap"] : ["mmap", "write"];
    for (const rounds of all) {
      for (const access of order) await rounds.play(access, realtimeMs);
    }
  }
  return all.map((rounds) => rounds.row(idle));
}

/** What a playing stream costs in real time. */
export const suite: Suite<RealtimeCpuRow> = {
  title: "Processor time of one stream above idle (48 kHz, 2 channels, f32, periods of 240 frames)",
  columns: [
    { heading: "feed", text: ({ feed }) => feed },
    { heading: "periods", text: ({ periods }) => `${periods}` },
    {
      heading: "mmap : write",
      text: ({ mmapToWrite }) => mmapToWrite ? ratio(mmapToWrite) : "below idle",
    },
    { heading: "write CPU %", text: ({ writeCpuPercent }) => short(writeCpuPercent) },
    { heading: "mmap CPU %", text: ({ mmapCpuPercent }) => short(mmapCpuPercent) },
    { heading: "wake-ups/s", text: ({ wakeUpsPerSecond }) => short(wakeUpsPerSecond) },
    { heading: "write us/wake-up", text: ({ writeUsPerWakeUp }) => short(writeUsPerWakeUp) },
    { heading: "mmap us/wake-up", text: ({ mmapUsPerWakeUp }) => short(mmapUsPerWakeUp) },
    { heading: "idle CPU %", text: ({ idleCpuPercent }) => short(idleCpuPercent) },
    { heading: "xruns", text: ({ xruns }) => `${xruns}` },
  ],
  measure,
};
