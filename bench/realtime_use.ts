/**
 * What the process takes while a stream plays in real time.
 *
 * @module
 */

import { setTimeout } from "node:timers/promises";
import {
  openPlayback,
  type Playback,
  type PlaybackQueue,
  render,
  type SilenceSource,
  type ToneSource,
} from "../mod.ts";
import { type Figure, figureOf, ratioOf } from "./figure.ts";
import { type ProcessorUse, processorUse } from "./processor_use.ts";

/** Who makes the sound: native code, or JavaScript, which writes or renders. */
export type Feed = "native" | "queue" | "render";

/** What the process took, and what the stream counted meanwhile. */
export interface StreamUse extends ProcessorUse {
  /** Wake-ups of the engine. */
  readonly wakeUps: number;
  /** Xruns of any cause. */
  readonly xruns: number;
  /** Milliseconds that half of the transfers took at most, since the stream was opened. */
  readonly fillMs: number;
}

/** Formats in which zeros are silence, of which every sound card has one. */
export type SignedFormat = "s16" | "s32" | "f32";

/** How a stream is opened. */
export interface Shape {
  readonly device: string;
  readonly access: "mmap" | "write";
  readonly rate: number;
  readonly channels: number;
  readonly format: SignedFormat;
  readonly periodFrames: number;
  readonly periods: number;
}

// Compilers and caches get that long before the measurement begins.
const WARM_UP_MS = 200;
const ARRAYS = { s16: Int16Array, s32: Int32Array, f32: Float32Array } as const;

const silentRender = render<SignedFormat>(({ samples }) => samples.fill(0));

/** Writes two periods at a time until the signal is aborted; then the last write has ended. */
async function keepWriting(
  out: PlaybackQueue<SignedFormat>,
  { format, channels, periodFrames }: Shape,
  signal: AbortSignal,
): Promise<void> {
  const samples = new ARRAYS[format](2 * periodFrames * channels);
  while (!signal.aborted) await out.write(samples);
}

async function useOf(out: Playback, durationMs: number): Promise<StreamUse> {
  await setTimeout(WARM_UP_MS);
  const before = out.stats();
  const use = await processorUse(() => setTimeout(durationMs));
  const { wakeUps, xruns, distributions } = out.stats();
  return {
    ...use,
    wakeUps: wakeUps - before.wakeUps,
    xruns: xruns.count - before.xruns.count,
    fillMs: distributions.fillMs.p50,
  };
}

/** Plays for a while. `native` is what native code plays. */
export async function playInRealtime(
  feed: Feed,
  shape: Shape,
  native: SilenceSource | ToneSource,
  durationMs: number,
): Promise<StreamUse> {
  if (feed !== "queue") {
    await using out = feed === "native"
      ? await openPlayback({ ...shape, source: native })
      : await openPlayback({ ...shape, source: silentRender });
    return await useOf(out, durationMs);
  }
  await using out = await openPlayback(shape);
  const enough = new AbortController();
  const written = keepWriting(out, shape, enough.signal);
  const use = await useOf(out, durationMs);
  enough.abort();
  await written;
  return use;
}

/** What the same stream took on both paths, round by round. */
export type PathUses = Readonly<Record<"mmap" | "write", readonly StreamUse[]>>;

/** Both paths beside each other. */
export interface PathComparison {
  /** Processor time of the mmap path, divided by the write path's; null where idle was more. */
  readonly mmapToWrite: Figure | null;
  /** Percent of one processor, above idle, on the write path. */
  readonly writeCpuPercent: Figure;
  /** Percent of one processor, above idle, on the mmap path. */
  readonly mmapCpuPercent: Figure;
  /** Xruns of all rounds on both paths. */
  readonly xruns: number;
}

/** What the process took above idle, in the same round. */
export const aboveIdle = (
  uses: readonly StreamUse[],
  idle: readonly ProcessorUse[],
): readonly number[] => uses.map(({ cpuPercent }, round) => cpuPercent - idle[round]!.cpuPercent);

/** Compares the paths. */
export function comparePaths(uses: PathUses, idle: readonly ProcessorUse[]): PathComparison {
  const [write, mmap] = [aboveIdle(uses.write, idle), aboveIdle(uses.mmap, idle)];
  const isAboveIdle = [...write, ...mmap].every((percent) => percent > 0);
  return {
    mmapToWrite: isAboveIdle ? ratioOf(mmap, write) : null,
    writeCpuPercent: figureOf(write),
    mmapCpuPercent: figureOf(mmap),
    xruns: [...uses.write, ...uses.mmap].reduce((sum, { xruns }) => sum + xruns, 0),
  };
}
