/**
 * Prints what many streams take in a process of their own, as one object. The suite `streams` starts
 * it with the number of streams that run, of those that are paused, and how long to measure in ms.
 *
 * @module
 */

import { readdirSync } from "node:fs";
import process from "node:process";
import { setTimeout } from "node:timers/promises";
import { engineCounters } from "../lib/testing/mod.ts";
import { openPlayback, type Playback, tone, type XrunCause } from "../mod.ts";
import { collectGarbage } from "./collect_garbage.ts";
import { processorUse } from "./processor_use.ts";

/** What many streams took. */
export interface ManyStreams {
  /** Microseconds per `openPlayback()`, one after the other. */
  readonly openUs: number;
  /** The same for all at once. */
  readonly openTogetherUs: number;
  /**
   * KiB of resident memory that each of as many streams more adds, its ring and JavaScript's objects
   * included. What any number of streams needs once, the first ones have brought.
   */
  readonly memoryKib: number;
  /** File descriptors of the process when all were open. */
  readonly descriptors: number;
  /** The engine's threads. */
  readonly threads: number;
  /** Percent of one processor, above that of the idle runtime. */
  readonly cpuPercent: number;
  /** Wake-ups of the thread per second, for all streams together. */
  readonly wakeUpsPerSecond: number;
  /** Xruns of all streams by cause. */
  readonly xruns: Readonly<Record<XrunCause, number>>;
}

const CAUSES: readonly XrunCause[] = ["producer", "scheduling", "processing", "device"];
const OPTIONS = {
  device: "virtual",
  rate: 16_000,
  channels: 1,
  format: "s16",
  periodFrames: 320,
  periods: 4,
  source: tone({ frequencyHz: 440 }),
} as const;
const WARM_UP_MS = 500;

async function openStreams(count: number): Promise<Playback[]> {
  const streams: Playback[] = [];
  while (streams.length < count) streams.push(await openPlayback(OPTIONS));
  return streams;
}

const closeAll = (streams: readonly Playback[]): Promise<unknown> =>
  Promise.all(streams.map((stream) => stream.close()));

function residentKib(): number {
  collectGarbage();
  return process.memoryUsage().rss / 1024;
}

/** KiB per stream, beside those that are open. */
async function memoryOf(count: number): Promise<number> {
  const beforeKib = residentKib();
  const streams = await openStreams(count);
  const addedKib = residentKib() - beforeKib;
  await closeAll(streams);
  return addedKib / count;
}

/** Microseconds per stream. */
async function openTogether(count: number): Promise<number> {
  const startMs = performance.now();
  const streams = await Promise.all(Array.from({ length: count }, () => openPlayback(OPTIONS)));
  const openUs = 1000 * (performance.now() - startMs) / count;
  await closeAll(streams);
  return openUs;
}

function countXruns(streams: readonly Playback[]): Record<XrunCause, number> {
  const counts = { producer: 0, scheduling: 0, processing: 0, device: 0 };
  for (const stream of streams) {
    const { xruns } = stream.stats();
    for (const cause of CAUSES) counts[cause] += xruns[cause];
  }
  return counts;
}

async function measure(running: number, paused: number, durationMs: number): Promise<ManyStreams> {
  // The first stream loads the library and starts the engine.
  await (await openPlayback(OPTIONS)).close();
  await setTimeout(WARM_UP_MS);
  const idle = await processorUse(() => setTimeout(durationMs));
  const startMs = performance.now();
  const streams = await openStreams(running + paused);
  const openUs = 1000 * (performance.now() - startMs) / streams.length;
  await Promise.all(streams.slice(running).map((stream) => stream.pause()));
  await setTimeout(WARM_UP_MS);
  const wakeUps = () => streams[0]!.stats().group.wakeUps;
  const [xrunsBefore, wakeUpsBefore] = [countXruns(streams), wakeUps()];
  const { cpuPercent, wallMs } = await processorUse(() => setTimeout(durationMs));
  const wakeUpsPerSecond = 1000 * (wakeUps() - wakeUpsBefore) / wallMs;
  const xruns = countXruns(streams);
  for (const cause of CAUSES) xruns[cause] -= xrunsBefore[cause];
  const { threads } = engineCounters();
  const descriptors = readdirSync("/proc/self/fd").length;
  const memoryKib = await memoryOf(streams.length);
  await closeAll(streams);
  const above = cpuPercent - idle.cpuPercent;
  const openTogetherUs = await openTogether(running + paused);
  const open = { openUs, openTogetherUs, memoryKib, descriptors, threads };
  return { ...open, cpuPercent: above, wakeUpsPerSecond, xruns };
}

const [running, paused, durationMs] = process.argv.slice(2).map(Number) as [number, number, number];
console.log(JSON.stringify(await measure(running, paused, durationMs)));
