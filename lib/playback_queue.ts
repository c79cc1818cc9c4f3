/**
 * A playback stream that JavaScript writes to.
 *
 * @module
 */

import { clearTimeout, setTimeout } from "node:timers";
import { checkOptions, checkSignal } from "./check.ts";
import { nativeError } from "./errors.ts";
import { ErrorCode } from "./ffi/abi.generated.ts";
import { bytesPerSample, checkFrames, type SampleFormat, type SamplesOf } from "./format.ts";
import type { Granted } from "./granted.ts";
import type { NativeStream } from "./native_stream.ts";
import {
  checkFade,
  checkTimeout,
  type DrainOptions,
  type FadeOptions,
  Playback,
} from "./playback.ts";
import { makeWritable, type WritableChunk } from "./writable.ts";
import { WriteQueue } from "./write_queue.ts";

/** Options of {@linkcode PlaybackQueue.write}. */
export interface WriteOptions {
  /** Aborting it rejects the write with a `WriteAbortedError`, which says how much was accepted. */
  signal?: AbortSignal;
}

/**
 * A stream that plays what JavaScript writes to it. `openPlayback()` opens it when no `source` is
 * given. Between the writer and the device is a queue of `granted.queueFrames` in native memory.
 */
export class PlaybackQueue<F extends SampleFormat = SampleFormat> extends Playback {
  readonly #stream: NativeStream;
  readonly #queue: WriteQueue;
  readonly #frameBytes: number;
  #writable: WritableStream<WritableChunk> | undefined;

  /**
   * Not for users: `openPlayback()` opens a stream.
   *
   * @param stream The engine's stream.
   * @param gain Its initial gain.
   */
  constructor(stream: unknown, gain: number) {
    super(stream, gain);
    this.#stream = stream as NativeStream;
    const { channels, format, queueFrames } = this.#stream.granted;
    this.#frameBytes = channels * bytesPerSample(format);
    this.#queue = new WriteQueue(this.#stream, queueFrames);
    this.#stream.writer = {
      roomAvailable: () => this.#queue.resume(),
      ended: (error) => this.#queue.cancel(error),
    };
  }

  /** What the device granted. */
  override get granted(): Granted<F> {
    return super.granted as Granted<F>;
  }

  /**
   * Writes samples, and resolves when the queue has taken all of them: that is the backpressure. Any
   * number of writes can be pending; they are played in the order of the calls.
   *
   * @param samples Interleaved samples of whole frames, in the typed array of the stream's format
   *   (`SampleArrays`). They must not be changed until the promise has settled.
   * @param options A signal.
   * @returns Resolves when all frames are queued, not when they are heard.
   * @throws TypeError for another array, RangeError if it does not hold whole frames,
   *   WriteAbortedError after an abort, HalflapError with `ERR_HALFLAP_CANCELLED` after `drop()`.
   */
  write(samples: SamplesOf<F>, options?: WriteOptions): Promise<void> {
    try {
      this.#stream.assertOpen();
      const frames = this.#checkFrames(samples);
      return this.#queue.write(samples, frames, signalOf(options));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Writes as many frames as the queue has room for now. It takes none while an earlier `write()`,
   * `drain()` or `drop()` is pending.
   *
   * @param samples As for `write()`; they can be changed when the method has returned.
   * @returns Frames taken.
   * @throws TypeError for another array, RangeError if it does not hold whole frames.
   */
  tryWrite(samples: SamplesOf<F>): number {
    this.#stream.assertOpen();
    return this.#queue.tryWrite(samples, this.#checkFrames(samples));
  }

  /**
   * A WritableStream in front of `write()`. Chunks are bytes (ArrayBuffer, Uint8Array, DataView) or
   * the typed array of the stream's format; they can begin and end anywhere within a frame. Closing
   * it drains and leaves this stream open; it rejects with a RangeError if the last frame is
   * incomplete. Aborting it drops. After either, or after an error, this property is a new
   * WritableStream.
   *
   * @example Playing raw PCM
   * ```ts
   * import { openPlayback } from "halflap";
   *
   * await using out = await openPlayback({ format: "s16" });
   * await new Blob([new Int16Array(9600)]).stream().pipeTo(out.writable);
   * ```
   */
  get writable(): WritableStream<WritableChunk> {
    this.#writable ??= makeWritable({
      format: this.#stream.granted.format,
      frameBytes: this.#frameBytes,
      write: (frames, signal) => this.#writeBytes(frames, signal),
      drain: () => this.drain(),
      drop: () => this.drop(),
    }, () => this.#writable = undefined);
    return this.#writable;
  }

  /**
   * Plays everything written so far, filled up with silence to a whole period; then the stream is
   * `prepared` and can play again. It waits for earlier `write()` calls; later ones wait for it.
   *
   * @param options How long to wait.
   * @returns Resolves when the last frame was heard.
   * @throws TypeError or RangeError for a wrong option; HalflapError with `ERR_HALFLAP_TIMEOUT` if
   *   the time has passed first (the stream keeps draining), `ERR_HALFLAP_CANCELLED` after `drop()`.
   */
  override async drain(options?: DrainOptions): Promise<void> {
    const timeoutMs = checkTimeout(options);
    this.#stream.assertOpen();
    if (timeoutMs === undefined) {
      await this.#queue.barrier(() => this.#stream.command("drain"));
    } else {
      await this.#drainWithin(timeoutMs);
    }
  }

  /**
   * Stops, and throws away what has not been heard; then the stream is `prepared` and can play again.
   * Pending `write()` and `drain()` calls are rejected with `ERR_HALFLAP_CANCELLED`; later writes
   * wait until it is done.
   *
   * @param options Length of a fade-out.
   * @returns Resolves when the device has stopped.
   * @throws TypeError or RangeError for a wrong option.
   */
  override async drop(options?: FadeOptions): Promise<void> {
    const fadeMs = checkFade("drop()", options);
    this.#stream.assertOpen();
    this.#queue.cancel(nativeError({ result: ErrorCode.cancelled, text: "" }));
    await this.#queue.barrierNow(() => this.#stream.command("drop", { fadeMs }));
  }

  #checkFrames(samples: SamplesOf<F>): number {
    const { channels, format } = this.#stream.granted;
    return checkFrames(format, channels, samples);
  }

  async #writeBytes(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    this.#stream.assertOpen();
    await this.#queue.write(bytes, bytes.byteLength / this.#frameBytes, signal);
  }

  async #drainWithin(timeoutMs: number): Promise<void> {
    const calledAt = performance.now();
    const drained = this.#queue.barrier(() => {
      // The engine knows the stream's clock, but not how long the writes before the drain took.
      const waitedMs = this.granted.simulated ? 0 : performance.now() - calledAt;
      return this.#stream.command("drain", { timeoutMs: Math.max(0, timeoutMs - waitedMs) });
    });
    // A clock that stands still has no time-out but the engine's.
    if (!this.#queue.isBlocked || this.granted.simulated) return await drained;
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(
      () => late.reject(nativeError({ result: ErrorCode.timeout, text: "" })),
      timeoutMs,
    );
    // The pending drain keeps the process alive as long as it should.
    timer.unref();
    try {
      await Promise.race([late.promise, drained]);
    } finally {
      clearTimeout(timer);
    }
  }
}

function signalOf(options: WriteOptions | undefined): AbortSignal | undefined {
  if (options === undefined) return undefined;
  const { signal } = checkOptions<WriteOptions>("the options of write()", options, ["signal"]);
  return checkSignal(signal);
}
