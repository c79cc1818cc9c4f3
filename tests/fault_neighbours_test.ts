/** What a fault of one stream does to the others of its group: nothing, or what it must. */
import assert from "node:assert/strict";
import type { Fault, VirtualCard } from "../lib/testing/mod.ts";
import type { Playback, XrunCause } from "../mod.ts";
import { feeds, openFed } from "./faults/feed.ts";
import { Observed } from "./faults/observed_stream.ts";
import { policies, sizes } from "./faults/sizes.ts";
import { accesses, assertSameBits, openCard48k, test } from "./harness.ts";

const advancedFrames = 12_000;
const givenFrames = 20_000;

const deviceFaults: readonly Fault[] = [
  { kind: "stall", ms: 5 },
  { kind: "stall", ms: 100 },
  { kind: "stall", ms: Infinity },
  { kind: "pointer-jump", frames: 150 },
  { kind: "pointer-jump", frames: 5000 },
  { kind: "xrun" },
  { kind: "suspend" },
  { kind: "suspend", resume: "unsupported" },
  { kind: "suspend", resume: "lies" },
  { kind: "suspend", resume: { again: 2 } },
  { kind: "disconnect" },
];

interface Member {
  readonly out: Playback;
  readonly given: Int32Array;
  readonly observed: Observed;
}

/** Four streams of other paths, sources and phases on one card, which are one group. */
async function openGroup(card: VirtualCard, policy: typeof policies[number]): Promise<Member[]> {
  const members: Member[] = [];
  for (let number = 0; number < 4; number++) {
    const access = accesses[number % 2]!;
    const feed = feeds[number === 3 ? 0 : 1]!;
    const options = { ...sizes, access, xrunPolicy: policy };
    const { out, given } = await openFed(card, feed, givenFrames, options);
    members.push({ out, given, observed: new Observed(out) });
    await card.advance(37);
  }
  return members;
}

for (const policy of policies) {
  for (const number of [0, 1, 2, 3]) {
    test(`a device fault of stream ${number} leaves three others alone, policy ${policy}`, async () => {
      for (const fault of deviceFaults) {
        await using card = await openCard48k();
        await using streams = new AsyncDisposableStack();
        const members = await openGroup(card, policy);
        for (const { out } of members) streams.use(out);
        await card.advance(937);
        card.injectFault(fault, { substream: number });
        await card.advance(advancedFrames);
        members.forEach(({ out, given, observed }, index) => {
          if (index === number) return;
          const tap = card.played(index);
          const expected = 937 + advancedFrames + 37 * (4 - index);
          const what = `Stream ${index} beside a ${JSON.stringify(fault)}`;
          assertSameBits(tap, given.subarray(0, expected), what);
          assert.deepEqual(observed.begun, [], what);
          const { xruns, framesDropped, recoveries, pointerJumps, pointerStalls } = out.stats();
          const counted = { framesDropped, recoveries, pointerJumps, pointerStalls };
          assert.equal(xruns.count, 0);
          const none = { framesDropped: 0, recoveries: 0, pointerJumps: 0, pointerStalls: 0 };
          assert.deepEqual(counted, none, what);
        });
      }
    });
  }
}

const machineFaults: readonly (readonly [Fault, XrunCause])[] = [
  [{ kind: "slow-fill", ms: 20 }, "processing"],
  [{ kind: "preempted-fill", ms: 20 }, "scheduling"],
  [{ kind: "late-wake-up", ms: 20 }, "scheduling"],
];

for (const policy of policies) {
  for (const [fault, cause] of machineFaults) {
    test(`a ${fault.kind} hurts its group as ${cause}, policy ${policy}`, async () => {
      await using card = await openCard48k();
      await using streams = new AsyncDisposableStack();
      const members = await openGroup(card, policy);
      for (const { out } of members) streams.use(out);
      await card.advance(937);
      card.injectFault(fault);
      await card.advance(advancedFrames);
      for (const { out, observed } of members) {
        // 960 frames are more than any of them had in its ring.
        assert.deepEqual(observed.ended.map((xrun) => xrun.cause), [cause]);
        assert.equal(out.stats().framesDropped, 0);
        observed.assertConsistent();
      }
    });
  }
}
