import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { closedError, HalflapError, WriteAbortedError } from "./errors.ts";
import { WriteQueue, type WriteTarget } from "./write_queue.ts";

/** A queue of one-byte frames whose reader is the test. */
class Ring implements WriteTarget {
  readonly frames: number[] = [];
  pending = 0;
  wanted: number | undefined;
  line: WriteQueue;
  #taken: number[] = [];
  #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
    this.line = new WriteQueue(this, capacity);
  }

  get room(): number {
    return this.#capacity - this.frames.length;
  }

  get taken(): number[] {
    return this.#taken;
  }

  write(samples: Uint8Array, offset: number, frames: number): number {
    const accepted = Math.min(frames, this.room);
    this.frames.push(...samples.subarray(offset, offset + accepted));
    return accepted;
  }

  awaitRoom(frames: number): boolean {
    if (this.room >= frames) return true;
    this.wanted = frames;
    return false;
  }

  addPending(): void {
    this.pending++;
  }

  removePending(): void {
    this.pending--;
  }

  take(frames: number): void {
    this.#taken.push(...this.frames.splice(0, frames));
    if (this.wanted === undefined || this.room < this.wanted) return;
    this.wanted = undefined;
    this.line.resume();
  }

  put(samples: number[], signal?: AbortSignal): Promise<void> {
    return this.line.write(Uint8Array.from(samples), samples.length, signal);
  }
}

async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const pending = {};
  return await Promise.race([promise.catch(() => {}), settle().then(() => pending)]) !== pending;
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

test("a write that fits resolves without waiting", async () => {
  const ring = new Ring(4);
  const written = ring.put([1, 2, 3]);
  assert.deepEqual(ring.frames, [1, 2, 3]);
  assert.equal(ring.line.isBlocked, false);
  await written;
});

test("a write that does not fit waits until half the queue is free, not all of it", async () => {
  const ring = new Ring(4);
  const written = ring.put([1, 2, 3, 4, 5, 6, 7, 8]);
  assert.equal(ring.wanted, 2);
  ring.take(2);
  ring.take(2);
  assert.equal(await isSettled(written), true);
  assert.deepEqual(ring.frames, [5, 6, 7, 8]);
});

test("a small write waits until a quarter is free, so that the next ones do not wait", async () => {
  const ring = new Ring(8);
  ring.put([1, 2, 3, 4, 5, 6, 7]);
  const written = ring.put([8, 9]);
  assert.equal(ring.wanted, 2);
  ring.take(1);
  assert.equal(await isSettled(written), false);
  ring.take(1);
  assert.equal(await isSettled(written), true);
  ring.put([10]);
  assert.equal(ring.line.isBlocked, false);
  assert.deepEqual(ring.frames, [3, 4, 5, 6, 7, 8, 9, 10]);
});

test("whatever the sizes, concurrent writes are played in the order of the calls", async () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(sizes, fc.integer({ min: 1, max: 9 }), async (writes, capacity) => {
      const ring = new Ring(capacity);
      let next = 0;
      const samples = writes.map((size) => Array.from({ length: size }, () => next++ % 256));
      const written = samples.map((frames) => ring.put(frames));
      for (let taken = 0; taken < next; taken++) ring.take(1);
      await Promise.all(written);
      assert.deepEqual(ring.taken, samples.flat());
      assert.equal(ring.pending, 0);
    }),
  );
});

test("tryWrite takes what fits, and nothing while a write waits", () => {
  const ring = new Ring(4);
  assert.equal(ring.line.tryWrite(Uint8Array.of(1, 2, 3, 4, 5), 5), 4);
  ring.put([6]);
  ring.wanted = undefined;
  ring.take(4);
  assert.equal(ring.line.tryWrite(Uint8Array.of(7), 1), 0);
  ring.line.resume();
  assert.equal(ring.line.tryWrite(Uint8Array.of(7), 1), 1);
  assert.deepEqual(ring.frames, [6, 7]);
});

test("an empty write keeps its place in the line", async () => {
  const ring = new Ring(2);
  ring.put([1, 2, 3]);
  const empty = ring.put([]);
  assert.equal(await isSettled(empty), false);
  ring.take(2);
  await empty;
});

test("an aborted write says how many frames were accepted, and the next one goes on", async () => {
  const ring = new Ring(4);
  const controller = new AbortController();
  const aborted = ring.put([1, 2, 3, 4, 5, 6], controller.signal);
  const next = ring.put([9]);
  controller.abort("enough");
  await assert.rejects(aborted, (error) => {
    assert.ok(error instanceof WriteAbortedError);
    assert.equal(error.framesWritten, 4);
    assert.equal(error.cause, "enough");
    return true;
  });
  ring.take(4);
  await next;
  assert.deepEqual(ring.frames, [9]);
});

test("a signal that is already aborted accepts nothing", async () => {
  const ring = new Ring(4);
  await assert.rejects(ring.put([1], AbortSignal.abort()), {
    name: "AbortError",
    framesWritten: 0,
  });
  assert.deepEqual(ring.frames, []);
});

test("a signal that is aborted after the write has no effect", async () => {
  const ring = new Ring(4);
  const controller = new AbortController();
  const written = ring.put([1, 2, 3, 4, 5], controller.signal);
  ring.take(4);
  controller.abort();
  await written;
});

test("a barrier waits for earlier writes, and later writes wait for it", async () => {
  const ring = new Ring(2);
  const drained = Promise.withResolvers<void>();
  let started = false;
  const before = ring.put([1, 2, 3]);
  const barrier = ring.line.barrier(() => {
    started = true;
    return drained.promise;
  });
  const after = ring.put([4]);
  assert.equal(started, false);
  ring.take(2);
  await before;
  assert.equal(started, true);
  assert.equal(await isSettled(after), false);
  drained.resolve();
  await barrier;
  await after;
  assert.deepEqual(ring.frames, [3, 4]);
});

test("the line is free as soon as its last barrier has resolved", async () => {
  const ring = new Ring(2);
  await ring.line.barrier(() => Promise.resolve());
  assert.equal(ring.line.tryWrite(Uint8Array.of(1), 1), 1);
});

test("a barrier that fails lets later writes go on", async () => {
  const ring = new Ring(2);
  const barrier = ring.line.barrier(() => Promise.reject(new Error("late")));
  const after = ring.put([1]);
  await assert.rejects(barrier, /late/);
  await after;
});

test("cancelling rejects what waits, but not the barrier that runs", async () => {
  const ring = new Ring(2);
  const running = Promise.withResolvers<void>();
  const barrier = ring.line.barrier(() => running.promise);
  const write = ring.put([1]);
  const next = ring.line.barrier(() => Promise.resolve());
  ring.line.cancel(closedError("stream"));
  await assert.rejects(write, HalflapError);
  await assert.rejects(next, HalflapError);
  assert.equal(await isSettled(barrier), false);
  running.resolve();
  await barrier;
  assert.equal(ring.pending, 0);
});

test("a barrier that runs at once overtakes the one that runs, and holds writes back", async () => {
  const ring = new Ring(2);
  const drained = Promise.withResolvers<void>();
  const dropped = Promise.withResolvers<void>();
  const drain = ring.line.barrier(() => drained.promise);
  const drop = ring.line.barrierNow(() => dropped.promise);
  const after = ring.put([1]);
  drained.reject(new Error("cancelled"));
  await assert.rejects(drain, /cancelled/);
  assert.equal(await isSettled(after), false);
  dropped.resolve();
  await drop;
  await after;
});

test("a write that the engine refuses is rejected, and the next one goes on", async () => {
  const ring = new Ring(2);
  const write = ring.put([1, 2, 3]);
  const next = ring.put([4]);
  ring.awaitRoom = () => {
    throw new RangeError("refused");
  };
  ring.line.resume();
  await assert.rejects(write, /refused/);
  ring.take(2);
  ring.line.resume();
  await assert.rejects(next, /refused/);
});
