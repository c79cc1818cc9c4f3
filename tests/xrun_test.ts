/** A producer that is late: counted once, told, and nothing lost or repeated. */
import assert from "node:assert/strict";
import { openVirtualCard } from "../lib/testing/mod.ts";
import { openPlayback, type Playback, tone, XrunEvent } from "../mod.ts";
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
  runModule,
  sleep,
  statesOf,
  test,
  turns,
  within,
  withoutZeros,
} from "./harness.ts";

function xrunsOf(out: Playback): number[] {
  const xruns: number[] = [];
  out.addEventListener("xrun", (event) => {
    assert.ok(event instanceof XrunEvent);
    xruns.push(event.number);
  });
  return xruns;
}

for (const access of accesses) {
  test(`a producer that stops gets one xrun, and goes on by ${access}`, async () => {
    await using card = await openCard48k();
    await using out = await openPlayback({ ...counting, access, device: card.device });
    const xruns = xrunsOf(out);
    const states = statesOf(out);
    await out.write(countingSamples(1999));
    await card.advance(50_000);
    assert.equal(out.stats().xruns.count, 1);
    assert.deepEqual(xruns, [1]);
    assert.ok(states.includes("xrun"), states.join());
    assert.equal(out.stats().framesPlayed, 1999);

    const written = handled(out.write(countingSamples(5000, 2000)));
    await advanceUntil(card, written.then(() => out.drain()));
    assert.equal(out.stats().xruns.count, 1);
    assert.deepEqual(xruns, [1]);
    assertSameBits(Int32Array.from(withoutZeros(card.played())), countingSamples(6999));
    assert.equal(out.stats().framesPlayed, 6999);
  });

  test(`each of many xruns is counted by ${access}`, async () => {
    await using card = await openCard48k();
    await using out = await openPlayback({ ...counting, access, device: card.device });
    const xruns = xrunsOf(out);
    for (let round = 0; round < 25; round++) {
      const frames = 450 + 13 * round;
      await out.write(countingSamples(frames, 1 + out.stats().framesAccepted));
      await card.advance(3000);
      assert.equal(out.stats().xruns.count, round + 1);
    }
    assert.equal(xruns.at(-1), 25);
    const { framesAccepted, framesPlayed, framesDropped } = out.stats();
    assert.equal(framesPlayed, framesAccepted);
    assert.equal(framesDropped, 0);
    const heard = Int32Array.from(withoutZeros(card.played()));
    assertSameBits(heard, countingSamples(framesAccepted));
  });
}

test("what is written in the middle of an xrun is played in full by a drain", async () => {
  for (const frames of [1, 99, 399, 400, 401]) {
    await using card = await openCard48k();
    await using out = await openPlayback({ ...counting, device: card.device });
    await out.write(countingSamples(500));
    await card.advance(600);
    await out.write(countingSamples(frames, 501));
    await advanceUntil(card, out.drain());
    assertSameBits(Int32Array.from(withoutZeros(card.played())), countingSamples(500 + frames));
    assert.equal(out.stats().xruns.count, 1);
  }
});

test("a producer that is never late has no xrun", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...counting, device: card.device });
  const xruns = xrunsOf(out);
  const produce = async () => {
    for (let first = 0; first < 200_000; first += 250) {
      await out.write(countingSamples(250, 1 + first));
      await Promise.resolve();
    }
    await out.drain();
  };
  await advanceUntil(card, produce());
  await turns();
  assert.equal(out.stats().xruns.count, 0);
  assert.deepEqual(xruns, []);
  assertPlayed(card.played(), countingSamples(200_000), out.granted);
});

test("drain, drop, pause and close are no xruns", async () => {
  await using card = await openVirtualCard({ canPause: false });
  const out = await openPlayback({ ...counting, device: card.device });
  const xruns = xrunsOf(out);
  await out.write(countingSamples(1700));
  await advanceUntil(card, out.drain());
  await card.advance(5000);
  await out.write(countingSamples(1700));
  await card.advance(100);
  await out.drop();
  await card.advance(5000);
  await out.write(countingSamples(1700));
  await card.advance(100);
  await advanceUntil(card, out.pause());
  await card.advance(5000);
  await out.resume();
  await card.advance(10);
  assert.equal(out.stats().xruns.count, 0);
  await out.close();
  await turns();
  assert.deepEqual(xruns, []);
});

test("an xrun of one stream leaves its neighbour alone", async () => {
  await using card = await openCard48k();
  await using late = await openPlayback({ ...counting, device: card.device });
  await using steady = await openPlayback({ ...counting, device: card.device });
  const written = handled(steady.write(countingSamples(30_000)));
  for (let round = 0; round < 10; round++) {
    await late.write(countingSamples(500));
    await card.advance(2000);
  }
  assert.equal(late.stats().xruns.count, 10);
  await advanceUntil(card, written.then(() => steady.drain()));
  assert.equal(steady.stats().xruns.count, 0);
  assertPlayed(card.played(1), countingSamples(30_000), steady.granted);
});

test("a native source has no xrun", async () => {
  await using card = await openCard48k();
  const source = tone({ frequencyHz: 440 });
  await using out = await openPlayback({ ...monoSource, source, device: card.device });
  await card.advance(480_000);
  assert.equal(out.stats().xruns.count, 0);
  assert.equal(out.stats().framesPlayed, 480_000);
});

for (const access of accesses) {
  test(`playback in real time goes on after an xrun by ${access}`, async () => {
    await using card = await openVirtualCard({ clock: "realtime" });
    await using out = await openPlayback({ ...counting, access, device: card.device });
    const xruns = xrunsOf(out);
    const rounds = 4;
    for (let round = 0; round < rounds; round++) {
      await out.write(countingSamples(800, 1 + 800 * round));
      await eventually(`Xrun ${round + 1}`, () => xruns.at(-1) === round + 1);
      await sleep(5);
    }
    assert.equal(out.stats().xruns.count, rounds);
    assert.deepEqual(xruns, [1, 2, 3, 4]);
    const heard = Int32Array.from(withoutZeros(card.played()));
    assertSameBits(heard, countingSamples(800 * rounds));
    assert.equal(out.stats().framesPlayed, 800 * rounds);
  });
}

for (const access of accesses) {
  test(`a write goes on after xruns of a queue as small as its start threshold by ${access}`, async () => {
    await using card = await openVirtualCard({ clock: "realtime" });
    const sizes = { rate: 96_000, periodFrames: 22, periods: 5, queueFrames: 50 };
    const options = { ...counting, ...sizes, access, startThreshold: 50, device: card.device };
    await using streams = new AsyncDisposableStack();
    // A program that now and then has no time for its streams.
    const busy = setInterval(() => {
      const untilMs = performance.now() + 3;
      while (performance.now() < untilMs);
    }, 7);
    streams.defer(() => clearInterval(busy));
    const plays = Array.from({ length: 4 }, async () => {
      const out = streams.use(await openPlayback(options));
      await within(out.write(countingSamples(96_000)), "A write", 15_000);
      await within(out.drain(), "drain()", 5000);
      assert.equal(out.stats().framesPlayed, 96_000);
    });
    await Promise.all(plays);
    for (const index of plays.keys()) {
      const heard = Int32Array.from(withoutZeros(card.played(index)));
      assertSameBits(heard, countingSamples(96_000));
    }
  });
}

test("a process that is stopped gets an xrun that says so, with the numbers", async () => {
  const { code, stdout, stderr } = await runModule(
    `
    import { spawn } from "node:child_process";
    import process from "node:process";
    // A buffer of 200 ms: a busy machine alone does not make it run dry.
    const sizes = { rate: 48_000, periodFrames: 2400, periods: 4 };
    const source = tone({ frequencyHz: 440 });
    const out = await openPlayback({ device: "virtual", ...sizes, source });
    const over = new Promise((resolve) => out.addEventListener("xrunend", resolve));
    while (out.stats().framesPlayed === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    spawn("sh", ["-c", "kill -STOP $0; sleep 0.6; kill -CONT $0", String(process.pid)]);
    const { cause, evidence, advice } = await over;
    await out.close();
    console.log(JSON.stringify({ cause, evidence, advice }));
    `,
    15_000,
  );
  assert.equal(code, 0, stderr);
  const { cause, evidence, advice } = JSON.parse(stdout);
  assert.equal(cause, "scheduling", stdout);
  assert.ok(evidence.latenessMs > 200, stdout);
  // Kernels without schedstat don't tell what the thread waited for.
  const told = "runQueueMs" in evidence ? /ms late, .* the process was stopped/ : /./;
  assert.match(advice, told);
});
