/**
 * What telephone calls cost: on hold, and while they talk.
 *
 * @module
 */

import { setTimeout } from "node:timers/promises";
import { forEachPacket, openCalls, PACKET_FRAMES, tonePacket } from "../../examples/calls.ts";
import { openPlayback, tone } from "../../mod.ts";
import { type Figure, figureOf, scaled } from "../figure.ts";
import { processorUse } from "../processor_use.ts";
import type { Scale } from "../scale.ts";
import { short, type Suite } from "../suite.ts";

const RATE = 16_000;
const PERIODS = 4;
const CALLS = [10, 100, 1000];
// Streams start, and compilers and caches get ready, before the measurement begins.
const WARM_UP_SECONDS = 0.3;

type CallFeed = "tone" | "packets";
type Talking = "none" | "one" | "all";
const FEEDS: readonly CallFeed[] = ["tone", "packets"];
const TALKING: readonly Talking[] = ["none", "one", "all"];

/** So many calls, of which so many talk. */
export interface CallsRow {
  /** `tone`: native code feeds them. `packets`: JavaScript decodes G.711 for those that talk. */
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

/** Calls of one kind. */
interface Calls extends AsyncDisposable {
  /** Puts all on hold but so many. */
  talk(count: number): Promise<void>;
  /** Lets them talk for a while. */
  run(seconds: number): Promise<void>;
  /** Xruns so far. */
  xruns(): number;
}

const sum = (values: readonly number[]): number =>
  values.reduce((total, value) => total + value, 0);

async function openTones(count: number): Promise<Calls> {
  const shape = { rate: RATE, channels: 1, format: "s16", periodFrames: PACKET_FRAMES } as const;
  const source = tone({ frequencyHz: 400 });
  const open = () => openPlayback({ device: "null", ...shape, periods: PERIODS, source });
  const streams = await Promise.all(Array.from({ length: count }, open));
  let talking = count;
  return {
    talk: async (next) => {
      await Promise.all([
        ...streams.slice(next, talking).map((stream) => stream.pause()),
        ...streams.slice(talking, next).map((stream) => stream.resume()),
      ]);
      talking = next;
    },
    run: (seconds) => setTimeout(1000 * seconds),
    xruns: () => sum(streams.map((stream) => stream.stats().xruns.count)),
    async [Symbol.asyncDispose]() {
      await Promise.all(streams.map((stream) => stream.close()));
    },
  };
}

async function openPacketCalls(count: number): Promise<Calls> {
  const calls = await openCalls(count);
  const packet = tonePacket("alaw");
  let talking = count;
  return {
    talk: async (next) => {
      await Promise.all([
        ...calls.slice(next, talking).map((call) => call.hold()),
        ...calls.slice(talking, next).map((call) => call.unhold()),
      ]);
      talking = next;
    },
    run: (seconds) => {
      const heard = calls.slice(0, talking);
      if (talking === 0) return setTimeout(1000 * seconds);
      return forEachPacket(seconds, () => heard.forEach((call) => call.receive(packet)));
    },
    xruns: () => sum(calls.map((call) => call.stats().xruns.count)),
    async [Symbol.asyncDispose]() {
      await Promise.all(calls.map((call) => call[Symbol.asyncDispose]()));
    },
  };
}

const OPENERS: Readonly<Record<CallFeed, (count: number) => Promise<Calls>>> = {
  tone: openTones,
  packets: openPacketCalls,
};

/** All rounds with so many calls of one feed. */
class Rounds {
  readonly feed: CallFeed;
  readonly calls: number;
  readonly #cpuPercents: Readonly<Record<Talking, number[]>> = { none: [], one: [], all: [] };
  readonly #xruns: Record<Talking, number> = { none: 0, one: 0, all: 0 };

  constructor(feed: CallFeed, calls: number) {
    this.feed = feed;
    this.calls = calls;
  }

  async measure(idlePercent: number, seconds: number): Promise<void> {
    await using calls = await OPENERS[this.feed](this.calls);
    for (const talking of TALKING) {
      await calls.talk({ none: 0, one: 1, all: this.calls }[talking]);
      await calls.run(WARM_UP_SECONDS);
      const before = calls.xruns();
      const { cpuPercent } = await processorUse(() => calls.run(seconds));
      this.#cpuPercents[talking].push(cpuPercent - idlePercent);
      this.#xruns[talking] += calls.xruns() - before;
    }
  }

  rows(timerCpuPercent: Figure): CallsRow[] {
    return TALKING.map((talking) => {
      const cpuPercent = figureOf(this.#cpuPercents[talking]);
      const cpuPercentPerCall = scaled(cpuPercent, 1 / this.calls);
      const xruns = this.#xruns[talking];
      const { feed, calls } = this;
      return { feed, calls, talking, cpuPercent, cpuPercentPerCall, timerCpuPercent, xruns };
    });
  }
}

async function measure(scale: Scale): Promise<CallsRow[]> {
  const { realtimeRounds, realtimeMs, maxStreams } = scale;
  const counts = CALLS.filter((calls) => calls <= maxStreams);
  const all = FEEDS.flatMap((feed) => counts.map((calls) => new Rounds(feed, calls)));
  const seconds = realtimeMs / 1000;
  const timer: number[] = [];
  await forEachPacket(WARM_UP_SECONDS, () => {});
  for (let round = 0; round < realtimeRounds; round++) {
    const idle = await processorUse(() => setTimeout(realtimeMs));
    const ticking = await processorUse(() => forEachPacket(seconds, () => {}));
    timer.push(ticking.cpuPercent - idle.cpuPercent);
    for (const rounds of all) await rounds.measure(idle.cpuPercent, seconds);
  }
  return all.flatMap((rounds) => rounds.rows(figureOf(timer)));
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
