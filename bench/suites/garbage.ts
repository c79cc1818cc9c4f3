/**
 * Underruns of streams whose JavaScript collects garbage all the time.
 *
 * @module
 */

import { setTimeout } from "node:timers/promises";
import { openPlayback, type Playback, PlaybackQueue, render } from "../../mod.ts";
import { type Figure, figureOf } from "../figure.ts";
import { type GarbageStorm, liveObjects, type Node, stirGarbage } from "../garbage_storm.ts";
import type { Scale } from "../scale.ts";
import { short, type Suite } from "../suite.ts";

const RATE = 48_000;
const CHANNELS = 2;
const PERIODS = 4;
const WRITE_FRAMES = 240;
// What lies in the device beside the queue, of a stream that is written to.
const WRITE_PERIOD_FRAMES = 120;
// The last gap ends within that time, when the storm is over.
const GAP_END_MS = 100;
const QUEUE_MS = [20, 50, 100];

type GarbageFeed = "write" | "render";
const FEEDS: readonly GarbageFeed[] = ["write", "render"];

/** One feed with one length of queue. */
export interface GarbageRow {
  /** `write`: JavaScript writes. `render`: it renders in the device's own ring. */
  readonly feed: GarbageFeed;
  /** Milliseconds of sound in the queue, or for `render` in the ring. */
  readonly queueMs: number;
  /** Underruns of cause producer per minute. */
  readonly underrunsPerMinute: Figure;
  /** Milliseconds of the longest of them in each round; 0 where there was none. */
  readonly longestGapMs: Figure;
  /** Milliseconds of the longest turn of the event loop in each round. */
  readonly longestTurnMs: Figure;
  /** MiB of garbage per second. */
  readonly garbageMibPerSecond: Figure;
  /** Xruns of other causes, of all rounds. */
  readonly otherXruns: number;
}

/** What came of one round. */
interface Storm extends GarbageStorm {
  readonly underruns: number;
  readonly otherXruns: number;
  readonly longestGapMs: number;
}

const silentRender = render(({ samples }) => samples.fill(0));

function open(feed: GarbageFeed, queueMs: number): Promise<Playback> {
  const options = { device: "virtual", rate: RATE, channels: CHANNELS, periods: PERIODS };
  const queueFrames = RATE * queueMs / 1000;
  if (feed === "write") {
    return openPlayback({ ...options, periodFrames: WRITE_PERIOD_FRAMES, queueFrames });
  }
  return openPlayback({ ...options, periodFrames: queueFrames / PERIODS, source: silentRender });
}

async function keepWriting(out: PlaybackQueue<"f32">, signal: AbortSignal): Promise<void> {
  const samples = new Float32Array(WRITE_FRAMES * CHANNELS);
  while (!signal.aborted) await out.write(samples);
}

async function measureStorm(
  live: Node[],
  feed: GarbageFeed,
  queueMs: number,
  durationMs: number,
): Promise<Storm> {
  await using out = await open(feed, queueMs);
  const gapsMs = [0];
  out.addEventListener("xrunend", ({ cause, durationMs }) => {
    if (cause === "producer") gapsMs.push(durationMs);
  });
  const enough = new AbortController();
  const written = out instanceof PlaybackQueue ? keepWriting(out, enough.signal) : undefined;
  const storm = await stirGarbage(live, durationMs);
  await setTimeout(GAP_END_MS);
  enough.abort();
  await written;
  const { count, producer } = out.stats().xruns;
  const longestGapMs = Math.max(...gapsMs);
  return { ...storm, underruns: producer, otherXruns: count - producer, longestGapMs };
}

async function measure({ realtimeRounds, realtimeMs }: Scale): Promise<GarbageRow[]> {
  const kinds = FEEDS.flatMap((feed) => QUEUE_MS.map((queueMs) => ({ feed, queueMs })));
  const live = liveObjects();
  const all = new Map(kinds.map((kind) => [kind, [] as Storm[]]));
  for (let round = 0; round < realtimeRounds; round++) {
    for (const [{ feed, queueMs }, storms] of all) {
      storms.push(await measureStorm(live, feed, queueMs, realtimeMs));
    }
  }
  return Array.from(all, ([kind, storms]) => {
    const figure = (value: (storm: Storm) => number) => figureOf(storms.map(value));
    return {
      ...kind,
      underrunsPerMinute: figure(({ underruns }) => 60_000 * underruns / realtimeMs),
      longestGapMs: figure(({ longestGapMs }) => longestGapMs),
      longestTurnMs: figure(({ longestTurnMs }) => longestTurnMs),
      garbageMibPerSecond: figure(({ mibPerSecond }) => mibPerSecond),
      otherXruns: storms.reduce((total, { otherXruns }) => total + otherXruns, 0),
    };
  });
}

/** Underruns beside garbage. */
export const suite: Suite<GarbageRow> = {
  title: "Underruns in a garbage storm (50 MiB that live; 48 kHz, 2 channels, f32)",
  columns: [
    { heading: "feed", text: ({ feed }) => feed },
    { heading: "queue ms", text: ({ queueMs }) => `${queueMs}` },
    { heading: "underruns/min", text: ({ underrunsPerMinute }) => short(underrunsPerMinute) },
    { heading: "longest gap ms", text: ({ longestGapMs }) => short(longestGapMs) },
    { heading: "longest turn ms", text: ({ longestTurnMs }) => short(longestTurnMs) },
    { heading: "garbage MiB/s", text: (row) => short(row.garbageMibPerSecond) },
    { heading: "other xruns", text: ({ otherXruns }) => `${otherXruns}` },
  ],
  plots: [{
    name: "underruns",
    xTitle: "ms of queue",
    yTitle: "underruns per minute",
    points: ({ feed, queueMs, underrunsPerMinute }) => [
      { series: feed, x: queueMs, y: underrunsPerMinute },
    ],
  }],
  measure,
};
