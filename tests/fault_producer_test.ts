/** A producer that is late, under each policy: what is heard meanwhile, and where playing goes on. */
import assert from "node:assert/strict";
import { openPlayback } from "../mod.ts";
import { Observed } from "./faults/observed_stream.ts";
import { bufferFrames, framesPerMs, leadFrames, policies } from "./faults/sizes.ts";
import {
  accesses,
  assertSameBits,
  counting,
  countingSamples,
  openCard48k,
  test,
} from "./harness.ts";

/** Lap after lap of the ring, or zeros, `frames` long behind `heard` frames. */
function gapOf(policy: "silence" | "repeat", heard: number, frames: number): Int32Array {
  if (policy === "silence") return new Int32Array(frames);
  const lap = countingSamples(bufferFrames, heard - bufferFrames + 1);
  return Int32Array.from({ length: frames }, (_, index) => lap[index % bufferFrames]!);
}

for (const access of accesses) {
  for (const policy of policies) {
    test(`a late producer leaves a gap of just its lateness by ${access}, policy ${policy}`, async () => {
      for (const lateFrames of [1, 24, 25, 99, 100, 399, 400, 401, 2000]) {
        await using card = await openCard48k();
        const options = { ...counting, access, xrunPolicy: policy, queueFrames: 4000 };
        await using out = await openPlayback({ ...options, device: card.device });
        const observed = new Observed(out);
        await out.write(countingSamples(1150));
        await card.advance(1150 + lateFrames);
        assert.deepEqual(observed.begun.map(({ cause }) => cause), ["producer"]);
        assert.equal(out.state, policy === "stop" ? "prepared" : "running");
        await out.write(countingSamples(3000, 1151));
        await card.advance(2000);
        const gapFrames = lateFrames + (policy === "stop" ? 0 : leadFrames);
        assert.deepEqual(observed.ended.map(({ cause }) => cause), ["producer"]);
        observed.assertConsistent();
        const [xrun] = observed.ended;
        assert.equal(xrun!.position, 1150);
        assert.equal(xrun!.lostFrames, 0);
        assert.ok(Math.abs(xrun!.timeMs * framesPerMs - 1150) <= 1, `at ${xrun!.timeMs} ms`);
        const told = xrun!.durationMs * framesPerMs;
        assert.ok(Math.abs(told - gapFrames) <= 1, `${told} frames instead of ${gapFrames}`);
        const gap = policy === "stop" ? [] : gapOf(policy, 1150, gapFrames);
        const playedFrames = policy === "stop" ? 2000 : 2000 - leadFrames;
        const expected = [...countingSamples(1150), ...gap, ...countingSamples(playedFrames, 1151)];
        assertSameBits(card.played(), Int32Array.from(expected), `${lateFrames} frames late`);
        const { framesPlayed, framesDropped, xruns } = out.stats();
        assert.equal(framesPlayed, 1150 + playedFrames);
        assert.equal(framesDropped, 0);
        assert.equal(xruns.producer, 1);
        assert.equal(xruns.count, 1);
      }
    });
  }
}
