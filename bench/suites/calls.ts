/**
 * What telephone calls cost: on hold, and while they talk.
 *
 * @module
 */

import { type Figure, figureOf, scaled } from "../figure.ts";
import { runModule } from "../module_process.ts";
import type { Scale } from "../scale.ts";
import { short, type Suite } from "../suite.ts";
import type { CallFeed, Talking, TelephoneCalls } from "../telephone_calls.ts";

const CALLS = [10, 100, 1000];
const START_LIMIT_MS = 60_000;
const FEEDS: readonly CallFeed[] = ["tone", "worker", "render", "packets"];
const TALKING: readonly Talking[] = ["none", "one", "all"];

/** So many calls, of which so many talk. */
export interface CallsRow {
  /**
   * `tone`: native code feeds them. JavaScript decodes G.711 for those that talk: `worker`, for each
   * period that they ask for, in a Worker that waits by a blocking call; `render`, the same in the
   * main thread; `packets`, by a timer.
   */
  readonly feed: CallFeed;
  /** Calls that are open. */
  readonly calls: number;
  /** How many of them talk; the others are on hold. */
  readonly talking: Talking;
  /** Percent of one processor, above that of the idle runtime. */
  readonly cpuPercent: Figure;
  /** The same for each call. */
  readonly cpuPercentPerCall: Figure;
  /** Percent of one processor, above idle, of a timer every 20 ms that does nothing. */
  readonly timerCpuPercent: Figure;
  /** Xruns of all rounds. */
  readonly xruns: number;
}

async function measure(scale: Scale): Promise<CallsRow[]> {
  const { realtimeRounds, realtimeMs, maxStreams } = scale;
  const counts = CALLS.filter((calls) => calls <= maxStreams);
  const kinds = FEEDS.flatMap((feed) => counts.map((calls) => ({ feed, calls })));
  const all = new Map(kinds.map((kind) => [kind, [] as TelephoneCalls[]]));
  const timeoutMs = START_LIMIT_MS + 10 * realtimeMs;
  for (let round = 0; round < realtimeRounds; round++) {
    for (const [{ feed, calls }, rounds] of all) {
      const args = [feed, calls, realtimeMs];
      rounds.push(await runModule("telephone_calls.ts", { args, timeoutMs }) as TelephoneCalls);
    }
  }
  const timers = [...all.values()].flat().map(({ timerCpuPercent }) => timerCpuPercent);
  const timerCpuPercent = figureOf(timers);
  return Array.from(all, ([{ feed, calls }, rounds]) =>
    TALKING.map((talking) => {
      const cpuPercent = figureOf(rounds.map((round) => round.cpuPercent[talking]));
      const cpuPercentPerCall = scaled(cpuPercent, 1 / calls);
      const xruns = rounds.reduce((total, round) => total + round.xruns[talking], 0);
      return { feed, calls, talking, cpuPercent, cpuPercentPerCall, timerCpuPercent, xruns };
    })).flat();
}

/** What telephone calls cost. */
export const suite: Suite<CallsRow> = {
  title: "Processor time of telephone calls above idle (16 kHz, mono, 20 ms, ALSA's null)",
  columns: [
    { heading: "feed", text: ({ feed }) => feed },
    { heading: "calls", text: ({ calls }) => `${calls}` },
    { heading: "talking", text: ({ talking }) => talking },
    { heading: "CPU %", text: ({ cpuPercent }) => short(cpuPercent) },
    { heading: "CPU % per call", text: ({ cpuPercentPerCall }) => short(cpuPercentPerCall) },
    { heading: "20 ms timer alone %", text: ({ timerCpuPercent }) => short(timerCpuPercent) },
    { heading: "xruns", text: ({ xruns }) => `${xruns}` },
  ],
  plots: [{
    name: "cpu",
    xTitle: "calls",
    yTitle: "percent of a processor, above idle",
    points: ({ feed, talking, calls, cpuPercent }) => [
      { series: `${feed}, ${talking} talking`, x: calls, y: cpuPercent },
    ],
  }],
  measure,
};
