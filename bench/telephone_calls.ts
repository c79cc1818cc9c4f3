/**
 * Prints what telephone calls take in a process of their own, as one object. The suite `calls` starts
 * it with their feed, their number, and how long to measure in milliseconds.
 *
 * @module
 */

import { subscribe } from "node:diagnostics_channel";
import process from "node:process";
import { setTimeout } from "node:timers/promises";
import * as alaw from "alawmulaw/lib/alaw.js";
import { forEachPacket, openCalls, PACKET_FRAMES, tonePacket } from "../examples/calls.ts";
import { openPlayback, render, type RenderSource, tone, type ToneSource } from "../mod.ts";
import { processorUse } from "./processor_use.ts";
import { WorkerCalls } from "./worker_calls.ts";

/**
 * Who feeds the calls: native code; JavaScript that decodes a packet for each period that a stream
 * asks for, in a Worker that waits by a blocking call or in the main thread; or JavaScript that
 * decodes packets as they come, by a timer.
 */
export type CallFeed = "tone" | "worker" | "render" | "packets";
/** How many of the calls talk; the others are on hold. */
export type Talking = "none" | "one" | "all";

/** What the calls took. */
export interface TelephoneCalls {
  /** Percent of one processor, above that of the idle runtime. */
  readonly cpuPercent: Readonly<Record<Talking, number>>;
  /** Xruns meanwhile. */
  readonly xruns: Readonly<Record<Talking, number>>;
  /** Percent of one processor, above idle, of a timer every 20 ms that does nothing. */
  readonly timerCpuPercent: number;
}

const RATE = 16_000;
const PERIODS = 4;
// What a runtime does once, such as to compile what runs, is done after so many times as long as is
// measured.
const SETTLING_LENGTHS = 3;
// Streams start, and caches get ready, before each measurement.
const WARM_UP_SECONDS = 0.3;

/** Calls of one kind. */
interface Calls extends AsyncDisposable {
  /** Of all streams. To ask each of a thousand takes so long that packets come late. */
  readonly xruns: number;
  /** Puts all on hold but so many. */
  talk(count: number): Promise<void>;
  /** Lets them talk for a while. */
  run(seconds: number): Promise<void>;
}

let xrunCount = 0;
subscribe("halflap:xrun", () => xrunCount++);

async function openAsked(count: number, source: ToneSource | RenderSource): Promise<Calls> {
  const shape = { rate: RATE, channels: 1, format: "s16", periodFrames: PACKET_FRAMES } as const;
  const open = () => openPlayback({ device: "null", ...shape, periods: PERIODS, source });
  const streams = await Promise.all(Array.from({ length: count }, open));
  let talking = count;
  return {
    get xruns() {
      return xrunCount;
    },
    talk: async (next) => {
      await Promise.all([
        ...streams.slice(next, talking).map((stream) => stream.pause()),
        ...streams.slice(talking, next).map((stream) => stream.resume()),
      ]);
      talking = next;
    },
    run: (seconds) => setTimeout(1000 * seconds),
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
    get xruns() {
      return xrunCount;
    },
    talk: async (next) => {
      await Promise.all(calls.slice(next, talking).map((call) => call.hold()));
      for (const call of calls.slice(talking, next)) call.unhold();
      talking = next;
    },
    run: (seconds) => {
      const heard = calls.slice(0, talking);
      if (talking === 0) return setTimeout(1000 * seconds);
      return forEachPacket(seconds, () => heard.forEach((call) => call.receive(packet)));
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(calls.map((call) => call[Symbol.asyncDispose]()));
    },
  };
}

function decoder(): RenderSource {
  const packet = tonePacket("alaw");
  return render((block) => (block.samples as Int16Array).set(alaw.decode(packet)));
}

const OPENERS: Readonly<Record<CallFeed, (count: number) => Promise<Calls>>> = {
  tone: (count) => openAsked(count, tone({ frequencyHz: 400 })),
  worker: (count) => WorkerCalls.open({ calls: count, rate: RATE, periods: PERIODS }),
  render: (count) => openAsked(count, decoder()),
  packets: openPacketCalls,
};

async function measure(
  feed: CallFeed,
  count: number,
  seconds: number,
): Promise<TelephoneCalls> {
  await forEachPacket(WARM_UP_SECONDS, () => {});
  const timer = await processorUse(() => forEachPacket(seconds, () => {}));
  const idle = await processorUse(() => setTimeout(1000 * seconds));
  const percents = { none: 0, one: 0, all: 0 };
  const xruns = { none: 0, one: 0, all: 0 };
  await using calls = await OPENERS[feed](count);
  await calls.talk(count);
  await calls.run(SETTLING_LENGTHS * seconds);
  for (const [talking, number] of [["none", 0], ["one", 1], ["all", count]] as const) {
    await calls.talk(number);
    await calls.run(WARM_UP_SECONDS);
    const before = calls.xruns;
    const { cpuPercent } = await processorUse(() => calls.run(seconds));
    percents[talking] = cpuPercent - idle.cpuPercent;
    xruns[talking] = calls.xruns - before;
  }
  const timerCpuPercent = timer.cpuPercent - idle.cpuPercent;
  return { cpuPercent: percents, xruns, timerCpuPercent };
}

const [feed, count, durationMs] = process.argv.slice(2) as [CallFeed, string, string];
console.log(JSON.stringify(await measure(feed, Number(count), Number(durationMs) / 1000)));
