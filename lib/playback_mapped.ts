/**
 * A playback stream whose memory a program renders by itself.
 *
 * @module
 */

import { checkInteger } from "./check.ts";
import { nativeError } from "./errors.ts";
import { ErrorCode } from "./ffi/abi.generated.ts";
import type { SampleFormat, SamplesOf } from "./format.ts";
import type { Granted } from "./granted.ts";
import { NativeRendering } from "./native_rendering.ts";
import type { NativeStream } from "./native_stream.ts";
import { Playback } from "./playback.ts";
import { RenderMemory } from "./render_memory.ts";

/** Frames that can be rendered, in one piece. The next `begin()` returns the same object. */
export interface MappedBlock {
  /** Frames before them in `PlaybackMapped.samples`. */
  readonly offset: number;
  /** Frames to render, at least 1. */
  readonly frames: number;
  /** Position of the first one: frames committed since the stream was opened. */
  readonly position: number;
  /**
   * When the first one will be heard, on the line of `performance.now()`; NaN while the stream does
   * not play.
   */
  readonly timeMs: number;
}

const MAX_FRAMES = 2 ** 31 - 1;
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** What was begun last. Numbers that are stored in an object can be garbage: it asks for them. */
class BegunBlock implements MappedBlock {
  frames = 0;
  readonly #rendering: NativeRendering;

  constructor(rendering: NativeRendering) {
    this.#rendering = rendering;
  }

  get offset(): number {
    return this.#rendering.offset;
  }

  get position(): number {
    return this.#rendering.position;
  }

  get timeMs(): number {
    return this.#rendering.timeMs;
  }
}

/**
 * A stream that plays what a program renders with `begin()` and `commit()`, as ALSA's
 * `snd_pcm_mmap_begin` and `snd_pcm_mmap_commit`. `openPlayback()` opens it for the source
 * `mapped()`.
 */
export class PlaybackMapped<F extends SampleFormat = SampleFormat> extends Playback {
  readonly #stream: NativeStream;
  readonly #rendering: NativeRendering;
  readonly #memory: RenderMemory<F>;
  readonly #block: BegunBlock;
  #waiting: PromiseWithResolvers<void> | undefined;

  /**
   * Not for users: `openPlayback()` opens a stream.
   *
   * @param stream The engine's stream.
   * @param gain Its initial gain.
   */
  constructor(stream: unknown, gain: number) {
    super(stream, gain);
    this.#stream = stream as NativeStream;
    this.#rendering = new NativeRendering(this.#stream);
    this.#block = new BegunBlock(this.#rendering);
    const memory = new RenderMemory<F>(this.#rendering, this.#stream.granted);
    this.#memory = memory;
    this.#stream.writer = {
      roomAvailable: () => this.#settle()?.resolve(),
      ended: (error) => this.#settle()?.reject(error),
      detachView: () => memory.detach(),
    };
  }

  /** What the device granted. */
  override get granted(): Granted<F> {
    return super.granted as Granted<F>;
  }

  /**
   * All of the device's memory, as `granted.zeroCopy` says: interleaved frames, at least
   * `granted.bufferFrames`. Frames that were not begun may be heard when they are changed; after
   * `close()` it has the length 0.
   */
  get samples(): SamplesOf<F> {
    return this.#memory.samples;
  }

  /**
   * Begins to render, as far as there was room when the stream's thread looked last: says where the
   * next frames lie. They are fewer than asked for where the room ends or the memory does. Without a
   * `commit()` in between it begins at the same place again.
   *
   * @param frames The most frames to begin, an integer from 1 to 2147483647.
   * @returns The frames to render, or undefined if there is no room, or a drain is going on.
   * @throws TypeError or RangeError for a wrong number; HalflapError if the stream is closed.
   */
  begin(frames: number): MappedBlock | undefined {
    this.#stream.assertOpen();
    const begun = this.#rendering.begin(checkInteger("frames", frames, 1, MAX_FRAMES));
    if (begun === 0) return undefined;
    this.#block.frames = begun;
    return this.#block;
  }

  /**
   * Plays the first frames of those begun; the others are given back.
   *
   * @param frames How many, an integer from 0 to the `frames` of the block.
   * @returns Frames taken: all, or 0 if a drain has begun since.
   * @throws TypeError or RangeError for a wrong number; HalflapError with
   *   `ERR_HALFLAP_INVALID_STATE` if nothing was begun.
   */
  commit(frames: number): number {
    this.#stream.assertOpen();
    // Where nothing was begun, the engine says so.
    const begun = this.#block.frames || MAX_FRAMES;
    const committed = this.#rendering.commit(checkInteger("frames", frames, 0, begun));
    this.#block.frames = 0;
    return committed;
  }

  /**
   * Waits for room.
   *
   * @param frames How much, an integer from 1 to 2147483647; more than the device's buffer counts as
   *   that.
   * @returns Resolves when so many frames can be begun, in one or two pieces.
   * @throws TypeError or RangeError for a wrong number; HalflapError if somebody waits already, or if
   *   the stream is closed meanwhile.
   */
  async waitForRoom(frames: number): Promise<void> {
    this.#stream.assertOpen();
    const wanted = checkInteger("frames", frames, 1, MAX_FRAMES);
    if (this.#waiting !== undefined) {
      throw nativeError({ result: ErrorCode.invalid_state, text: "Somebody waits already" });
    }
    while (!this.#stream.awaitRoom(wanted)) {
      this.#waiting = Promise.withResolvers();
      this.#stream.addPending();
      await this.#waiting.promise;
    }
  }

  /**
   * Waits for room without the event loop, and without garbage: for a Worker with a loop of its own.
   * No event of any stream of the Worker is dispatched meanwhile. Deno's `terminate()` ends a Worker
   * only when it is back in its event loop, so let the loop ask now and then whether it is to end, for
   * instance by `Atomics.load()`.
   *
   * @param frames How much, an integer from 1 to 2147483647; more than the device's buffer counts as
   *   that.
   * @param timeoutMs The longest time to wait in milliseconds, an integer from 0 to 2147483647.
   * @returns Whether so many frames can be begun, in one or two pieces.
   * @throws TypeError or RangeError for a wrong number; HalflapError if the stream is closed, or its
   *   device lost, or if somebody waits already.
   */
  waitForRoomSync(frames: number, timeoutMs: number): boolean {
    this.#stream.assertOpen();
    const isThere = this.#rendering.waitForRoom(
      checkInteger("frames", frames, 1, MAX_FRAMES),
      checkInteger("timeoutMs", timeoutMs, 0, MAX_TIMEOUT_MS),
    );
    // The engine knows one wish only: whoever waits by a promise asks again.
    if (this.#waiting !== undefined) this.#settle()?.resolve();
    return isThere;
  }

  #settle(): PromiseWithResolvers<void> | undefined {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined) this.#stream.removePending();
    return waiting;
  }
}
