/** Streams with the same period: how often their thread wakes up for all of them together. */
import assert from "node:assert/strict";
import { openVirtualCard, type VirtualCard } from "../lib/testing/mod.ts";
import { openPlayback, type Playback, tone } from "../mod.ts";
import { counting, countingSamples, test } from "./harness.ts";

const rate = 48_000;
const periodFrames = 480;
const periodsPerSecond = rate / periodFrames;
const shape = { rate, channels: 1, format: "s16", periodFrames } as const;

/** Opens streams whose periods begin a prime number of frames after each other's. */
async function openStaggered(
  streams: AsyncDisposableStack,
  { card, count, periods }: { card: VirtualCard; count: number; periods: number },
): Promise<Playback[]> {
  const options = { ...shape, periods, device: card.device, source: tone({ frequencyHz: 440 }) };
  const opened: Playback[] = [];
  for (let index = 0; index < count; index++) {
    opened.push(streams.use(await openPlayback(options)));
    await card.advance(61);
  }
  return opened;
}

/** Wake-ups of the streams' thread in a second. */
async function wakeUpsPerSecond(card: VirtualCard, [out]: readonly Playback[]): Promise<number> {
  const before = out!.stats().group.wakeUps;
  await card.advance(rate);
  return out!.stats().group.wakeUps - before;
}

for (const [periods, wakeUps] of [[2, periodsPerSecond], [4, periodsPerSecond / 2]] as const) {
  for (const driftPpm of [0, 200]) {
    test(`streams of any phase share wake-ups, ${periods} periods, drift ${driftPpm}`, async () => {
      await using card = await openVirtualCard({ driftPpm, substreams: 16 });
      await using streams = new AsyncDisposableStack();
      const opened = await openStaggered(streams, { card, count: 16, periods });
      await card.advance(rate);
      const shared = await wakeUpsPerSecond(card, opened);
      // A call of advance() is one, too.
      assert.ok(shared <= wakeUps + 3, `${shared} wake-ups`);
      for (const out of opened) assert.equal(out.stats().xruns.count, 0);
    });
  }
}

test("streams of two phases that are periods apart share wake-ups", async () => {
  await using card = await openVirtualCard({ substreams: 8 });
  await using streams = new AsyncDisposableStack();
  const early = await openStaggered(streams, { card, count: 4, periods: 8 });
  await card.advance(2 * periodFrames);
  const late = await openStaggered(streams, { card, count: 4, periods: 8 });
  await card.advance(rate);
  const shared = await wakeUpsPerSecond(card, early);
  assert.ok(shared <= periodsPerSecond / 4 + 3, `${shared} wake-ups`);
  for (const out of [...early, ...late]) assert.equal(out.stats().xruns.count, 0);
});

test("streams are not filled more often because one of fewer periods is", async () => {
  await using card = await openVirtualCard({ substreams: 8 });
  await using streams = new AsyncDisposableStack();
  const [often] = await openStaggered(streams, { card, count: 1, periods: 2 });
  const others = await openStaggered(streams, { card, count: 7, periods: 4 });
  await card.advance(rate);
  const before = others.map((other) => other.stats().wakeUps);
  const shared = await wakeUpsPerSecond(card, [often!]);
  assert.ok(shared <= periodsPerSecond + 3, `${shared} wake-ups`);
  others.forEach((other, index) => {
    const wakeUps = other.stats().wakeUps - before[index]!;
    assert.ok(wakeUps <= periodsPerSecond / 2 + 3, `${wakeUps} wake-ups`);
  });
});

test("a writer that wakes its own stream over and over does not wake the others", async () => {
  await using card = await openVirtualCard({ substreams: 9 });
  await using streams = new AsyncDisposableStack();
  const others = await openStaggered(streams, { card, count: 8, periods: 4 });
  const options = { ...counting, periodFrames, startThreshold: periodFrames, device: card.device };
  const out = streams.use(await openPlayback(options));
  await card.advance(rate);
  await out.write(countingSamples(periodFrames));
  const before = others.map((other) => other.stats().wakeUps);
  const wakeUps = out.stats().wakeUps;
  // What has just been played, so that there is always room for more than is written.
  for (let write = 0; write < 10 * periodsPerSecond; write++) {
    await card.advance(periodFrames / 10);
    await out.write(countingSamples(periodFrames / 10));
  }
  assert.equal(out.stats().xruns.count, 0);
  assert.ok(out.stats().wakeUps - wakeUps >= 9 * periodsPerSecond, "A write does not wake it");
  others.forEach((other, index) => {
    const wakeUps = other.stats().wakeUps - before[index]!;
    assert.ok(wakeUps <= periodsPerSecond + 3, `${wakeUps} wake-ups`);
  });
});
