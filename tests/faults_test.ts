/**
 * Every fault under every policy, by both paths, from the queue and from native sources: its cause, how
 * often it is counted, and what is heard, frame by frame.
 */
import assert from "node:assert/strict";
import type { Fault } from "../lib/testing/mod.ts";
import type { XrunCause, XrunPolicy } from "../mod.ts";
import { type Feed, feeds, openFed } from "./faults/feed.ts";
import { Observed } from "./faults/observed_stream.ts";
import {
  bufferFrames,
  framesPerMs,
  leadFrames,
  policies,
  sizes,
  wakeUpFrames,
} from "./faults/sizes.ts";
import { accesses, openCard48k, test } from "./harness.ts";

/** When the fault is put in; the wake-up after that finds it. */
const injectedAt = 1037;
const wokenAt = 1200;
const advancedFrames = 6000;

interface Outcome {
  readonly cause: XrunCause;
  /** Frames of the stream that were heard before. */
  readonly position: number;
  /** When sound began to be missing. */
  readonly timeFrames: number;
  /** Frames that the device had nothing to play for until the engine was back. */
  readonly dryFrames: number;
  /** Frames in the ring that are lost. */
  readonly lostFrames?: number;
}

interface Case {
  readonly fault: Fault;
  readonly xrun?: Outcome;
  /** Frames that are lost although there is no xrun. */
  readonly droppedFrames?: number;
  /** Frames for which the card stood still. */
  readonly stoodFrames?: number;
  /** Frames that the card played in no time. */
  readonly jumpedFrames?: number;
  readonly pointerJumps?: number;
  readonly pointerStalls?: number;
  /** Wake-ups that need not move a frame. */
  readonly idleWakeUps?: number;
}

/** The thread is away from the wake-up on, for 960 frames; the ring is empty after 200 of them. */
const away = (cause: XrunCause): Outcome => ({
  cause,
  position: wokenAt + 200,
  timeFrames: wokenAt + 200,
  dryFrames: 760,
});

const cases: readonly Case[] = [
  { fault: { kind: "late-wake-up", ms: 2 } },
  { fault: { kind: "late-wake-up", ms: 4 } },
  { fault: { kind: "late-wake-up", ms: 20 }, xrun: away("scheduling") },
  { fault: { kind: "slow-fill", ms: 2 } },
  { fault: { kind: "slow-fill", ms: 4 } },
  { fault: { kind: "slow-fill", ms: 20 }, xrun: away("processing") },
  { fault: { kind: "preempted-fill", ms: 2 } },
  { fault: { kind: "preempted-fill", ms: 4 } },
  { fault: { kind: "preempted-fill", ms: 20 }, xrun: away("scheduling") },
  { fault: { kind: "spurious-wake-up" }, idleWakeUps: 1 },
  { fault: { kind: "spurious-wake-up", count: 50 }, idleWakeUps: 50 },
  { fault: { kind: "stall", ms: 5 }, stoodFrames: 240, pointerStalls: 1 },
  { fault: { kind: "stall", ms: 50 }, stoodFrames: 2400, pointerStalls: 1 },
  { fault: { kind: "pointer-jump", frames: 120 }, jumpedFrames: 120, pointerJumps: 1 },
  {
    fault: { kind: "pointer-jump", frames: 1000 },
    jumpedFrames: 1000,
    xrun: { cause: "device", position: 1400, timeFrames: wokenAt, dryFrames: 800 },
  },
  {
    fault: { kind: "xrun" },
    xrun: { cause: "device", position: 1200, timeFrames: wokenAt, dryFrames: 0, lostFrames: 200 },
  },
  { fault: { kind: "suspend" } },
  { fault: { kind: "suspend", resume: "unsupported" }, droppedFrames: 200 },
  { fault: { kind: "suspend", resume: "lies" }, droppedFrames: 200 },
  // It is tried again every 100 ms, and 50 times at most.
  { fault: { kind: "suspend", resume: { again: 1 } }, stoodFrames: 4800 },
];

const describe = ({ fault }: Case): string => {
  const { kind, ...amount } = fault as Fault & { ms?: number };
  return `${kind} ${Object.values(amount).map((value) => JSON.stringify(value)).join()}`.trim();
};

interface Heard {
  /** Frames heard before the gap, in it, and lost behind it. */
  readonly before: number;
  readonly gap: number;
  readonly lost: number;
  /** Frames that the card played in all. */
  readonly frames: number;
}

function predict(policy: XrunPolicy, one: Case): Heard {
  const { xrun, droppedFrames = 0, stoodFrames = 0, jumpedFrames = 0 } = one;
  const frames = advancedFrames - stoodFrames;
  if (xrun === undefined) {
    return { before: wokenAt, gap: 0, lost: droppedFrames, frames: frames + jumpedFrames };
  }
  const { position, dryFrames, lostFrames = 0 } = xrun;
  const common = { before: position, lost: lostFrames };
  // An xrun with frames in the ring stops the device under any policy.
  if (lostFrames > 0) return { ...common, gap: 0, frames };
  if (policy !== "stop") {
    return { ...common, gap: dryFrames + leadFrames, frames: frames + jumpedFrames };
  }
  if (jumpedFrames > 0) return { ...common, gap: 0, frames: frames + jumpedFrames - dryFrames };
  return { ...common, gap: 0, frames: frames - dryFrames };
}

/** What the card must have played, where the gap is the ring lap after lap, or zeros. */
function expectTap(policy: XrunPolicy, given: Int32Array, heard: Heard): Int32Array {
  const tap = new Int32Array(heard.frames);
  tap.set(given.subarray(0, heard.before));
  const end = heard.before + heard.gap;
  if (policy === "repeat") {
    for (let at = heard.before; at < end; at++) tap[at] = tap[at - bufferFrames]!;
  }
  const next = heard.before + heard.lost;
  tap.set(given.subarray(next, next + heard.frames - end), end);
  return tap;
}

/**
 * By mmap a fill that takes long has rendered into the ring before it finds that the device is past
 * it: a device that repeats its ring plays that, too.
 */
function withRendered(tap: Int32Array, given: Int32Array, { before, gap }: Heard): Int32Array {
  const rendered = tap.slice();
  rendered.set(given.subarray(before, before + Math.min(wakeUpFrames, gap)), before);
  for (let at = before + wakeUpFrames; at < before + gap; at++) {
    rendered[at] = rendered[at - bufferFrames]!;
  }
  return rendered;
}

async function playFault(one: Case, policy: XrunPolicy, access: "mmap" | "write", feed: Feed) {
  await using card = await openCard48k();
  const options = { ...sizes, access, xrunPolicy: policy };
  const { out, given, tolerance } = await openFed(card, feed, advancedFrames + 3000, options);
  await using _open = out;
  assert.deepEqual(out.granted.xrunPolicy, { policy, reason: "asked for" });
  const observed = new Observed(out);
  await card.advance(injectedAt);
  card.injectFault(one.fault);
  await card.advance(advancedFrames - injectedAt);
  const heard = predict(policy, one);
  const tap = expectTap(policy, given, heard);
  const isFill = one.fault.kind === "slow-fill" || one.fault.kind === "preempted-fill";
  const isRendered = access === "mmap" && policy === "repeat" && isFill && heard.gap > 0;
  const expected = isRendered ? [tap, withRendered(tap, given, heard)] : [tap];
  const played = card.played() as Int32Array;
  return { played, expected, tolerance, heard, stats: out.stats(), observed };
}

type Played = Awaited<ReturnType<typeof playFault>>;

function assertHeard({ played, expected, tolerance }: Played): void {
  const differences = expected.map((tap) => {
    assert.equal(played.length, tap.length);
    return tap.findIndex((sample, index) => Math.abs(sample - played[index]!) > tolerance);
  });
  if (differences.includes(-1)) return;
  const [at] = differences;
  assert.fail(`frame ${at} is ${played[at!]} instead of ${expected[0]![at!]}`);
}

function assertTold({ stats, observed, heard }: Played, policy: XrunPolicy, one: Case): void {
  observed.assertConsistent();
  const { xrun } = one;
  const { count, producer, scheduling, processing, device, recent } = stats.xruns;
  assert.equal(count, xrun === undefined ? 0 : 1);
  const causes = { producer: 0, scheduling: 0, processing: 0, device: 0 };
  if (xrun !== undefined) causes[xrun.cause] = 1;
  assert.deepEqual({ producer, scheduling, processing, device }, causes);
  assert.equal(observed.begun.length, count);
  assert.equal(observed.ended.length, count);
  assert.equal(recent.length, count);
  if (xrun === undefined) return;
  const [end] = observed.ended;
  assert.equal(end!.policy, policy);
  assert.equal(end!.position, xrun.position);
  assert.equal(end!.lostFrames, xrun.lostFrames ?? 0);
  assertFrames(end!.timeMs, xrun.timeFrames, "Begin of the gap");
  const isSilent = one.jumpedFrames === undefined && (xrun.lostFrames ?? 0) === 0;
  const gap = policy === "stop" && isSilent ? xrun.dryFrames : heard.gap;
  assertFrames(end!.durationMs, gap, "Duration of the gap");
  // Recovery takes at most a quarter of a period from when the engine is back.
  const limit = xrun.dryFrames + leadFrames;
  assert.ok(Math.round(end!.durationMs * framesPerMs) <= limit, `${end!.durationMs} ms`);
}

function assertFrames(ms: number, frames: number, what: string): void {
  const told = ms * framesPerMs;
  assert.ok(Math.abs(told - frames) <= 1, `${what}: ${told} frames instead of ${frames}`);
}

function assertCounted({ stats, heard }: Played, one: Case): void {
  assert.equal(stats.framesPlayed, heard.frames - heard.gap);
  assert.equal(stats.framesDropped, heard.lost);
  const inDevice = stats.framesWritten - stats.framesPlayed - stats.framesDropped;
  assert.ok(inDevice >= 0 && inDevice <= bufferFrames, `${inDevice} frames in the device`);
  if (one.xrun === undefined) {
    assert.equal(stats.pointerJumps, one.pointerJumps ?? 0);
    assert.equal(stats.pointerStalls, one.pointerStalls ?? 0);
  }
}

/** Eight wake-ups a period look for a device that stands still; it may take two until it is found. */
function assertNoSpin({ stats }: Played, one: Case): void {
  const { stoodFrames = 0, idleWakeUps = 0 } = one;
  const standing = stoodFrames === 0 ? 0 : 8 * (stoodFrames / sizes.periodFrames + 2);
  const idle = idleWakeUps + standing + 2;
  assert.ok(stats.idleWakeUpsInARow <= idle, `${stats.idleWakeUpsInARow} idle wake-ups in a row`);
  const limit = advancedFrames / wakeUpFrames + idle + 3;
  assert.ok(stats.wakeUps <= limit, `${stats.wakeUps} wake-ups`);
}

for (const feed of feeds) {
  for (const policy of policies) {
    for (const access of accesses) {
      test(`each fault of a ${feed} by ${access}, policy ${policy}`, async () => {
        for (const one of cases) {
          const played = await playFault(one, policy, access, feed);
          try {
            assertTold(played, policy, one);
            assertHeard(played);
            assertCounted(played, one);
            assertNoSpin(played, one);
          } catch (error) {
            throw new Error(`${describe(one)}: ${(error as Error).message}`, { cause: error });
          }
        }
      });
    }
  }
}
