/** Hours of sound in virtual time: every frame accounted for, and no xrun. */
import assert from "node:assert/strict";
import { test as nodeTest } from "node:test";
import { openPlayback, type Playback, render, tone } from "../../mod.ts";
import { accesses, assertNothingLeaks, countingSamples, sleep } from "../harness.ts";
import { loadDriver, look } from "./guest.ts";

await loadDriver("snd-dummy");
await loadDriver("snd-aloop");

const hourMs = 3_600_000;
const limitMs = 2 * hourMs;
const sizes = { format: "s16", channels: 1, rate: 48_000, periodFrames: 8000, periods: 4 } as const;

/** A stream's counters and the kernel's pointers, with no wake-up in between. */
async function lookAtBoth(out: Playback) {
  while (true) {
    const stats = out.stats();
    const { status } = await look("Dummy");
    if (out.stats().wakeUps === stats.wakeUps) return { stats, status };
  }
}

for (const access of accesses) {
  nodeTest(`an hour of a tone by ${access}`, { timeout: limitMs }, async () => {
    const options = { ...sizes, access, device: "hw:Dummy,0" } as const;
    await using out = await openPlayback({ ...options, source: tone({ frequencyHz: 440 }) });
    for (let quarter = 1; quarter <= 4; quarter++) {
      await sleep(hourMs / 4);
      const { stats, status } = await lookAtBoth(out);
      const { framesPlayed, framesWritten, xruns, pointerJumps, pointerStalls } = stats;
      const { framesDropped, rateDeviationPpm, idleWakeUpsInARow, clockDemotions } = stats;
      assert.equal(status?.applPtr, framesWritten);
      assert.equal(status.xruns, 0);
      const expected = quarter * 900 * sizes.rate;
      assert.ok(Math.abs(status.hwPtr! - expected) <= sizes.rate / 10, `${status.hwPtr}`);
      assert.ok(status.hwPtr! >= framesPlayed && framesWritten - framesPlayed <= 32_000);
      assert.deepEqual([xruns.count, framesDropped, clockDemotions], [0, 0, 0]);
      assert.deepEqual([pointerJumps, pointerStalls], [0, 0]);
      assert.ok(Math.abs(rateDeviationPpm) < 5, `${rateDeviationPpm} ppm`);
      assert.ok(idleWakeUpsInARow < 8, `${idleWakeUpsInARow} idle wake-ups in a row`);
    }
  });
}

nodeTest("half an hour that JavaScript writes", { timeout: limitMs }, async () => {
  const options = { ...sizes, device: "hw:Loopback,0", queueFrames: 96_000 } as const;
  await using out = await openPlayback(options);
  const second = Int16Array.from(countingSamples(sizes.rate));
  for (let seconds = 0; seconds < 1800; seconds++) await out.write(second);
  await out.drain();
  const { framesAccepted, framesPlayed, framesDropped, xruns } = out.stats();
  assert.deepEqual([framesAccepted, framesPlayed], [1800 * sizes.rate, 1800 * sizes.rate]);
  assert.deepEqual([framesDropped, xruns.count], [0, 0]);
});

nodeTest("ten minutes that JavaScript renders in the DMA ring", { timeout: limitMs }, async () => {
  let position = 0;
  let calls = 0;
  const source = render<"s16">((block) => {
    assert.equal(block.position, position);
    position += block.frames;
    calls++;
  });
  await using out = await openPlayback({ ...sizes, device: "hw:Loopback,0", source });
  assert.equal(out.granted.zeroCopy?.memory, "dma");
  await sleep(hourMs / 6);
  await out.drain();
  const { framesPlayed, xruns } = out.stats();
  assert.equal(xruns.count, 0);
  assert.equal(framesPlayed, calls * sizes.periodFrames);
  assert.ok(Math.abs(framesPlayed - 600 * sizes.rate) <= sizes.rate, `${framesPlayed} frames`);
});

nodeTest("a stream that is paused for a day costs nothing", { timeout: 30 * hourMs }, async () => {
  await using out = await openPlayback({ ...sizes, device: "hw:Loopback,0" });
  await out.write(new Int16Array(4800).fill(1));
  await out.start();
  await out.pause();
  const { wakeUps, group } = out.stats();
  await sleep(24 * hourMs);
  assert.equal(out.stats().wakeUps, wakeUps);
  assert.equal(out.stats().group.wakeUps, group.wakeUps);
  await out.resume();
  await out.drain();
  assert.equal(out.stats().framesPlayed, 4800);
});

nodeTest(
  "two hundred streams one after the other leave nothing",
  { timeout: limitMs },
  async () => {
    for (let round = 0; round < 200; round++) {
      const out = await openPlayback({ ...sizes, device: "hw:Dummy,0", periodFrames: 480 });
      await out.write(new Int16Array(960));
      if (round % 2 === 0) await out.drain();
      await out.close();
    }
    await assertNothingLeaks();
    assert.equal((await look("Dummy")).state, "closed");
  },
);
