/**
 * The line of `write()` calls that wait for room, in the order in which they were called, and of the
 * `drain()` and `drop()` calls among them.
 *
 * @module
 */

import { type HalflapError, WriteAbortedError } from "./errors.ts";

/** The engine's queue as the line needs it. */
export interface WriteTarget {
  /** Puts frames of a whole array, from an offset on, into the queue; returns how many it took. */
  write(samples: ArrayBufferView, offsetFrames: number, frames: number): number;
  /** Whether there is room for that many frames; if not, `resume()` is called when there is. */
  awaitRoom(frames: number): boolean;
  /** Somebody waits. */
  addPending(): void;
  /** Undoes `addPending()`. */
  removePending(): void;
}

interface PendingWrite {
  readonly kind: "write";
  readonly samples: ArrayBufferView;
  readonly frames: number;
  framesWritten: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  readonly stopListening: () => void;
}

interface PendingBarrier {
  readonly kind: "barrier";
  readonly run: () => Promise<void>;
  started: boolean;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

type Pending = PendingWrite | PendingBarrier;

/** The line of writes that wait for room. */
export class WriteQueue {
  readonly #target: WriteTarget;
  readonly #minWakeFrames: number;
  readonly #maxWakeFrames: number;
  #line: Pending[] = [];

  /**
   * @param target The engine's queue.
   * @param capacityFrames Its capacity.
   */
  constructor(target: WriteTarget, capacityFrames: number) {
    this.#target = target;
    // Each wake-up costs more than a write does: not for less room than that.
    this.#minWakeFrames = Math.max(1, Math.floor(capacityFrames / 4));
    // Waiting for more would let the queue run low before it is filled again.
    this.#maxWakeFrames = Math.max(1, Math.floor(capacityFrames / 2));
  }

  /** Whether a write would have to wait for an earlier call. */
  get isBlocked(): boolean {
    return this.#line.length > 0;
  }

  /** Puts frames into the queue that there is room for now; returns how many. */
  tryWrite(samples: ArrayBufferView, frames: number): number {
    return this.isBlocked || frames === 0 ? 0 : this.#target.write(samples, 0, frames);
  }

  /** Puts all frames into the queue, and resolves when it took the last. */
  write(samples: ArrayBufferView, frames: number, signal: AbortSignal | undefined): Promise<void> {
    if (signal?.aborted) return Promise.reject(new WriteAbortedError(0, signal.reason));
    const framesWritten = this.tryWrite(samples, frames);
    if (framesWritten === frames && !this.isBlocked) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const onAbort = (): void => this.#abort(write, signal!.reason);
      const stopListening = (): void => signal?.removeEventListener("abort", onAbort);
      const write: PendingWrite = {
        kind: "write",
        samples,
        frames,
        framesWritten,
        resolve,
        reject,
        stopListening,
      };
      signal?.addEventListener("abort", onAbort);
      this.#append(write);
    });
  }

  /** Runs when all earlier writes are done; later writes wait until it has settled. */
  barrier(run: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#append({ kind: "barrier", run, started: false, resolve, reject });
    });
  }

  /** Runs at once; later writes wait until it has settled. */
  barrierNow(run: () => Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      const barrier: PendingBarrier = { kind: "barrier", run, started: true, resolve, reject };
      this.#append(barrier);
      this.#run(barrier);
    });
  }

  /** Goes on after there was no room. */
  resume(): void {
    let head: Pending | undefined;
    while ((head = this.#line[0]) !== undefined) {
      if (head.kind === "barrier") {
        if (!head.started) this.#run(head);
        return;
      }
      if (!this.#finish(head)) return;
    }
  }

  /** Rejects everything that was not handed to the engine yet. */
  cancel(error: HalflapError): void {
    const cancelled = this.#line.filter((pending) => pending.kind === "write" || !pending.started);
    for (const pending of cancelled) this.#reject(pending, error);
  }

  #append(pending: Pending): void {
    this.#line.push(pending);
    if (this.#line.length > 1) return;
    this.#target.addPending();
    this.resume();
  }

  #remove(pending: Pending): void {
    const index = this.#line.indexOf(pending);
    if (index < 0) return;
    this.#line.splice(index, 1);
    if (this.#line.length === 0) this.#target.removePending();
    if (pending.kind === "write") pending.stopListening();
  }

  #reject(pending: Pending, error: unknown): void {
    this.#remove(pending);
    pending.reject(error);
  }

  #run(barrier: PendingBarrier): void {
    barrier.started = true;
    const settle = (how: () => void): void => {
      this.#remove(barrier);
      how();
      this.resume();
    };
    barrier.run().then(
      () => settle(barrier.resolve),
      (error) => settle(() => barrier.reject(error)),
    );
  }

  #abort(write: PendingWrite, reason: unknown): void {
    this.#reject(write, new WriteAbortedError(write.framesWritten, reason));
    this.resume();
  }

  // Returns whether the write is done with, one way or the other.
  #finish(write: PendingWrite): boolean {
    try {
      if (!this.#writeRest(write)) return false;
    } catch (error) {
      this.#reject(write, error);
      return true;
    }
    this.#remove(write);
    write.resolve();
    return true;
  }

  #writeRest(write: PendingWrite): boolean {
    while (write.framesWritten < write.frames) {
      const rest = write.frames - write.framesWritten;
      write.framesWritten += this.#target.write(write.samples, write.framesWritten, rest);
      if (write.framesWritten === write.frames) break;
      if (!this.#target.awaitRoom(this.#wantedFrames(write))) return false;
    }
    return true;
  }

  // The queue is full, so that it plays, or will as soon as it may: this room comes.
  #wantedFrames({ frames, framesWritten }: PendingWrite): number {
    const rest = frames - framesWritten;
    return Math.min(this.#maxWakeFrames, Math.max(this.#minWakeFrames, rest));
  }
}
