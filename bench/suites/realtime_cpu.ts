/**
 * What a playing stream costs in real time: processor time above that of the idle runtime.
 *
 * @module
 */

import { setTimeout } from "node:timers/promises";
import { openPlayback, type Playback, type PlaybackQueue, render, tone } from "../../mod.ts";
import { type Figure, figureOf } from "../figure.ts";
import { type ProcessorUse, processorUse } from "../processor_use.ts";
import type { Scale } from "../scale.ts";
import { ratio, short, type Suite } from "../suite.ts";

const RATE = 48_000;
const CHANNELS = 2;
const PERIOD_FRAMES = 240;
const WRITE_FRAMES = 480;
// Compilers and caches get that long before the measurement begins.
const WARM_UP_MS = 200;

type RealtimeFeed = "tone" | "queue" | "render";
type RealtimeAccess = "write" | "mmap";

const FEEDS: readonly RealtimeFeed[] = ["tone", "queue", "render"];
const PERIODS = [2, 4];

/** One feed with one number of periods. */
export interface RealtimeCpuRow {
  /**
   * `tone`: native code feeds the stream. `queue`: JavaScript writes 10 ms at a time. `render`: it
   * renders period by period, on the mmap path in place.
   */
  readonly feed: RealtimeFeed;
  /** Periods of 240 frames in the device's buffer. */
  readonly periods: number;
  /** Processor time of the mmap path, divided by the write path's; null where idle was more. */
  readonly mmapToWrite: Figure | null;
  /** Percent of one processor, above idle, on the write path. */
  readonly writeCpuPercent: Figure;
  /** Percent of one processor, above idle, on the mmap path. */
  readonly mmapCpuPercent: Figure;
  /** Wake-ups of the engine per second on the mmap path. */
  readonly wakeUpsPerSecond: Figure;
  /** Microseconds of processor time, above idle, per wake-up on the write path. */
  readonly writeUsPerWakeUp: Figure;
  /** Microseconds of processor time, above idle, per wake-up on the mmap path. */
  readonly mmapUsPerWakeUp: Figure;
  /** Percent of one processor that the idle runtime took. */
  readonly idleCpuPercent: Figure;
  /** Xruns of all rounds on both paths. */
  readonly xruns: number;
}

interface StreamUse extends ProcessorUse {
  readonly wakeUps: number;
  readonly xruns: number;
}

const silentRender = render(({ samples }) => samples.fill(0));

/** Writes until the signal is aborted; then the last write has ended. */
async function keepWriting(out: PlaybackQueue<"f32">, signal: AbortSignal): Promise<void> {
  const samples = new Float32Array(WRITE_FRAMES * CHANNELS);
  while (!signal.aborted) await out.write(samples);
}

async function useOf(out: Playback, durationMs: number): Promise<StreamUse> {
  await setTimeout(WARM_UP_MS);
  const before = out.stats();
  const use = await processorUse(() => setTimeout(durationMs));
  const { wakeUps, xruns } = out.stats();
  return { ...use, wakeUps: wakeUps - before.wakeUps, xruns: xruns.count - before.xruns.count };
}

async function play(
  feed: RealtimeFeed,
  periods: number,
  access: RealtimeAccess,
  durationMs: number,
): Promise<StreamUse> {
  const shape = { rate: RATE, channels: CHANNELS, periodFrames: PERIOD_FRAMES, periods };
  const options = { device: "virtual", access, ...shape };
  if (feed !== "queue") {
    const source = feed === "tone" ? tone({ frequencyHz: 440 }) : silentRender;
    await using out = await openPlayback({ ...options, source });
    return await useOf(out, durationMs);
  }
  await using out = await openPlayback(options);
  const enough = new AbortController();
  const written = keepWriting(out, enough.signal);
  const use = await useOf(out, durationMs);
  enough.abort();
  await written;
  return use;
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

  async play(access: RealtimeAccess, durationMs: number): Promise<void> {
    const use = await play(this.feed, this.periods, access, durationMs);
    (access === "mmap" ? this.#mmap : this.#write).push(use);
  }

  row(idle: readonly ProcessorUse[]): RealtimeCpuRow {
    const above = (uses: readonly StreamUse[]) =>
      uses.map(({ cpuPercent }, round) => cpuPercent - idle[round]!.cpuPercent);
    const [write, mmap] = [above(this.#write), above(this.#mmap)];
    const perWakeUp = (uses: readonly StreamUse[], percents: readonly number[]) =>
      figureOf(uses.map(({ wallMs, wakeUps }, round) => percents[round]! * wallMs * 10 / wakeUps));
    const ratios = mmap.map((percent, round) => percent / write[round]!);
    const isAboveIdle = [...write, ...mmap].every((percent) => percent > 0);
    return {
      feed: this.feed,
      periods: this.periods,
      mmapToWrite: isAboveIdle ? figureOf(ratios) : null,
      writeCpuPercent: figureOf(write),
      mmapCpuPercent: figureOf(mmap),
      wakeUpsPerSecond: figureOf(this.#mmap.map(({ wakeUps, wallMs }) => 1000 * wakeUps / wallMs)),
      writeUsPerWakeUp: perWakeUp(this.#write, write),
      mmapUsPerWakeUp: perWakeUp(this.#mmap, mmap),
      idleCpuPercent: figureOf(idle.map(({ cpuPercent }) => cpuPercent)),
      xruns: [...this.#write, ...this.#mmap].reduce((sum, { xruns }) => sum + xruns, 0),
    };
  }
}

async function measure({ realtimeRounds, realtimeMs }: Scale): Promise<RealtimeCpuRow[]> {
  const all = FEEDS.flatMap((feed) => PERIODS.map((periods) => new Rounds(feed, periods)));
  const idle: ProcessorUse[] = [];
  for (let round = 0; round < realtimeRounds; round++) {
    idle.push(await processorUse(() => setTimeout(realtimeMs)));
    const order: RealtimeAccess[] = round % 2 === 0 ? ["write", "mmap"] : ["mmap", "write"];
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
