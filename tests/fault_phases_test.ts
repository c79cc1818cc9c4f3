/**
 * Faults at every phase of a stream's life: their cause and count, and no frame lost or repeated but
 * for what the stream tells.
 */
import assert from "node:assert/strict";
import { type Fault, openVirtualCard, type VirtualCard } from "../lib/testing/mod.ts";
import { openPlayback, type PlaybackQueue, type XrunCause, type XrunPolicy } from "../mod.ts";
import { Observed } from "./faults/observed_stream.ts";
import { bufferFrames, policies } from "./faults/sizes.ts";
import { walkTap } from "./faults/tap_walk.ts";
import {
  accesses,
  counting,
  countingSamples,
  handled,
  openCard48k,
  test,
  watch,
} from "./harness.ts";

const givenFrames = 4000;
const options = { ...counting, queueFrames: givenFrames } as const;

interface Kind {
  readonly fault: Fault;
  /** What an xrun of it is put down to; undefined where there is none. */
  readonly cause?: XrunCause;
  /** The device takes what is in its ring away, with an xrun or without. */
  readonly losesRing?: boolean;
}

const away: readonly Kind[] = [
  { fault: { kind: "late-wake-up", ms: 20 }, cause: "scheduling" },
  { fault: { kind: "slow-fill", ms: 20 }, cause: "processing" },
  { fault: { kind: "preempted-fill", ms: 20 }, cause: "scheduling" },
];
const jump: Kind = { fault: { kind: "pointer-jump", frames: 1000 }, cause: "device" };
const xrun: Kind = { fault: { kind: "xrun" }, cause: "device", losesRing: true };
const harmless: readonly Kind[] = [
  { fault: { kind: "late-wake-up", ms: 1 } },
  { fault: { kind: "stall", ms: 5 } },
  { fault: { kind: "pointer-jump", frames: 100 } },
  { fault: { kind: "suspend" } },
  { fault: { kind: "suspend", resume: { again: 2 } } },
  { fault: { kind: "suspend", resume: "unsupported" }, losesRing: true },
  { fault: { kind: "suspend", resume: "lies" }, losesRing: true },
  { fault: { kind: "spurious-wake-up", count: 60 } },
];
const kinds: readonly Kind[] = [...away, jump, xrun, ...harmless];

interface Scene {
  readonly card: VirtualCard;
  readonly out: PlaybackQueue<"s32">;
  /** Puts the fault in. */
  readonly strike: () => void;
}

interface Phase {
  readonly name: string;
  readonly canPause?: boolean;
  readonly play: (scene: Scene) => Promise<void>;
  /** What each xrun is put down to. */
  readonly expect: (kind: Kind, policy: XrunPolicy) => readonly XrunCause[];
}

const once = ({ cause }: Kind): XrunCause[] => cause === undefined ? [] : [cause];

const giveAll = (out: PlaybackQueue<"s32">) => out.write(countingSamples(givenFrames));

/**
 * Where all that is left lies in the ring, only the device itself can keep it from being heard; but one
 * that repeats its ring goes on to do so behind the end.
 */
const inRing = (kind: Kind, policy: XrunPolicy): XrunCause[] =>
  policy === "repeat" || kind === xrun ? once(kind) : [];

const phases: readonly Phase[] = [
  {
    name: "just started",
    play: async ({ out, strike }) => {
      await giveAll(out);
      strike();
    },
    expect: once,
  },
  {
    name: "in the middle of a period",
    play: async ({ card, out, strike }) => {
      await giveAll(out);
      await card.advance(1237);
      strike();
    },
    expect: once,
  },
  {
    name: "before the start",
    play: async ({ card, out, strike }) => {
      await out.write(countingSamples(399));
      await card.advance(300);
      strike();
      await card.advance(300);
      await out.write(countingSamples(givenFrames - 399, 400));
    },
    // The next fill is the one before the start: nothing waits for it.
    expect: (kind) => kind.fault.kind.endsWith("fill") ? [] : once(kind),
  },
  {
    name: "twice in a row",
    play: async ({ card, out, strike }) => {
      await giveAll(out);
      await card.advance(437);
      strike();
      await card.advance(363);
      strike();
    },
    expect: (kind) => [...once(kind), ...once(kind)],
  },
  {
    name: "while paused",
    play: async ({ card, out, strike }) => {
      await giveAll(out);
      await card.advance(437);
      await out.pause();
      strike();
      await card.advance(3000);
      await out.resume();
    },
    expect: once,
  },
  {
    name: "while paused without hardware pause",
    canPause: false,
    play: async ({ card, out, strike }) => {
      await giveAll(out);
      await card.advance(437);
      const paused = handled(out.pause());
      await card.advance(1000);
      await paused;
      strike();
      await card.advance(3000);
      await out.resume();
    },
    expect: (kind) => kind.fault.kind.endsWith("fill") ? [] : once(kind),
  },
  {
    name: "draining, with frames in the queue",
    play: async ({ card, out, strike }) => {
      await giveAll(out);
      await card.advance(437);
      handled(out.drain());
      strike();
    },
    expect: once,
  },
  {
    name: "draining, with the last frames in the ring",
    play: async ({ card, out, strike }) => {
      await giveAll(out);
      await card.advance(437);
      handled(out.drain());
      await card.advance(3300);
      strike();
    },
    expect: inRing,
  },
];

/** Plays all that was given to its end, in a time that leaves room for every fault. */
async function finish({ card, out }: Scene): Promise<void> {
  const drained = watch(out.drain());
  await card.advance(30_000);
  assert.equal(drained.state, "fulfilled", String(drained.error));
}

async function playPhase(phase: Phase, kind: Kind, policy: typeof policies[number]) {
  for (const access of accesses) {
    const { canPause = true } = phase;
    await using card = await openCard48k({ canPause });
    const wanted = { ...options, access, xrunPolicy: policy, device: card.device };
    await using out = await openPlayback(wanted);
    const observed = new Observed(out);
    const scene = { card, out, strike: () => card.injectFault(kind.fault) };
    await phase.play(scene);
    await finish(scene);
    assertRight(phase, kind, { card, out, observed });
  }
}

function assertRight(
  phase: Phase,
  kind: Kind,
  { card, out, observed }: Omit<Scene, "strike"> & { readonly observed: Observed },
): void {
  observed.assertConsistent();
  assert.deepEqual(
    observed.xruns.map(({ cause }) => cause),
    phase.expect(kind, out.granted.xrunPolicy.policy),
  );
  assert.equal(observed.ended.length, observed.begun.length);
  const stats = out.stats();
  assert.equal(stats.state, "prepared");
  assert.equal(stats.framesAccepted, givenFrames);
  assert.equal(stats.framesAccepted, stats.framesPlayed + stats.framesDropped);
  const rings = kind.losesRing ? phase.name === "twice in a row" ? 2 : 1 : 0;
  assert.ok(stats.framesDropped <= rings * bufferFrames, `${stats.framesDropped} frames dropped`);
  const tap = card.played() as Int32Array;
  const walk = walkTap(tap, { xruns: observed.xruns, rate: options.rate, bufferFrames });
  assert.equal(walk.heard, stats.framesPlayed);
  // A walk does not see what is missing at the end.
  assert.ok(walk.skipped <= stats.framesDropped);
  const isIdle = kind.fault.kind === "spurious-wake-up" ? 60 : 0;
  assert.ok(stats.idleWakeUpsInARow <= isIdle + 30, `${stats.idleWakeUpsInARow} idle in a row`);
}

for (const phase of phases) {
  for (const policy of policies) {
    test(`each fault ${phase.name}, policy ${policy}`, async () => {
      for (const kind of kinds) {
        const what = JSON.stringify(kind.fault);
        await playPhase(phase, kind, policy).catch((error: Error) => {
          throw new Error(`${what}: ${error.message}`, { cause: error });
        });
      }
    });
  }
}

/** The producer has given all that it has: the last frames are in the ring. */
const ringNearlyEmpty: Omit<Phase, "expect"> = {
  name: "when the ring is nearly empty",
  play: async ({ card, out, strike }) => {
    await out.write(countingSamples(1990));
    await card.advance(1937);
    strike();
    await card.advance(2000);
    await out.write(countingSamples(givenFrames - 1990, 1991));
  },
};

for (const policy of policies) {
  test(`a late producer is told from a thread that is away, policy ${policy}`, async () => {
    // A slow fill only makes the gap longer that it was to end.
    for (const kind of away) {
      await playPhase({ ...ringNearlyEmpty, expect: () => ["producer"] }, kind, policy);
    }
  });
}

for (const policy of policies) {
  test(`a slow fill of any length is never the device's, policy ${policy}`, async () => {
    for (const periods of [2, 3, 4]) {
      const ring = periods * options.periodFrames;
      for (let frames = 1; frames < 2 * ring; frames += 3) {
        await using card = await openCard48k();
        const setup = { ...options, periods, xrunPolicy: policy, device: card.device };
        await using out = await openPlayback(setup);
        const observed = new Observed(out);
        await out.write(countingSamples(givenFrames));
        // The ring is nearly full.
        await card.advance(1205);
        card.injectFault({ kind: "spurious-wake-up" });
        card.injectFault({ kind: "slow-fill", ms: frames / options.rate * 1000 });
        await card.advance(5 * ring);
        const causes = observed.xruns.map(({ cause }) => cause);
        assert.ok(causes.length <= 1, `${frames} of ${ring} frames: ${causes}`);
        assert.ok(
          causes.every((cause) => cause === "processing"),
          `${frames} of ${ring}: ${causes}`,
        );
      }
    }
  });
}

for (const policy of policies) {
  test(`a pointer that jumps within short periods is one xrun at most, policy ${policy}`, async () => {
    const rate = 192_000;
    const sizes = { rate, periodFrames: 33, periods: 2, queueFrames: givenFrames };
    for (let frames = 1; frames <= 66; frames++) {
      await using card = await openVirtualCard({ rate: { min: rate, max: rate }, driftPpm: 198 });
      const setup = { ...options, ...sizes, xrunPolicy: policy, device: card.device };
      await using out = await openPlayback(setup);
      await out.write(countingSamples(givenFrames));
      await card.advance(500 + 7 * frames);
      card.injectFault({ kind: "pointer-jump", frames });
      await card.advance(1000);
      const { count } = out.stats().xruns;
      assert.ok(count <= 1, `${count} xruns of a jump by ${frames} frames`);
    }
  });
}
