/** Faults of the virtual card, and what becomes of the streams that play on it. */
import assert from "node:assert/strict";
import { openVirtualCard, type SuspendFault, type VirtualCard } from "../lib/testing/mod.ts";
import { openPlayback, type PlaybackQueue, silence, tone } from "../mod.ts";
import {
  accesses,
  advanceUntil,
  assertPlayed,
  assertSameBits,
  counting,
  countingSamples,
  eventually,
  handled,
  monoSource,
  openCard48k,
  statesOf,
  test,
  withCode,
  withoutZeros,
} from "./harness.ts";

const totalFrames = 20_000;
const bufferFrames = counting.periodFrames * counting.periods;

/** A stream that is given samples that count, and the promise that all of them were played. */
async function playCounting(
  card: VirtualCard,
  access: "mmap" | "write" = "mmap",
): Promise<{ out: PlaybackQueue<"s32">; played: Promise<void> }> {
  const out = await openPlayback({ ...counting, access, device: card.device });
  const written = out.write(countingSamples(totalFrames));
  return { out, played: handled(written.then(() => out.drain())) };
}

/** What was played must count on but for one gap; returns how many frames that lacks. */
function assertOneGap(card: VirtualCard, after: number): number {
  const heard = Int32Array.from(withoutZeros(card.played()));
  const missing = totalFrames - heard.length;
  assertSameBits(heard.subarray(0, after), countingSamples(after), "Before the gap");
  assertSameBits(
    heard.subarray(after),
    countingSamples(totalFrames - after - missing, 1 + after + missing),
    "Behind the gap",
  );
  return missing;
}

for (const access of accesses) {
  test(`a stalled card stands still for exactly its time, and loses nothing by ${access}`, async () => {
    await using card = await openCard48k();
    const { out, played } = await playCounting(card, access);
    await using _ = out;
    await card.advance(1234);
    card.injectFault({ kind: "stall", ms: 50 });
    // The first look at the pointer is this one's.
    await card.advance(1);
    for (let frames = 0; frames <= 2400; frames += 150) {
      assert.equal(card.status().framesPlayed, 1235);
      assert.equal(out.stats().framesPlayed, 1235);
      await card.advance(150);
    }
    assert.equal(card.status().framesPlayed, 1235 + 150);
    await advanceUntil(card, played);
    assertPlayed(card.played(), countingSamples(totalFrames), out.granted);
    assert.equal(out.stats().xruns.count, 0);
  });

  test(`a card that was stalled until healed loses nothing by ${access}`, async () => {
    await using card = await openCard48k();
    const { out, played } = await playCounting(card, access);
    await using _ = out;
    await card.advance(1000);
    card.injectFault({ kind: "stall", ms: Infinity });
    await card.advanceMs(100);
    card.injectFault({ kind: "heal" });
    const { framesPlayed } = card.status();
    assert.ok(framesPlayed >= 1000 && framesPlayed <= 1000 + bufferFrames, `${framesPlayed}`);
    await advanceUntil(card, played);
    assertPlayed(card.played(), countingSamples(totalFrames), out.granted);
    assert.equal(out.stats().xruns.count, 0);
  });

  test(`a pointer that jumps within the ring loses nothing by ${access}`, async () => {
    for (const frames of [1, 50, 99]) {
      await using card = await openCard48k();
      const { out, played } = await playCounting(card, access);
      await using _ = out;
      await card.advance(1234);
      card.injectFault({ kind: "pointer-jump", frames });
      await card.advance(1);
      assert.equal(card.status().framesPlayed, 1235 + frames);
      await advanceUntil(card, played);
      assertPlayed(card.played(), countingSamples(totalFrames), out.granted);
      assert.equal(out.stats().xruns.count, 0);
    }
  });

  test(`a pointer that jumps out of the ring is one xrun by ${access}`, async () => {
    for (const frames of [bufferFrames, 5000, 2 ** 31 - 1]) {
      await using card = await openCard48k();
      const { out, played } = await playCounting(card, access);
      await using _ = out;
      await card.advance(1234);
      card.injectFault({ kind: "pointer-jump", frames });
      await advanceUntil(card, played);
      assert.equal(out.stats().xruns.count, 1);
      assertSameBits(
        Int32Array.from(withoutZeros(card.played())),
        countingSamples(totalFrames),
      );
    }
  });

  test(`an xrun with frames in the ring is counted, and playing goes on by ${access}`, async () => {
    await using card = await openCard48k();
    const { out, played } = await playCounting(card, access);
    await using _ = out;
    const states = statesOf(out);
    await card.advance(1234);
    card.injectFault({ kind: "xrun" });
    await card.advance(1);
    assert.equal(card.status().framesPlayed, 1235);
    await advanceUntil(card, played);
    assert.equal(out.stats().xruns.count, 1);
    assert.ok(states.includes("xrun"), states.join());
    const missing = assertOneGap(card, 1235);
    assert.ok(missing > 0 && missing <= bufferFrames, `${missing} frames`);
    const { framesDropped, framesPlayed, xruns } = out.stats();
    assert.equal(framesDropped, missing);
    assert.equal(framesPlayed, totalFrames - missing);
    assert.deepEqual([xruns.device, xruns.recent[0]?.lostFrames], [1, missing]);
  });

  for (const resume of ["ok", { again: 2 }] as const satisfies SuspendFault["resume"][]) {
    const how = JSON.stringify(resume);
    test(`a suspend whose resume is ${how} loses nothing by ${access}`, async () => {
      await using card = await openCard48k();
      const { out, played } = await playCounting(card, access);
      await using _ = out;
      const states = statesOf(out);
      await card.advance(1234);
      card.injectFault({ kind: "suspend", resume });
      await advanceUntil(card, played);
      assert.ok(states.includes("suspended"), states.join());
      assertPlayed(card.played(), countingSamples(totalFrames), out.granted);
      assert.equal(out.stats().xruns.count, 0);
      assert.equal(out.stats().framesDropped, 0);
    });
  }

  for (const resume of ["unsupported", "lies"] as const satisfies SuspendFault["resume"][]) {
    test(`a suspend whose resume is "${resume}" loses the ring alone by ${access}`, async () => {
      await using card = await openCard48k();
      const { out, played } = await playCounting(card, access);
      await using _ = out;
      const states = statesOf(out);
      await card.advance(1234);
      card.injectFault({ kind: "suspend", resume });
      await card.advance(1);
      await advanceUntil(card, played);
      assert.ok(states.includes("suspended"), states.join());
      const missing = assertOneGap(card, 1235);
      assert.ok(missing > 0 && missing <= bufferFrames, `${missing} frames`);
      const { framesDropped, framesPlayed, recoveries } = out.stats();
      assert.equal(framesDropped, missing);
      assert.equal(framesPlayed, totalFrames - missing);
      assert.equal(recoveries, 1);
    });
  }

  test(`a device that is gone while it runs ends the stream by ${access}`, async () => {
    await using card = await openCard48k();
    const { out, played } = await playCounting(card, access);
    await using _ = out;
    const lost = handled(assert.rejects(out.closed, withCode("ERR_HALFLAP_DEVICE_LOST")));
    await card.advance(1234);
    card.injectFault({ kind: "disconnect" });
    await card.advance(5000);
    await lost;
    await assert.rejects(played, withCode("ERR_HALFLAP_DEVICE_LOST"));
    const heard = Int32Array.from(card.played());
    assert.ok(heard.length >= 1234 && heard.length <= 1234 + bufferFrames, `${heard.length}`);
    assertSameBits(heard, countingSamples(heard.length));
  });
}

const deviceLost = withCode("ERR_HALFLAP_DEVICE_LOST");

test("a device that is gone before it was started ends the stream", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...counting, device: card.device });
  const lost = handled(assert.rejects(out.closed, deviceLost));
  card.injectFault({ kind: "disconnect" });
  await out.write(countingSamples(1000));
  await card.advance(100);
  await lost;
  assert.equal(card.played().length, 0);
});

test("a device that is gone while the stream is paused ends it when it resumes", async () => {
  for (const canPause of [true, false]) {
    await using card = await openVirtualCard({ canPause });
    const { out, played } = await playCounting(card);
    await using _ = out;
    const lost = handled(assert.rejects(out.closed, deviceLost));
    await card.advance(1000);
    await advanceUntil(card, out.pause());
    card.injectFault({ kind: "disconnect" });
    await card.advance(1000);
    assert.equal(out.state, "paused");
    await Promise.allSettled([out.resume(), card.advance(1000)]);
    await lost;
    await assert.rejects(played, deviceLost);
  }
});

test("a device that is gone while the stream drains rejects the drain", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...counting, device: card.device });
  const lost = handled(assert.rejects(out.closed, deviceLost));
  await out.write(countingSamples(2000));
  const drained = handled(out.drain());
  await card.advance(1900);
  card.injectFault({ kind: "disconnect" });
  await card.advance(1900);
  await assert.rejects(drained, deviceLost);
  await lost;
});

test("a new stream plays on a card whose substream is gone", async () => {
  await using card = await openCard48k();
  {
    await using lost = await openPlayback({
      ...monoSource,
      source: silence(),
      device: card.device,
    });
    const rejected = handled(assert.rejects(lost.closed, deviceLost));
    card.injectFault({ kind: "disconnect" });
    await card.advance(1000);
    await rejected;
  }
  const { out, played } = await playCounting(card);
  await using _ = out;
  await advanceUntil(card, played);
  assertPlayed(card.played(1), countingSamples(totalFrames), out.granted);
});

test("a card that refuses to be opened says so as often as it was asked to", async () => {
  await using card = await openVirtualCard();
  card.injectFault({ kind: "refuse-open", count: 2 });
  for (let attempt = 0; attempt < 2; attempt++) {
    await assert.rejects(openPlayback({ device: card.device }), {
      name: "HalflapError",
      code: "ERR_HALFLAP_PERMISSION_DENIED",
      call: "snd_pcm_open",
      errno: 13,
    });
  }
  await using out = await openPlayback({ device: card.device });
  assert.equal(out.state, "prepared");
  assert.equal(card.status().substreams, 1);
  card.injectFault({ kind: "refuse-open" });
  await assert.rejects(
    openPlayback({ device: card.device }),
    withCode("ERR_HALFLAP_PERMISSION_DENIED"),
  );
  await using second = await openPlayback({ device: card.device });
  assert.equal(second.state, "prepared");
});

test("a fault of one substream leaves its neighbour alone", async () => {
  await using card = await openCard48k();
  const first = await playCounting(card);
  await using _first = first.out;
  const second = await playCounting(card);
  await using _second = second.out;
  await card.advance(1000);
  card.injectFault({ kind: "xrun" }, { substream: 1 });
  card.injectFault({ kind: "stall", ms: 20 }, { substream: 0 });
  await advanceUntil(card, Promise.all([first.played, second.played]));
  assert.equal(first.out.stats().xruns.count, 0);
  assert.equal(second.out.stats().xruns.count, 1);
  assertPlayed(card.played(0), countingSamples(totalFrames), first.out.granted);
  assert.notEqual(withoutZeros(card.played(1)).length, totalFrames);
});

test("a fault that is armed while nothing runs waits until something does", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...counting, device: card.device });
  card.injectFault({ kind: "xrun" });
  await card.advance(1000);
  assert.equal(out.stats().xruns.count, 0);
  await out.write(countingSamples(1000));
  await card.advance(1);
  await advanceUntil(card, out.drain());
  assert.equal(out.stats().xruns.count, 1);
});

for (const access of accesses) {
  test(`a card that transfers in batches plays bit for bit by ${access}`, async () => {
    await using card = await openVirtualCard({
      batch: true,
      rate: { min: 48_000, max: 48_000 },
      framesBeforeBoundary: 1000,
    });
    const { out, played } = await playCounting(card, access);
    await using _ = out;
    for (let step = 0; step < 100; step++) {
      await card.advance(37);
      assert.equal(card.status().framesPlayed % counting.periodFrames, 0);
    }
    assert.equal(card.status().framesPlayed, 3700);
    await advanceUntil(card, played);
    assertPlayed(card.played(), countingSamples(totalFrames), out.granted);
    assert.equal(out.stats().xruns.count, 0);
    assert.equal(out.stats().framesPlayed, totalFrames);
  });

  test(`a card that transfers in batches is asked twice a period at most by ${access}`, async () => {
    await using card = await openCard48k({ batch: true, driftPpm: 150 });
    for (const periods of [2, 3, 4, 8]) {
      const source = tone({ frequencyHz: 440 });
      const sizes = { rate: 48_000, periodFrames: 100, periods, access, source };
      await using out = await openPlayback({ ...sizes, device: card.device });
      await card.advance(100_000);
      const { wakeUps, xruns } = out.stats();
      assert.equal(xruns.count, 0);
      assert.ok(wakeUps <= 2050, `${wakeUps} wake-ups in 1000 of ${periods} periods`);
    }
  });

  test(`a fast card that transfers in batches does not jump when it gains a period by ${access}`, async () => {
    const rate = 192_000;
    await using card = await openVirtualCard({ batch: true, driftPpm: 377 });
    const source = tone({ frequencyHz: 440 });
    const sizes = { rate, periodFrames: 35, periods: 8, access, source };
    await using out = await openPlayback({ ...sizes, device: card.device });
    await card.advance(2 * rate);
    const { pointerJumps, pointerStalls } = out.stats();
    assert.deepEqual({ pointerJumps, pointerStalls }, { pointerJumps: 0, pointerStalls: 0 });
  });

  test(`a card that grants shorter periods and fewer of them plays bit for bit by ${access}`, async () => {
    await using card = await openVirtualCard({
      periodFrames: { max: 256 },
      periods: { max: 2 },
    });
    const options = { ...counting, access, periodFrames: 480, periods: 4, device: card.device };
    await using out = await openPlayback(options);
    assert.equal(out.granted.periodFrames, 256);
    assert.equal(out.granted.periods, 2);
    assert.equal(out.granted.bufferFrames, 512);
    const written = handled(out.write(countingSamples(totalFrames)));
    await advanceUntil(card, written.then(() => out.drain()));
    assertPlayed(card.played(), countingSamples(totalFrames), out.granted);
    assert.equal(out.stats().xruns.count, 0);
  });
}

test("faults take effect in real time too", async () => {
  await using card = await openVirtualCard({ clock: "realtime" });
  await using out = await openPlayback({ ...counting, device: card.device });
  const written = handled(out.write(countingSamples(totalFrames)));
  await eventually("Playing", () => card.status().framesPlayed > 2000);
  card.injectFault({ kind: "stall", ms: 20 });
  await eventually("Playing after a stall", () => card.status().framesPlayed > 4000);
  card.injectFault({ kind: "pointer-jump", frames: 50 });
  card.injectFault({ kind: "suspend" });
  await eventually("Playing after a suspend", () => card.status().framesPlayed > 6000);
  // Only this one loses what is in the ring.
  card.injectFault({ kind: "xrun" });
  await written.then(() => out.drain());
  const heard = withoutZeros(card.played());
  const missing = assertOneGap(card, heard.findIndex((sample, index) => sample !== index + 1));
  assert.ok(missing > 0 && missing <= bufferFrames, `${missing} frames`);

  const lost = handled(assert.rejects(out.closed, deviceLost));
  card.injectFault({ kind: "disconnect" });
  await out.write(countingSamples(1000));
  await lost;
});

test("faults on the way across the boundary are no different", async () => {
  for (const framesBeforeBoundary of [400, 800, 1200]) {
    await using card = await openVirtualCard({ framesBeforeBoundary });
    const { out, played } = await playCounting(card);
    await using _ = out;
    await card.advance(framesBeforeBoundary - 40);
    card.injectFault({ kind: "pointer-jump", frames: 60 });
    await card.advance(1);
    card.injectFault({ kind: "stall", ms: 10 });
    await card.advance(1);
    card.injectFault({ kind: "suspend" });
    await advanceUntil(card, played);
    assertPlayed(card.played(), countingSamples(totalFrames), out.granted);
    assert.equal(out.stats().xruns.count, 0);
  }
});

test("more commands than wait for a suspended device are refused, the others carried out", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...monoSource, device: card.device, source: silence() });
  card.injectFault({ kind: "suspend", resume: { again: 3 } });
  while (out.state !== "suspended") await card.advance(counting.periodFrames);
  const commands = Promise.allSettled(Array.from({ length: 40 }, () => out.drop()));
  const outcomes = await advanceUntil(card, commands);
  const errors = outcomes.flatMap((outcome) =>
    outcome.status === "rejected" ? [outcome.reason] : []
  );
  assert.equal(errors.length, 8);
  for (const error of errors) {
    withCode("ERR_HALFLAP_INVALID_STATE")(error);
    assert.match(String(error), /32 commands wait until the device answers/);
  }
});
