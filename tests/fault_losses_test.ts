/** Devices that go away: told once, with all that is lost, and everything that waits is rejected. */
import assert from "node:assert/strict";
import { engineCounters, type Fault } from "../lib/testing/mod.ts";
import { openPlayback } from "../mod.ts";
import { Observed } from "./faults/observed_stream.ts";
import { bufferFrames, framesPerMs, policies } from "./faults/sizes.ts";
import {
  accesses,
  assertSameBits,
  counting,
  countingSamples,
  handled,
  openCard48k,
  test,
  turns,
  withCode,
} from "./harness.ts";

const wokenAt = 1200;

interface Case {
  readonly fault: Fault;
  /** Frames in the ring when the device is given up. */
  readonly lostFrames: number;
  /** Frames after the fault within which that is. */
  readonly withinFrames: number;
}

const cases: readonly Case[] = [
  { fault: { kind: "disconnect" }, lostFrames: 200, withinFrames: 0 },
  // Three periods and 200 ms, and as long as the next wake-up takes.
  { fault: { kind: "stall", ms: Infinity }, lostFrames: 400, withinFrames: 300 + 9600 + 200 },
  { fault: { kind: "stall", ms: 1e6 }, lostFrames: 400, withinFrames: 300 + 9600 + 200 },
];

for (const { fault, lostFrames, withinFrames } of cases) {
  const ms = "ms" in fault ? ` of ${fault.ms} ms` : "";
  test(`a device that is lost by a ${fault.kind}${ms} is told, with what is lost`, async () => {
    for (const policy of policies) {
      for (const access of accesses) {
        await using card = await openCard48k();
        const options = { ...counting, queueFrames: 4000, access, xrunPolicy: policy };
        await using out = await openPlayback({ ...options, device: card.device });
        const observed = new Observed(out);
        const written = handled(out.write(countingSamples(20_000)));
        await card.advance(1037);
        card.injectFault(fault);
        await card.advance(wokenAt - 1037 + withinFrames);
        const drained = handled(out.drain());
        await turns();
        assert.equal(observed.lostBy, "ERR_HALFLAP_DEVICE_LOST");
        await assert.rejects(written, withCode("ERR_HALFLAP_DEVICE_LOST"));
        await assert.rejects(drained, withCode("ERR_HALFLAP_CLOSED"));
        assert.throws(() => out.stats(), withCode("ERR_HALFLAP_CLOSED"));
        assert.deepEqual(observed.states.slice(-2), ["disconnected", "closed"]);
        assertTold(observed, lostFrames);
        assertSameBits(card.played(), countingSamples(wokenAt));
        assert.equal(engineCounters().streams, 0);
      }
    }
  });
}

function assertTold(observed: Observed, lostFrames: number): void {
  observed.assertConsistent();
  assert.deepEqual(observed.ended.map(({ cause }) => cause), ["device"]);
  const [xrun] = observed.ended;
  assert.equal(xrun!.position, wokenAt);
  assert.equal(xrun!.lostFrames, lostFrames);
  // A pointer that stands still is known to do so when it should have moved by a wake-up's worth.
  const beganFrames = xrun!.timeMs * framesPerMs;
  assert.ok(beganFrames >= wokenAt - 1, `it began at ${beganFrames}`);
  assert.ok(beganFrames <= wokenAt + bufferFrames + 1, `it began at ${beganFrames}`);
}

test("a device that is lost in any state rejects what waits, and a new stream can be opened", async () => {
  for (const state of ["prepared", "running", "draining", "paused", "xrun"] as const) {
    await using card = await openCard48k();
    await using out = await openPlayback({ ...counting, device: card.device });
    const observed = new Observed(out);
    await out.write(countingSamples(state === "prepared" ? 300 : 2000));
    await card.advance(537);
    const drained = state === "draining" ? handled(out.drain()) : undefined;
    if (state === "paused") await out.pause();
    await card.advance(state === "xrun" ? 3000 : 10);
    assert.equal(out.state, state === "xrun" ? "prepared" : state);
    card.injectFault({ kind: "disconnect" });
    await card.advance(1000);
    // A device that stands still need not be looked at before it is to play.
    if (state === "paused") handled(out.resume());
    if (state === "prepared" || state === "xrun") handled(out.write(countingSamples(1000)));
    await card.advance(1000);
    await turns();
    assert.equal(observed.lostBy, "ERR_HALFLAP_DEVICE_LOST", state);
    if (drained) await assert.rejects(drained, withCode("ERR_HALFLAP_DEVICE_LOST"));
    await using next = await openPlayback({ ...counting, device: card.device });
    await next.write(countingSamples(1000));
    await card.advance(1000);
    assertSameBits(card.played(1), countingSamples(1000));
  }
});

test("a device that asks to resume it again for ever is prepared anew", async () => {
  for (const policy of policies) {
    await using card = await openCard48k();
    const options = { ...counting, xrunPolicy: policy, queueFrames: 4000 };
    await using out = await openPlayback({ ...options, device: card.device });
    const observed = new Observed(out);
    await out.write(countingSamples(4000));
    await card.advance(1037);
    card.injectFault({ kind: "suspend", resume: { again: 1_000_000 } });
    await card.advance(wokenAt - 1037);
    assert.equal(out.state, "suspended");
    // 50 times, every 100 ms.
    await card.advance(50 * 4800 - 1);
    assert.equal(out.state, "suspended");
    assert.equal(out.stats().framesPlayed, wokenAt);
    await card.advance(1001);
    assert.equal(out.state, "running");
    const { framesDropped, xruns } = out.stats();
    assert.equal(framesDropped, 200);
    assert.equal(xruns.count, 0);
    assert.deepEqual(observed.xruns, []);
    const tap = card.played() as Int32Array;
    const next = wokenAt + framesDropped + 1;
    const expected = [...countingSamples(wokenAt), ...countingSamples(tap.length - wokenAt, next)];
    assertSameBits(tap, Int32Array.from(expected));
    assert.equal(tap.length, wokenAt + 1000);
  }
});

test("a refused open is an error with its hint, and the next one works", async () => {
  await using card = await openCard48k();
  card.injectFault({ kind: "refuse-open", count: 2 });
  for (let attempt = 0; attempt < 2; attempt++) {
    const opened = openPlayback({ ...counting, device: card.device });
    await assert.rejects(opened, withCode("ERR_HALFLAP_PERMISSION_DENIED"));
  }
  await using out = await openPlayback({ ...counting, device: card.device });
  await out.write(countingSamples(400));
  await card.advance(400);
  assertSameBits(card.played(), countingSamples(400));
});
