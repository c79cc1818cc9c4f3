/** Counters and timestamps: exact on the simulated clock, consistent on every clock. */
import assert from "node:assert/strict";
import { openVirtualCard } from "../lib/testing/mod.ts";
import { openPlayback, type Playback, silence } from "../mod.ts";
import {
  accesses,
  advanceUntil,
  counting,
  countingSamples,
  eventually,
  handled,
  openCard48k,
  sleep,
  test,
} from "./harness.ts";

function assertNear(actual: number, expected: number, tolerance: number, what: string): void {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${what} is ${actual}, not ${expected}`);
}

/** Every frame accepted is in the queue, in the device, heard, or dropped. */
function assertConsistent(out: Playback): void {
  const stats = out.stats();
  const given = stats.framesWritten - stats.framesPadded;
  assert.equal(stats.framesAccepted, stats.framesQueued + given + stats.framesDropped);
  const inDevice = given - stats.framesPlayed;
  assert.ok(inDevice >= 0 && inDevice <= out.granted.bufferFrames, `${inDevice} frames in device`);
  if (stats.framesPadded === 0) assert.equal(stats.delayFrames, inDevice);
  assert.ok(stats.idleWakeUps <= stats.wakeUps);
  assert.ok(stats.framesQueued <= out.granted.queueFrames);
}

for (const access of accesses) {
  for (const canPause of [true, false]) {
    const pause = `${canPause ? "with" : "without"} hardware pause`;
    test(`every frame is accounted for at any time by ${access} ${pause}`, async () => {
      await using card = await openVirtualCard({ canPause });
      await using out = await openPlayback({ ...counting, access, device: card.device });
      const written = handled(out.write(countingSamples(20_000)));
      assertConsistent(out);
      for (let step = 0; step < 60; step++) {
        await card.advance((step * 53) % 241);
        assertConsistent(out);
        assert.equal(out.stats().framesPlayed, card.status().framesPlayed);
      }
      await advanceUntil(card, out.pause());
      assertConsistent(out);
      await out.resume();
      await advanceUntil(card, written);
      const drained = handled(out.drain());
      for (let step = 0; step < 10; step++) {
        await card.advance(251);
        assertConsistent(out);
      }
      await advanceUntil(card, drained);
      const stats = out.stats();
      assert.equal(stats.framesAccepted, 20_000);
      assert.equal(stats.framesPlayed, 20_000);
      assert.equal(stats.framesQueued + stats.framesDropped + stats.delayFrames, 0);
      assertConsistent(out);
    });
  }

  test(`dropped frames are accounted for by ${access}`, async () => {
    await using card = await openCard48k();
    await using out = await openPlayback({ ...counting, access, device: card.device });
    for (let round = 1; round <= 5; round++) {
      await out.write(countingSamples(2000));
      await card.advance(round * 111);
      const { framesPlayed } = out.stats();
      await out.drop();
      const stats = out.stats();
      assert.equal(stats.framesPlayed, framesPlayed);
      assert.equal(stats.framesAccepted, 2000 * round);
      assert.equal(stats.framesAccepted, stats.framesPlayed + stats.framesDropped);
      assert.equal(stats.framesQueued, 0);
      assert.equal(stats.delayFrames, 0);
    }
    assert.equal(out.stats().framesPlayed, 111 * 15);
  });

  test(`output timestamps are exact on the simulated clock by ${access}`, async () => {
    for (const rate of [8000, 44_100, 96_000]) {
      await using card = await openVirtualCard();
      const options = { ...counting, rate, queueFrames: 8000, access, device: card.device };
      await using out = await openPlayback(options);
      assert.deepEqual(out.getOutputTimestamp(), { contextTime: 0, performanceTime: 0 });
      await out.write(countingSamples(8000));
      for (let frames = 0; frames < 6000; frames += 131) {
        const { contextTime, performanceTime } = out.getOutputTimestamp();
        assertNear(contextTime * rate, frames, 1e-6, "contextTime in frames");
        assert.equal(out.stats().framesPlayed, frames);
        assertNear(performanceTime, card.status().timeMs, 1e-9, "performanceTime");
        assertNear(performanceTime, frames / rate * 1000, 1e-3, "performanceTime");
        await card.advance(131);
      }
    }
  });
}

test("a snapshot does not change", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...counting, device: card.device });
  const before = out.stats();
  const copy = { ...before };
  await out.write(countingSamples(1000));
  await card.advance(500);
  assert.deepEqual(before, copy);
  assert.notDeepEqual(out.stats(), copy);
});

test("a stream that does not play is not woken up", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...counting, device: card.device });
  await out.write(countingSamples(399));
  await card.advance(100);
  const { wakeUps } = out.stats();
  await card.advance(480_000);
  assert.equal(out.stats().wakeUps, wakeUps);
});

test("native sources accept and queue nothing", async () => {
  await using card = await openCard48k();
  const sizes = { rate: 48_000, periodFrames: 100, periods: 4, device: card.device };
  await using out = await openPlayback({ ...sizes, source: silence() });
  assert.equal(out.granted.queueFrames, 0);
  await card.advance(2500);
  const { framesAccepted, framesQueued, framesPlayed, delayFrames, framesWritten } = out.stats();
  assert.deepEqual([framesAccepted, framesQueued, framesPlayed], [0, 0, 2500]);
  assert.equal(delayFrames, framesWritten - framesPlayed);
});

test("timestamps go on after a drain, and stand still while nothing plays", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...counting, device: card.device });
  await out.write(countingSamples(960));
  await advanceUntil(card, out.drain());
  assertNear(out.getOutputTimestamp().contextTime, 0.02, 1e-9, "contextTime");
  await card.advance(48_000);
  assertNear(out.getOutputTimestamp().contextTime, 0.02, 1e-9, "contextTime");
  await out.write(countingSamples(960));
  await card.advance(480);
  assertNear(out.getOutputTimestamp().contextTime, 0.03, 1e-9, "contextTime");
  await out.pause();
  await card.advance(48_000);
  assertNear(out.getOutputTimestamp().contextTime, 0.03, 1e-9, "contextTime");
});

test("timestamps do not notice that the device's pointers wrap", async () => {
  await using card = await openVirtualCard({ framesBeforeBoundary: 1234 });
  await using out = await openPlayback({ ...counting, device: card.device });
  const written = handled(out.write(countingSamples(5000)));
  for (let frames = 100; frames <= 4000; frames += 100) {
    await card.advance(100);
    assertNear(out.getOutputTimestamp().contextTime * 48_000, frames, 1e-6, "contextTime");
    assert.equal(out.stats().framesPlayed, frames);
  }
  await advanceUntil(card, written);
});

test("timestamps of a real-time stream never go back, nor ahead of the clock", async () => {
  const before = performance.now();
  await using out = await openPlayback({ device: "virtual", source: silence() });
  await eventually("playing", () => out.stats().framesPlayed > 0);
  let last = out.getOutputTimestamp();
  for (let look = 0; look < 200; look++) {
    const now = out.getOutputTimestamp();
    assert.ok(now.contextTime >= last.contextTime, "contextTime went back");
    assert.ok(now.performanceTime >= last.performanceTime, "performanceTime went back");
    assert.ok(now.performanceTime <= performance.now() + 1, "performanceTime is ahead");
    assert.ok(now.contextTime * 1000 <= now.performanceTime - before + 1, "contextTime is ahead");
    last = now;
    if (look % 10 === 0) await sleep(1);
  }
  assert.ok(last.contextTime > 0);
});

test("the timestamp of a stream that starts or goes on is of then", async () => {
  const sizes = { rate: 48_000, periodFrames: 4800, periods: 4 };
  const options = { ...sizes, device: "virtual", source: silence(), startThreshold: Infinity };
  await using out = await openPlayback(options);
  const startedAt = performance.now();
  await out.start();
  const started = out.getOutputTimestamp();
  assert.ok(started.performanceTime >= startedAt - 1, "performanceTime is older than the start");
  await out.pause();
  const paused = out.getOutputTimestamp();
  await sleep(20);
  const resumedAt = performance.now();
  await out.resume();
  const resumed = out.getOutputTimestamp();
  assert.ok(resumed.performanceTime >= resumedAt - 1, "performanceTime is older than resume()");
  assert.ok(resumed.contextTime >= paused.contextTime, "contextTime went back");
});
