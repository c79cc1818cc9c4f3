/** Start, pause, resume, drain and drop, in simulated time. */
import assert from "node:assert/strict";
import { openVirtualCard } from "../lib/testing/mod.ts";
import { openPlayback, type PlaybackOptions, PlaybackQueue, silence } from "../mod.ts";
import {
  accesses,
  advanceUntil,
  assertPlayed,
  assertSameBits,
  assertSilence,
  counting,
  countingSamples,
  handled,
  monoSource,
  openCard48k,
  sleep,
  statesOf,
  test,
  turns,
  watch,
  withCode,
  withoutZeros,
} from "./harness.ts";

test("a stream starts by itself once startThreshold frames are queued", async () => {
  await using card = await openCard48k();
  const options = { ...counting, device: card.device, startThreshold: 300 };
  await using out = await openPlayback(options);
  assert.equal(out.granted.startThreshold, 300);
  await out.write(countingSamples(299));
  await card.advance(1000);
  assert.equal(out.state, "prepared");
  assert.equal(out.stats().framesPlayed, 0);
  await out.write(countingSamples(1, 300));
  await card.advance(50);
  assert.equal(out.state, "running");
  assert.equal(out.stats().framesPlayed, 50);
});

test("a start threshold larger than the device buffer waits for the queue", async () => {
  await using card = await openCard48k();
  const options = { ...counting, device: card.device, startThreshold: 1700 };
  await using out = await openPlayback(options);
  await out.write(countingSamples(1699));
  await card.advance(1000);
  assert.equal(out.state, "prepared");
  await out.write(countingSamples(1, 1700));
  await advanceUntil(card, out.drain());
  assertPlayed(card.played(), countingSamples(1700), out.granted);
});

test("the default start threshold is the device buffer", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...counting, device: card.device });
  assert.equal(out.granted.startThreshold, out.granted.bufferFrames);
  await out.write(countingSamples(out.granted.bufferFrames - 1));
  await card.advance(1000);
  assert.equal(out.state, "prepared");
  await out.write(countingSamples(1));
  await card.advance(1);
  assert.equal(out.state, "running");
});

test("a start threshold of Infinity leaves the start to start()", async () => {
  await using card = await openCard48k();
  const options = { ...counting, device: card.device, startThreshold: Infinity };
  await using out = await openPlayback(options);
  assert.equal(out.granted.startThreshold, Infinity);
  await out.write(countingSamples(2000));
  await card.advance(5000);
  assert.equal(out.state, "prepared");
  await out.start();
  assert.equal(out.state, "running");
  await card.advance(10);
  assert.equal(out.stats().framesPlayed, 10);
});

test("start() plays fewer frames than the threshold", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...counting, device: card.device });
  await out.write(countingSamples(7));
  await out.start();
  assert.equal(out.state, "running");
  await card.advance(5);
  assert.equal(out.stats().framesPlayed, 5);
});

test("start() with nothing queued resolves, and the first frame starts the stream", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...counting, device: card.device });
  await out.start();
  await card.advance(1000);
  assert.equal(out.stats().xruns.count, 0);
  await out.write(countingSamples(1));
  await card.advance(10);
  assert.equal(out.stats().framesPlayed, 1);
});

for (const access of accesses) {
  for (const canPause of [true, false]) {
    const hardware = canPause ? "with" : "without";

    test(`pause by ${access} ${hardware} hardware pause loses and repeats nothing`, async () => {
      await using card = await openVirtualCard({ canPause });
      await using out = await openPlayback({ ...counting, access, device: card.device });
      assert.equal(out.granted.canPause, canPause);
      const given = countingSamples(9001);
      const written = handled(out.write(given));
      for (const frames of [1, 99, 730, 1500]) {
        await card.advance(frames);
        await advanceUntil(card, out.pause());
        assert.equal(out.state, "paused");
        const { framesPlayed, wakeUps } = out.stats();
        await card.advance(20_000);
        assert.equal(out.state, "paused");
        assert.equal(out.stats().framesPlayed, framesPlayed, "It plays while it is paused");
        assert.equal(out.stats().wakeUps, wakeUps, "It wakes up while it is paused");
        await out.resume();
        assert.equal(out.state, "running");
      }
      await advanceUntil(card, written.then(() => out.drain()));
      assertSameBits(Int32Array.from(withoutZeros(card.played())), given);
      assert.equal(out.stats().framesPlayed, given.length);
      assert.equal(out.stats().xruns.count, 0);
    });

    test(`a fade by ${access} ${hardware} hardware pause changes only the faded frames`, async () => {
      await using card = await openVirtualCard({ canPause });
      await using out = await openPlayback({ ...counting, access, device: card.device });
      const given = countingSamples(20_000, 1_000_000);
      const written = handled(out.write(given));
      await card.advance(5000);
      await advanceUntil(card, out.pause({ fadeMs: 10 }));
      assert.equal(out.state, "paused");
      await card.advance(3000);
      await out.resume({ fadeMs: 10 });
      await advanceUntil(card, written.then(() => out.drain()));
      const played = card.played();
      const before = given.findIndex((sample, index) => sample !== played[index]);
      const offset = played.length - given.length;
      const after = given.findLastIndex((sample, index) => sample !== played[offset + index]);
      assert.ok(before >= 5000, `The first change is at frame ${before}`);
      assert.ok(after + 1 - before <= 2 * 480 + 1, `${after + 1 - before} frames are faded`);
      assert.ok(after + 1 - before >= 480, `${after + 1 - before} frames are faded`);
      assert.equal(out.stats().framesPlayed, given.length);
    });
  }
}

test("pause with hardware pause takes effect at once", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...counting, device: card.device });
  await out.write(countingSamples(2000));
  await card.advance(123);
  await out.pause();
  assert.equal(out.state, "paused");
  await card.advance(1000);
  assert.equal(out.stats().framesPlayed, 123);
});

test("pause without hardware pause plays what is in the device first", async () => {
  await using card = await openVirtualCard({ canPause: false });
  await using out = await openPlayback({ ...counting, device: card.device });
  await out.write(countingSamples(2000));
  await card.advance(123);
  const { framesWritten } = out.stats();
  await advanceUntil(card, out.pause());
  assert.ok(out.stats().framesPlayed >= framesWritten);
});

test("resume right after pause, before it took effect, loses nothing", async () => {
  for (const canPause of [true, false]) {
    await using card = await openVirtualCard({ canPause });
    await using out = await openPlayback({ ...counting, device: card.device });
    const given = countingSamples(6000);
    const written = handled(out.write(given));
    await card.advance(500);
    const paused = watch(out.pause());
    await Promise.resolve();
    const resumed = watch(out.resume());
    await advanceUntil(card, written.then(() => out.drain()));
    assertSameBits(Int32Array.from(withoutZeros(card.played())), given);
    assert.notEqual(paused.state, "pending", `pause, canPause ${canPause}`);
    assert.equal(resumed.state, "fulfilled", `resume, canPause ${canPause}`);
  }
});

test("a paused stream takes writes until the queue is full, and plays them later", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...counting, device: card.device });
  await out.write(countingSamples(1000));
  await card.advance(200);
  await out.pause();
  const later = handled(out.write(countingSamples(5000, 1001)));
  await card.advance(1000);
  assert.equal(out.stats().framesQueued, out.granted.queueFrames);
  await out.resume();
  await advanceUntil(card, later.then(() => out.drain()));
  assertPlayed(card.played(), countingSamples(6000), out.granted);
});

test("a drain of a paused stream ends after resume()", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...counting, device: card.device });
  await out.write(countingSamples(1500));
  await card.advance(200);
  await out.pause();
  const draining = handled(out.drain());
  const drained = watch(draining);
  await card.advance(5000);
  assert.equal(drained.state, "pending");
  assert.equal(out.state, "paused");
  await out.resume();
  await advanceUntil(card, draining);
  assertPlayed(card.played(), countingSamples(1500), out.granted);
});

test("a drain of a paused stream ends after resume(), whatever feeds it", async () => {
  const feeds: PlaybackOptions[] = [{ ...counting, queueFrames: 3000 }, {
    ...monoSource,
    source: silence(),
  }];
  for (const feed of feeds) {
    await using card = await openCard48k();
    await using out = await openPlayback({ ...feed, device: card.device });
    if (out instanceof PlaybackQueue) await out.write(countingSamples(3000));
    await card.advance(500);
    await out.pause();
    const drained = handled(out.drain());
    await card.advance(500);
    await out.resume();
    assert.equal(out.state, "draining");
    await advanceUntil(card, drained);
    assert.equal(out.stats().xruns.count, 0);
  }
});

test("a stream that was paused before it started does not start until resume()", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...counting, device: card.device });
  await out.pause();
  assert.equal(out.state, "paused");
  await out.write(countingSamples(1500));
  await card.advance(1000);
  assert.equal(out.stats().framesPlayed, 0);
  await out.resume();
  await advanceUntil(card, out.drain());
  assertPlayed(card.played(), countingSamples(1500), out.granted);
});

test("resume() rejects where nothing is paused", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...counting, device: card.device });
  await assert.rejects(out.resume(), withCode("ERR_HALFLAP_INVALID_STATE"));
  await out.write(countingSamples(1000));
  await card.advance(10);
  assert.equal(out.state, "running");
  await assert.rejects(out.resume(), withCode("ERR_HALFLAP_INVALID_STATE"));
});

test("drain resolves when the last frame was heard, not before", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...counting, device: card.device });
  await out.write(countingSamples(1999));
  const drained = watch(out.drain());
  await card.advance(1998);
  assert.equal(drained.state, "pending");
  assert.equal(out.state, "draining");
  await card.advance(2 * counting.periodFrames);
  assert.equal(drained.state, "fulfilled");
  assert.equal(out.state, "prepared");
  assert.equal(out.stats().framesPlayed, 1999);
  assertPlayed(card.played(), countingSamples(1999), out.granted);
});

test("drain plays what is less than the start threshold", async () => {
  for (const frames of [1, 99, 100, 101, 399]) {
    await using card = await openCard48k();
    await using out = await openPlayback({ ...counting, device: card.device });
    await out.write(countingSamples(frames));
    await advanceUntil(card, out.drain());
    assertPlayed(card.played(), countingSamples(frames), out.granted);
  }
});

test("drain starts a stream whose start is left to start()", async () => {
  await using card = await openCard48k();
  const options = { ...counting, device: card.device, startThreshold: Infinity };
  await using out = await openPlayback(options);
  await out.write(countingSamples(1000));
  await advanceUntil(card, out.drain());
  assertPlayed(card.played(), countingSamples(1000), out.granted);
});

test("drain of an empty stream resolves at once, any number of times", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...counting, device: card.device });
  await out.drain();
  await out.drain();
  await Promise.all([out.drain(), out.drain({ timeoutMs: 0 }), out.drain({ timeoutMs: 5 })]);
  assert.equal(out.state, "prepared");
  assert.equal(out.stats().framesWritten, 0);
});

test("drains at the same time all resolve", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...counting, device: card.device });
  await out.write(countingSamples(700));
  await advanceUntil(card, Promise.all([out.drain(), out.drain(), out.drain()]));
  await out.drain();
  assertPlayed(card.played(), countingSamples(700), out.granted);
});

test("a drain that has timed out says so, and the stream goes on draining", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...counting, device: card.device });
  await out.write(countingSamples(1900));
  const drain = handled(out.drain({ timeoutMs: 10 }));
  const drained = watch(drain);
  await card.advanceMs(9);
  assert.equal(drained.state, "pending");
  await card.advanceMs(2);
  await assert.rejects(drain, withCode("ERR_HALFLAP_TIMEOUT"));
  assert.equal(out.state, "draining");
  await advanceUntil(card, out.drain());
  assert.equal(out.state, "prepared");
  assertPlayed(card.played(), countingSamples(1900), out.granted);
});

test("a drain that timed out ends by itself", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...counting, device: card.device });
  await out.write(countingSamples(1900));
  const drain = handled(out.drain({ timeoutMs: 0 }));
  await card.advance(4000);
  await assert.rejects(drain, withCode("ERR_HALFLAP_TIMEOUT"));
  assert.equal(out.state, "prepared");
  assertPlayed(card.played(), countingSamples(1900), out.granted);
});

test("the time of a drain on a simulated clock is that of the clock", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...counting, device: card.device });
  await out.write(countingSamples(1000));
  const draining = handled(out.drain({ timeoutMs: 25 }));
  const drained = watch(draining);
  await sleep(60);
  assert.equal(drained.state, "pending");
  await card.advanceMs(25);
  await draining;
});

test("the time of a drain begins when all earlier writes were accepted", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...counting, device: card.device });
  const written = handled(out.write(countingSamples(96_000)));
  const drained = handled(out.drain({ timeoutMs: 100 }));
  await advanceUntil(card, Promise.all([written, drained]));
  assertPlayed(card.played(), countingSamples(96_000), out.granted);
});

test("what is written during a drain is played after it", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...counting, device: card.device });
  const first = handled(out.write(countingSamples(1234)));
  const drained = watch(out.drain());
  const second = handled(out.write(countingSamples(3000, 1235)));
  await card.advance(1200);
  assert.equal(drained.state, "pending");
  assert.equal(out.stats().framesAccepted, 1234, "A later write did not wait for the drain");
  await advanceUntil(card, Promise.all([first, second]).then(() => out.drain()));
  assert.equal(drained.state, "fulfilled");
  assertSameBits(Int32Array.from(withoutZeros(card.played())), countingSamples(4234));
});

test("a stream plays again after every drain", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...counting, device: card.device });
  for (let round = 0; round < 20; round++) {
    const written = handled(out.write(countingSamples(450, 1 + 450 * round)));
    await advanceUntil(card, written.then(() => out.drain()));
    assert.equal(out.state, "prepared");
  }
  assertSameBits(Int32Array.from(withoutZeros(card.played())), countingSamples(9000));
  assert.equal(out.stats().xruns.count, 0);
});

test("drop rejects what is pending, and the stream plays again", async () => {
  for (const access of accesses) {
    await using card = await openCard48k();
    await using out = await openPlayback({ ...counting, access, device: card.device });
    const write = handled(out.write(countingSamples(50_000)));
    const next = handled(out.write(countingSamples(10)));
    const drain = handled(out.drain());
    const settled = Promise.allSettled([write, next, drain]);
    await card.advance(777);
    await out.drop();
    for (const result of await settled) {
      assert.equal(result.status, "rejected");
      withCode("ERR_HALFLAP_CANCELLED")(result.reason);
    }
    assert.equal(out.state, "prepared");
    const { framesAccepted, framesDropped, framesPlayed, framesQueued } = out.stats();
    assert.equal(framesPlayed, 777);
    assert.equal(framesQueued, 0);
    assert.equal(framesDropped, framesAccepted - 777);
    await card.advance(3000);
    assert.equal(out.stats().framesPlayed, 777, "It plays after drop()");

    const written = handled(out.write(countingSamples(1111, 500_001)));
    await advanceUntil(card, written.then(() => out.drain()));
    const expected = [...countingSamples(777), ...countingSamples(1111, 500_001)];
    assertSameBits(Int32Array.from(withoutZeros(card.played())), Int32Array.from(expected));
  }
});

test("what is written after drop() without waiting for it is played", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...counting, device: card.device });
  await out.write(countingSamples(1500));
  await card.advance(300);
  const dropped = handled(out.drop());
  const written = handled(out.write(countingSamples(900, 10_001)));
  const drained = handled(out.drain());
  await advanceUntil(card, Promise.all([dropped, written, drained]));
  const expected = [...countingSamples(300), ...countingSamples(900, 10_001)];
  assertSameBits(Int32Array.from(withoutZeros(card.played())), Int32Array.from(expected));
});

test("drop resolves in every state", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...counting, device: card.device });
  await out.drop();
  assert.equal(out.state, "prepared");

  await out.write(countingSamples(100));
  await out.drop();
  assert.equal(out.state, "prepared");
  assert.equal(out.stats().framesDropped, 100);

  await out.write(countingSamples(1000));
  await card.advance(100);
  assert.equal(out.state, "running");
  await Promise.all([out.drop(), out.drop()]);
  assert.equal(out.state, "prepared");

  await out.write(countingSamples(1000));
  await card.advance(100);
  await out.pause();
  await out.drop();
  assert.equal(out.state, "prepared");

  await out.write(countingSamples(1000));
  const drain = assert.rejects(out.drain(), withCode("ERR_HALFLAP_CANCELLED"));
  await card.advance(100);
  assert.equal(out.state, "draining");
  await out.drop();
  await drain;
  assert.equal(out.state, "prepared");
  assert.equal(out.stats().framesAccepted, 3100);
  assert.equal(out.stats().framesPlayed + out.stats().framesDropped, 3100);
});

test("drop cancels a pending pause", async () => {
  await using card = await openVirtualCard({ canPause: false });
  await using out = await openPlayback({ ...counting, device: card.device });
  await out.write(countingSamples(2000));
  await card.advance(100);
  const pausing = assert.rejects(out.pause(), withCode("ERR_HALFLAP_CANCELLED"));
  await out.drop();
  await advanceUntil(card, pausing);
  assert.equal(out.state, "prepared");
});

test("drop with a fade plays on for the fade, and drops the rest", async () => {
  for (const canPause of [true, false]) {
    await using card = await openVirtualCard({ canPause });
    await using out = await openPlayback({ ...counting, queueFrames: 8000, device: card.device });
    await out.write(countingSamples(8000, 1_000_000));
    await card.advance(1000);
    const { framesWritten } = out.stats();
    await advanceUntil(card, out.drop({ fadeMs: 10 }));
    assert.equal(out.state, "prepared");
    const { framesPlayed, framesDropped } = out.stats();
    assert.equal(framesPlayed + framesDropped, 8000);
    const ahead = out.granted.bufferFrames;
    assert.ok(framesPlayed >= framesWritten - ahead + 480, `${framesPlayed} played`);
    assert.ok(framesPlayed <= framesWritten + ahead + 480, `${framesPlayed} played`);
    const played = card.played();
    assertSameBits(played.subarray(0, 1000), countingSamples(1000, 1_000_000));
    assertSilence(played.subarray(framesPlayed + 1), "s32");
    await advanceUntil(card, out.write(countingSamples(500, 77)).then(() => out.drain()));
    assertSameBits(card.played().subarray(-500), countingSamples(500, 77));
  }
});

/** A buffer of 32 frames at 4 kHz: a fade of 1 ms has 4 frames. */
const tiny = { format: "s32", channels: 1, rate: 4000, periodFrames: 16, periods: 2 } as const;

test("a fade-out in which the queue ends loses no frame", async () => {
  for (const canPause of [true, false]) {
    for (
      const [frames, fadeMs, more] of [[49, 5, 0], [17, 1, 1], [33, 1, 0], [16, 10, 7]] as const
    ) {
      await using card = await openVirtualCard({ canPause });
      await using out = await openPlayback({ ...tiny, queueFrames: 16, device: card.device });
      const written = handled(out.write(countingSamples(frames, 1_000_000)));
      const paused = handled(out.pause({ fadeMs }));
      const rest = handled(out.write(countingSamples(more, 2_000_000)));
      await advanceUntil(card, paused);
      await out.resume();
      await advanceUntil(card, Promise.all([written, rest]).then(() => out.drain()));
      const { framesAccepted, framesPlayed, framesDropped } = out.stats();
      assert.equal(framesAccepted, frames + more);
      assert.equal(framesPlayed, frames + more, `${frames} frames, ${fadeMs} ms, ${canPause}`);
      assert.equal(framesDropped, 0);
      assert.equal(withoutZeros(card.played()).length, framesPlayed);
    }
  }
});

test("drop with a fade after pause() accounts for every frame", async () => {
  for (const canPause of [true, false]) {
    for (const frames of [16, 17, 31, 32, 33, 47, 48, 49, 50, 60]) {
      await using card = await openVirtualCard({ canPause });
      await using out = await openPlayback({ ...tiny, queueFrames: 64, device: card.device });
      await out.write(countingSamples(frames));
      const paused = handled(out.pause());
      await advanceUntil(card, out.drop({ fadeMs: 1 }));
      await paused.catch(withCode("ERR_HALFLAP_CANCELLED"));
      const { framesPlayed, framesDropped } = out.stats();
      assert.equal(framesPlayed + framesDropped, frames);
    }
  }
});

test("pause() during the fade of drop() leaves neither of them pending", async () => {
  for (const canPause of [true, false]) {
    await using card = await openVirtualCard({ canPause });
    await using out = await openPlayback({ ...tiny, queueFrames: 64, device: card.device });
    await out.write(countingSamples(60));
    const dropped = handled(out.drop({ fadeMs: 3 }));
    const paused = out.pause().catch(withCode("ERR_HALFLAP_CANCELLED"));
    await advanceUntil(card, Promise.all([dropped, paused]));
    if (out.state === "paused") await out.resume();
    await advanceUntil(card, out.write(countingSamples(20)).then(() => out.drain()));
    assertSameBits(card.played().subarray(-20), countingSamples(20));
  }
});

test("drop with a fade ends also when the queue has less than the fade", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...counting, device: card.device });
  await out.write(countingSamples(500));
  await card.advance(50);
  await advanceUntil(card, out.drop({ fadeMs: 1000 }));
  assert.equal(out.state, "prepared");
});

test("statechange tells every state in its order", async () => {
  await using card = await openCard48k();
  const out = await openPlayback({ ...counting, device: card.device });
  const states = statesOf(out);
  await out.write(countingSamples(1000));
  await card.advance(10);
  await out.pause();
  await card.advance(10);
  await out.resume();
  await card.advance(10);
  await advanceUntil(card, out.drain());
  await out.close();
  await turns();
  assert.deepEqual(states, ["running", "paused", "running", "draining", "prepared", "closed"]);
});
