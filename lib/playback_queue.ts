/**
 * A playback stream that JavaScript writes to.
 *
 * @module
 */

import { drainWithin } from "./drain_within.ts";
import { nativeError } from "./errors.ts";
import { ErrorCode } from "./ffi/abi.generated.ts";
import type { SampleFormat, SamplesOf } from "./format.ts";
import type { Granted } from "./granted.ts";
import type { NativeStream } from "./native_stream.ts";
import {
  checkFade,
  checkTimeout,
  type DrainOptions,
  type FadeOptions,
  Playback,
} from "./playback.ts";
import type { PlaybackToken } from "./playback_token.ts";
import { SampleWriter, type WriteOptions } from "./sample_writer.ts";
import type { WritableChunk } from "./writable.ts";
import { WriteQueue } from "./write_queue.ts";

/**
 * A stream that plays what JavaScript writes to it. `openPlayback()` opens it when no `source` is
 * given. Between the writer and the device is a queue of `granted.queueFrames` in native memory.
 */
export class PlaybackQueue<F extends SampleFormat = SampleFormat> extends Playback {
  readonly #stream: NativeStream;
  readonly #queue: WriteQueue;
  readonly #writer: SampleWriter<F>;

  /**
   * Not for users: `openPlayback()` opens a stream.
   *
   * @param stream The engine's stream.
   * @param gain Its initial gain.
   */
  constructor(stream: unknown, gain: number) {
    super(stream, gain);
    this.#stream = stream as NativeStream;
    this.#queue = new WriteQueue(this.#stream, this.#stream.granted.queueFrames);
    this.#writer = new SampleWriter(this.#stream, this.#queue, {
      drain: () => this.drain(),
      drop: () => this.drop(),
    });
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
    return this.#writer.write(samples, options);
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
    return this.#writer.tryWrite(samples);
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
    return this.#writer.writable;
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
    await drainWithin(this.#stream, this.#queue, timeoutMs);
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

  /**
   * Gives the stream away, to be attached by `attachPlayback()` in any realm of the process. It waits
   * for earlier `write()` calls; later ones, and whatever else is pending, are rejected with
   * `ERR_HALFLAP_DETACHED`. What is queued goes on playing meanwhile: nothing is lost, nor played
   * twice. `closed` resolves.
   *
   * Between the two, nothing keeps the process alive, and a stream that nobody attaches for 30
   * seconds is closed.
   *
   * @returns The token for `attachPlayback()`.
   * @throws HalflapError if the stream is closed or was given away before, or with
   *   `ERR_HALFLAP_CANCELLED` after a `drop()` that came before the writes were done.
   */
  override async detach(): Promise<PlaybackToken<this>> {
    this.#stream.assertOpen();
    let token: PlaybackToken<this> | undefined;
    await this.#queue.barrier(async () => {
      token = await super.detach();
    });
    return token!;
  }
}
