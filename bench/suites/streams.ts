/**
 * What 1 to 3000 streams of one process take.
 *
 * @module
 */

import { type Figure, figureOf } from "../figure.ts";
import type { ManyStreams } from "../many_streams.ts";
import { runModule } from "../module_process.ts";
import type { Scale } from "../scale.ts";
import { short, type Suite } from "../suite.ts";

// As many as a process gets where nobody raised the limit.
const MAX_DESCRIPTORS = 1024;
const START_LIMIT_MS = 60_000;
const RUNNING = [1, 10, 100, 1000];
const MOSTLY_PAUSED = { running: 100, paused: 2900 };

/** So many streams. */
export interface StreamsRow {
  /** Streams that play a tone. */
  readonly running: number;
  /** Streams that are open and paused beside them. */
  readonly paused: number;
  /** Percent of one processor, above that of the idle runtime, for each stream that runs. */
  readonly cpuPercentPerStream: Figure;
  /** The same for all streams together. */
  readonly cpuPercent: Figure;
  /** Wake-ups of the engine per second, for all streams together. */
  readonly wakeUpsPerSecond: Figure;
  /** Microseconds per `openPlayback()`, one after the other. */
  readonly openUs: Figure;
  /** The same for all at once. */
  readonly openTogetherUs: Figure;
  /** KiB of resident memory that each of as many streams more adds. */
  readonly memoryKib: Figure;
  /** The engine's threads. */
  readonly threads: number;
  /** File descriptors of the process, of which it may have 1024. */
  readonly descriptors: number;
  /** Xruns of all rounds because there was nothing to play. */
  readonly producerXruns: number;
  /** Xruns because the thread did not get a processor in time. */
  readonly schedulingXruns: number;
  /** Xruns because the engine took too long. */
  readonly processingXruns: number;
  /** Xruns of the device. */
  readonly deviceXruns: number;
}

type Kind = Pick<StreamsRow, "running" | "paused">;

function rowOf({ running, paused }: Kind, rounds: readonly ManyStreams[]): StreamsRow {
  const figure = (value: (round: ManyStreams) => number) => figureOf(rounds.map(value));
  const most = (value: (round: ManyStreams) => number) => Math.max(...rounds.map(value));
  const xruns = (cause: keyof ManyStreams["xruns"]) =>
    rounds.reduce((total, round) => total + round.xruns[cause], 0);
  return {
    running,
    paused,
    cpuPercentPerStream: figure(({ cpuPercent }) => cpuPercent / running),
    cpuPercent: figure(({ cpuPercent }) => cpuPercent),
    wakeUpsPerSecond: figure(({ wakeUpsPerSecond }) => wakeUpsPerSecond),
    openUs: figure(({ openUs }) => openUs),
    openTogetherUs: figure(({ openTogetherUs }) => openTogetherUs),
    memoryKib: figure(({ memoryKib }) => memoryKib),
    threads: most(({ threads }) => threads),
    descriptors: most(({ descriptors }) => descriptors),
    producerXruns: xruns("producer"),
    schedulingXruns: xruns("scheduling"),
    processingXruns: xruns("processing"),
    deviceXruns: xruns("device"),
  };
}

async function measure(scale: Scale): Promise<StreamsRow[]> {
  const { realtimeRounds, realtimeMs, maxStreams } = scale;
  const kinds = [...RUNNING.map((running) => ({ running, paused: 0 })), MOSTLY_PAUSED];
  const all = new Map<Kind, ManyStreams[]>();
  for (const kind of kinds) if (kind.running + kind.paused <= maxStreams) all.set(kind, []);
  for (let round = 0; round < realtimeRounds; round++) {
    for (const [{ running, paused }, rounds] of all) {
      const args = [running, paused, realtimeMs];
      const limits = { timeoutMs: START_LIMIT_MS + realtimeMs, maxDescriptors: MAX_DESCRIPTORS };
      rounds.push(await runModule("many_streams.ts", { args, ...limits }) as ManyStreams);
    }
  }
  return Array.from(all, ([kind, rounds]) => rowOf(kind, rounds));
}

const xrunsOf = (row: StreamsRow): string =>
  [row.producerXruns, row.schedulingXruns, row.processingXruns, row.deviceXruns].join("/");

/** What 1 to 3000 streams take. */
export const suite: Suite<StreamsRow> = {
  title: "Many streams in one process (16 kHz, mono, periods of 20 ms, a tone; virtual cards)",
  columns: [
    { heading: "running", text: ({ running }) => `${running}` },
    { heading: "paused", text: ({ paused }) => `${paused}` },
    { heading: "CPU % per running", text: ({ cpuPercentPerStream }) => short(cpuPercentPerStream) },
    { heading: "CPU %", text: ({ cpuPercent }) => short(cpuPercent) },
    { heading: "wake-ups/s", text: ({ wakeUpsPerSecond }) => short(wakeUpsPerSecond) },
    { heading: "open us", text: ({ openUs }) => short(openUs) },
    { heading: "together us", text: ({ openTogetherUs }) => short(openTogetherUs) },
    { heading: "KiB/stream", text: ({ memoryKib }) => short(memoryKib) },
    { heading: "threads", text: ({ threads }) => `${threads}` },
    { heading: "descriptors", text: ({ descriptors }) => `${descriptors}` },
    { heading: "xruns p/s/p/d", text: xrunsOf },
  ],
  plots: [{
    name: "cpu",
    xTitle: "streams that run",
    yTitle: "percent of a processor, above idle",
    points: ({ running, paused, cpuPercent, cpuPercentPerStream }) =>
      paused > 0 ? [] : [
        { series: "all", x: running, y: cpuPercent },
        { series: "each", x: running, y: cpuPercentPerStream },
      ],
  }, {
    name: "open",
    xTitle: "streams that run",
    yTitle: "us per openPlayback(), KiB per stream",
    points: ({ running, paused, openUs, openTogetherUs, memoryKib }) =>
      paused > 0 ? [] : [
        { series: "us", x: running, y: openUs },
        { series: "us, all at once", x: running, y: openTogetherUs },
        { series: "KiB", x: running, y: memoryKib },
      ],
  }],
  measure,
};
