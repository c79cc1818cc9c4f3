/** Writing: order, backpressure, aborts, and writes that do not wait. */
import assert from "node:assert/strict";
import { openPlayback, WriteAbortedError } from "../mod.ts";
import {
  advanceUntil,
  assertPlayed,
  assertSameBits,
  counting,
  countingSamples,
  handled,
  openCard48k,
  test,
  turns,
  watch,
  within,
  withoutZeros,
} from "./harness.ts";

const held = { ...counting, queueFrames: 1000, startThreshold: Infinity } as const;

async function abortedWith(write: Promise<void>): Promise<WriteAbortedError> {
  try {
    await within(write, "An aborted write", 5000);
  } catch (error) {
    assert.ok(error instanceof WriteAbortedError, String(error));
    assert.equal(error.name, "AbortError");
    assert.equal(error.code, "ERR_HALFLAP_ABORTED");
    return error;
  }
  assert.fail("The write was not aborted");
}

test("writes at the same time are played in the order of the calls", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...counting, device: card.device });
  const settled: number[] = [];
  const writes: Promise<unknown>[] = [];
  let first = 0;
  for (let index = 0; index < 200; index++) {
    const frames = (index * 37) % 211;
    const write = handled(out.write(countingSamples(frames, 1 + first)));
    writes.push(write.then(() => settled.push(index)));
    first += frames;
  }
  await advanceUntil(card, Promise.all([...writes, out.drain()]));
  assertPlayed(card.played(), countingSamples(first), out.granted);
  assert.deepEqual(settled, settled.toSorted((a, b) => a - b));
});

test("a write resolves when the queue has taken all of it, not when it is heard", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...held, device: card.device });
  await within(out.write(countingSamples(1000)), "A write that fits", 5000);
  const next = watch(out.write(countingSamples(1, 1001)));
  await turns();
  assert.equal(next.state, "pending");
  await out.start();
  await card.advance(200);
  assert.equal(next.state, "fulfilled");
});

test("an empty write resolves and plays nothing", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...counting, device: card.device });
  await out.write(new Int32Array(0));
  assert.equal(out.tryWrite(new Int32Array(0)), 0);
  await card.advance(1000);
  assert.equal(out.stats().framesAccepted, 0);
  assert.equal(out.state, "prepared");
});

test("an abort says how many frames were taken, and these are played", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...held, device: card.device });
  const controller = new AbortController();
  const { signal } = controller;
  const write = handled(out.write(countingSamples(5000), { signal }));
  await turns();
  const reason = new Error("changed its mind");
  controller.abort(reason);
  const error = await abortedWith(write);
  assert.equal(error.framesWritten, 1000);
  assert.equal(error.cause, reason);
  assert.equal(out.stats().framesAccepted, 1000);

  const written = handled(out.write(countingSamples(500, 1001)));
  await out.start();
  await advanceUntil(card, written.then(() => out.drain()));
  assertPlayed(card.played(), countingSamples(1500), out.granted);
});

test("an abort in the middle of playing takes back nothing", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...counting, device: card.device });
  const controller = new AbortController();
  const write = handled(out.write(countingSamples(50_000), controller));
  await card.advance(7000);
  controller.abort();
  const { framesWritten } = await abortedWith(write);
  assert.ok(framesWritten > 7000 && framesWritten < 12_000, `${framesWritten} frames`);
  assert.equal(out.stats().framesAccepted, framesWritten);
  await advanceUntil(card, out.drain());
  assertPlayed(card.played(), countingSamples(framesWritten), out.granted);
});

test("a signal that is aborted already takes nothing", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...held, device: card.device });
  const error = await abortedWith(
    out.write(countingSamples(10), { signal: AbortSignal.abort("why") }),
  );
  assert.equal(error.framesWritten, 0);
  assert.equal(error.cause, "why");
  assert.equal(out.stats().framesAccepted, 0);
});

test("an abort of a write that waits for its turn lets the others through", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...counting, device: card.device });
  const controller = new AbortController();
  const first = handled(out.write(countingSamples(9000)));
  const second = handled(out.write(countingSamples(4000, 500_001), controller));
  const third = handled(out.write(countingSamples(3000, 9001)));
  await card.advance(100);
  controller.abort();
  assert.equal((await abortedWith(second)).framesWritten, 0);
  await advanceUntil(card, Promise.all([first, third]).then(() => out.drain()));
  assertPlayed(card.played(), countingSamples(12_000), out.granted);
});

test("an abort after the write has no effect", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...counting, device: card.device });
  const controller = new AbortController();
  await out.write(countingSamples(1500), controller);
  controller.abort();
  await advanceUntil(card, out.drain());
  assertPlayed(card.played(), countingSamples(1500), out.granted);
});

test("one signal aborts all writes that have it", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...held, device: card.device });
  const controller = new AbortController();
  const writes = [3000, 10, 10].map((frames) => out.write(countingSamples(frames), controller));
  for (const write of writes) write.catch(() => {});
  await turns();
  controller.abort();
  const errors = await Promise.all(writes.map(abortedWith));
  assert.deepEqual(errors.map(({ framesWritten }) => framesWritten), [1000, 0, 0]);
});

test("a timeout signal is told as the cause", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...held, device: card.device });
  const signal = AbortSignal.timeout(20);
  const error = await abortedWith(out.write(countingSamples(3000), { signal }));
  assert.ok(error.cause instanceof DOMException);
  assert.equal(error.cause.name, "TimeoutError");
});

test("tryWrite takes what there is room for", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...held, device: card.device });
  assert.equal(out.tryWrite(countingSamples(300)), 300);
  assert.equal(out.tryWrite(countingSamples(5000, 301)), 700);
  assert.equal(out.tryWrite(countingSamples(1)), 0);
  assert.equal(out.stats().framesQueued, 1000);
  await out.start();
  await card.advance(350);
  const { framesQueued } = out.stats();
  assert.ok(framesQueued < 1000);
  const taken = out.tryWrite(countingSamples(5000, 1001));
  assert.equal(taken, 1000 - framesQueued);
  await advanceUntil(card, out.drain());
  assertPlayed(card.played(), countingSamples(1000 + taken), out.granted);
});

test("the array given to tryWrite can be changed at once", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...counting, device: card.device });
  const samples = countingSamples(500);
  assert.equal(out.tryWrite(samples), 500);
  samples.fill(-1);
  await advanceUntil(card, out.drain());
  assertPlayed(card.played(), countingSamples(500), out.granted);
});

test("tryWrite takes nothing while a write, a drain or a drop is pending", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...counting, device: card.device });
  const write = handled(out.write(countingSamples(2500)));
  assert.equal(out.tryWrite(countingSamples(1, 100_000)), 0);
  await advanceUntil(card, write);
  const drain = handled(out.drain());
  assert.equal(out.tryWrite(countingSamples(1, 200_000)), 0);
  await advanceUntil(card, drain);
  assert.equal(out.tryWrite(countingSamples(500, 2501)), 500);
  await card.advance(100);
  const drop = handled(out.drop());
  assert.equal(out.tryWrite(countingSamples(1, 300_000)), 0);
  await advanceUntil(card, drop);
  assert.equal(out.tryWrite(countingSamples(10, 5000)), 10);
  await advanceUntil(card, out.drain());
  const heard = Int32Array.from(withoutZeros(card.played()));
  assertSameBits(heard.subarray(0, 2500), countingSamples(2500));
  assertSameBits(heard.subarray(-10), countingSamples(10, 5000));
});

test("tryWrite alone keeps a stream playing", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...counting, device: card.device });
  let given = 0;
  while (given < 50_000) {
    given += out.tryWrite(countingSamples(333, given + 1));
    await card.advance(97);
  }
  await advanceUntil(card, out.drain());
  assertPlayed(card.played(), countingSamples(given), out.granted);
  assert.equal(out.stats().xruns.count, 0);
});
