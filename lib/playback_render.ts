/**
 * A playback stream whose sound a callback renders.
 *
 * @module
 */

import { setTimeout } from "node:timers";
import { HalflapError } from "./errors.ts";
import type { SampleFormat, SamplesOf } from "./format.ts";
import type { Granted } from "./granted.ts";
import { NativeRendering } from "./native_rendering.ts";
import type { NativeStream } from "./native_stream.ts";
import {
  checkFade,
  checkTimeout,
  type DrainOptions,
  type FadeOptions,
  Playback,
} from "./playback.ts";
import type { RenderBlock, RenderCallback } from "./render.ts";
import { RenderMemory } from "./render_memory.ts";
import { isActive } from "./state.ts";

/** What was begun last. Numbers that are stored in an object can be garbage: it asks for them. */
class ReusedBlock<F extends SampleFormat> implements RenderBlock<F> {
  samples: SamplesOf<F>;
  readonly frames: number;
  readonly #rendering: NativeRendering;

  constructor(samples: SamplesOf<F>, frames: number, rendering: NativeRendering) {
    this.samples = samples;
    this.frames = frames;
    this.#rendering = rendering;
  }

  get position(): number {
    return this.#rendering.position;
  }

  get timeMs(): number {
    return this.#rendering.timeMs;
  }
}

/** When the callback is called; first at the beginning. */
const RENDERING = ["always", "while active", "never"] as const;

/**
 * A stream that plays what a callback renders. `openPlayback()` opens it for the source `render()`.
 * After `drain()` and `drop()` the callback is not called until `start()`.
 */
export class PlaybackRender<F extends SampleFormat = SampleFormat> extends Playback {
  readonly #stream: NativeStream;
  readonly #rendering: NativeRendering;
  readonly #callback: RenderCallback<F>;
  readonly #memory: RenderMemory<F>;
  readonly #block: ReusedBlock<F>;
  #isRendering = false;
  #isInCallback = false;
  #wanted: typeof RENDERING[number];

  /**
   * Not for users: `openPlayback()` opens a stream.
   *
   * @param stream The engine's stream.
   * @param gain Its initial gain.
   * @param callback Renders one period.
   */
  constructor(stream: unknown, gain: number, callback: RenderCallback<F>) {
    super(stream, gain);
    this.#stream = stream as NativeStream;
    this.#callback = callback;
    const { granted } = this.#stream;
    this.#rendering = new NativeRendering(this.#stream);
    const memory = new RenderMemory<F>(this.#rendering, granted);
    this.#memory = memory;
    this.#block = new ReusedBlock(memory.periodAt(0), granted.periodFrames, this.#rendering);
    this.#wanted = RENDERING[this.#stream.writerState]!;
    this.#stream.writer = {
      roomAvailable: () => this.#render(),
      ended: () => {},
      detachView: () => memory.detach(),
      state: () => RENDERING.indexOf(this.#wanted),
    };
    // Not before the caller has the stream.
    queueMicrotask(() => this.#render());
  }

  /** What the device granted. */
  override get granted(): Granted<F> {
    return super.granted as Granted<F>;
  }

  /**
   * Starts to play, where the `startThreshold` does not let the stream start by itself, or after
   * `drain()` or `drop()`.
   *
   * @param options Length of a fade-in.
   * @returns Resolves when the stream plays.
   * @throws TypeError or RangeError for a wrong option; HalflapError if the device cannot start.
   */
  override async start(options?: FadeOptions): Promise<void> {
    const fadeMs = checkFade("start()", options);
    if (this.#isInCallback) await blockEnd();
    // With its fade, before the first frame is there.
    const started = this.#stream.command("start", { fadeMs });
    this.#wanted = "always";
    this.#render();
    await started;
  }

  /**
   * Plays everything rendered so far, and calls the callback no more; then the stream is `prepared`
   * and can be started again.
   *
   * @param options How long to wait.
   * @returns Resolves when the last frame was heard.
   * @throws TypeError or RangeError for a wrong option; HalflapError with `ERR_HALFLAP_TIMEOUT` if
   *   the time has passed first (the stream keeps draining), `ERR_HALFLAP_CANCELLED` after `drop()`.
   */
  override async drain(options?: DrainOptions): Promise<void> {
    const timeoutMs = checkTimeout(options);
    this.#stream.assertOpen();
    this.#wanted = "never";
    if (this.#isInCallback) await blockEnd();
    await this.#stream.command("drain", { timeoutMs });
  }

  /**
   * Stops, throws away what has not been heard, and calls the callback no more; then the stream is
   * `prepared` and can be started again. A pending `drain()` is rejected with
   * `ERR_HALFLAP_CANCELLED`.
   *
   * @param options Length of a fade-out.
   * @returns Resolves when the device has stopped.
   * @throws TypeError or RangeError for a wrong option.
   */
  override async drop(options?: FadeOptions): Promise<void> {
    const fadeMs = checkFade("drop()", options);
    this.#stream.assertOpen();
    // A fade is made of what is rendered meanwhile.
    this.#wanted = fadeMs > 0 ? "while active" : "never";
    if (this.#isInCallback) await blockEnd();
    await this.#stream.command("drop", { fadeMs });
  }

  get #isWanted(): boolean {
    if (this.#stream.isEnding || this.#wanted === "never") return false;
    return this.#wanted === "always" || isActive(this.#stream.state);
  }

  #render(): void {
    // The callback can get here again.
    if (this.#isRendering) return;
    this.#isRendering = true;
    try {
      this.#renderAll();
    } catch (error) {
      // A callback that blocked for too long comes back to a stream that is no more.
      if (!this.#stream.isEnding) throw error;
    } finally {
      this.#isRendering = false;
    }
  }

  #renderAll(): void {
    const { periodFrames, queueFrames, bufferFrames } = this.#stream.granted;
    // More room than that only who renders more slowly than the device plays ever finds; it goes on
    // later, and lets others run.
    const atOnce = Math.ceil((queueFrames + bufferFrames) / periodFrames) + 1;
    for (let period = 0; period < atOnce; period++) {
      while (true) {
        if (!this.#isWanted) return;
        if (this.#rendering.begin(periodFrames) > 0) break;
        if (!this.#stream.awaitRoom(periodFrames)) return;
      }
      if (!this.#renderPeriod(periodFrames)) return;
    }
    setTimeout(() => this.#render(), 0);
  }

  // Returns whether rendering can go on.
  #renderPeriod(frames: number): boolean {
    const stream = this.#stream;
    const block = this.#block;
    block.samples = this.#memory.periodAt(this.#rendering.offset);
    let result: unknown;
    this.#isInCallback = true;
    try {
      result = this.#callback(block);
    } catch (error) {
      stream.fail(renderError("The render callback threw", error));
      return false;
    } finally {
      this.#isInCallback = false;
    }
    if (isPromise(result)) {
      result.then(undefined, () => {});
      const hint = "render synchronously, and prepare what takes longer beforehand";
      stream.fail(renderError("The render callback returned a promise", undefined, hint));
      return false;
    }
    if (stream.isEnding) return false;
    this.#rendering.commit(frames);
    return true;
  }
}

// What a callback asks for comes after the block that it renders: promises resolve no earlier.
function blockEnd(): Promise<void> {
  return Promise.resolve();
}

function renderError(what: string, cause: unknown, hint?: string): HalflapError {
  const message = cause === undefined ? what : `${what}: ${cause}`;
  return new HalflapError(message, { code: "ERR_HALFLAP_RENDER", cause, hint });
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null &&
    typeof (value as { then?: unknown }).then === "function";
}
