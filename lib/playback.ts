/**
 * A playback stream.
 *
 * @module
 */

/// <reference lib="esnext.disposable" preserve="true" />

import { checkNumber, checkNumberOrInfinity, checkOptions } from "./check.ts";
import { Deferred } from "./deferred.ts";
import { isCloseAwaited, publishClose, publishXrun } from "./diagnostics.ts";
import type { HalflapError } from "./errors.ts";
import {
  type ListenerOptions,
  type PlaybackEventMap,
  type PlaybackListener,
  StateChangeEvent,
  XrunEvent,
} from "./events.ts";
import type { Granted } from "./granted.ts";
import { readNativeStats } from "./native_stats.ts";
import { NativeStream } from "./native_stream.ts";
import { type OutputTimestamp, outputTimestamp } from "./output_timestamp.ts";
import { makeToken, type PlaybackToken } from "./playback_token.ts";
import { GAIN_RANGE } from "./ranges.ts";
import type { PlaybackState } from "./state.ts";
import type { PlaybackStats } from "./stats.ts";

/** Options of methods that start or stop the sound. */
export interface FadeOptions {
  /** Length of a fade in milliseconds, from 0 to 60000. The default is 0, no fade. */
  fadeMs?: number;
}

/** Options of {@linkcode Playback.drain}. */
export interface DrainOptions {
  /**
   * How long to wait in milliseconds, from 0 to 2147483647, or Infinity. The default is Infinity. On
   * a simulated clock it is time of that clock, once all earlier writes have been accepted.
   */
  timeoutMs?: number;
}

/** Options of {@linkcode Playback.setGain}. */
export interface GainOptions {
  /** Length of a linear ramp in milliseconds, from 0 to 60000. The default is 0, at once. */
  rampMs?: number;
}

/** Longest fade or ramp in milliseconds. */
export const MAX_FADE_MS = 60_000;
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * A stream that plays. `openPlayback()` opens it. It keeps the process alive while it runs, drains or
 * somebody waits for one of its promises, unless `unref()` was called.
 *
 * After `close()`, and after the device was lost, every method but `close()`, `ref()` and `unref()`
 * rejects or throws a `HalflapError` with the code `ERR_HALFLAP_CLOSED`; where the device was lost,
 * its `cause` says how. What was pending is rejected as well. After `detach()` the same holds with the
 * code `ERR_HALFLAP_DETACHED`, and `close()` has no effect.
 *
 * While a device is being brought back after a suspend or an error, calls that start or stop the sound
 * wait for it. Of more than 32 the others reject with `ERR_HALFLAP_INVALID_STATE`.
 *
 * A stream belongs to the realm, the main thread or a Worker, that opened or attached it. Where that
 * gives no sign of life for 30 seconds, terminated or with a blocked event loop, its streams are
 * closed. The environment variable `HALFLAP_OWNER_TIMEOUT_MS` sets another time; 0 is for ever.
 */
export class Playback extends EventTarget implements AsyncDisposable {
  readonly #stream: NativeStream;
  readonly #closed = new Deferred();
  #gain: number;
  // For those who are told of the end.
  #lastStats: PlaybackStats | undefined;

  /**
   * Not for users: `openPlayback()` opens a stream.
   *
   * @param stream The engine's stream.
   * @param gain Its initial gain.
   */
  constructor(stream: unknown, gain: number) {
    if (!(stream instanceof NativeStream)) {
      throw new TypeError("Illegal constructor: use openPlayback() to open a stream");
    }
    super();
    this.#stream = stream;
    this.#gain = gain;
    stream.observer = {
      stateChanged: (state) => this.dispatchEvent(new StateChangeEvent(state)),
      xrun: (xrun) => this.dispatchEvent(new XrunEvent("xrun", xrun)),
      xrunOver: (xrun) => {
        publishXrun({ stream: this, xrun });
        this.dispatchEvent(new XrunEvent("xrunend", xrun));
      },
      ending: () => {
        if (isCloseAwaited()) this.#lastStats = readNativeStats(stream);
      },
      ended: () => void this.#settleClosed(),
    };
  }

  /** What the device granted. */
  get granted(): Granted {
    return this.#stream.granted;
  }

  /** The state of the stream; changes are dispatched as `statechange`. */
  get state(): PlaybackState {
    return this.#stream.state;
  }

  /** The linear gain that was set last. A ramp to it can still be going on. */
  get gain(): number {
    return this.#gain;
  }

  /**
   * Resolves when the stream has been closed by `close()` or given away by `detach()`, and rejects
   * with a `HalflapError` when the device was lost or failed for good. Everything native is freed by
   * then, or belongs to the next owner. Nobody has to look at it.
   */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /**
   * Starts to play, where the `startThreshold` does not let the stream start by itself, or not yet.
   *
   * @param options Length of a fade-in.
   * @returns Resolves when the stream plays; where nothing is queued yet, at once, and the stream then
   *   starts with its first frame.
   * @throws TypeError or RangeError for a wrong option; HalflapError if the device cannot start.
   */
  async start(options?: FadeOptions): Promise<void> {
    await this.#stream.start(checkFade("start()", options));
  }

  /**
   * Pauses; a paused stream costs nothing, and nothing of its sound is lost. Without a fade, and where
   * the hardware can pause, it does so at once; otherwise what is in the device's buffer is played
   * first. A stream that has not started is paused as well: it does not start by itself any more.
   *
   * @param options Length of a fade-out.
   * @returns Resolves when the stream is paused.
   * @throws TypeError or RangeError for a wrong option; HalflapError with `ERR_HALFLAP_CANCELLED`
   *   after `drop()`, or after a `resume()` that came before a fade-out had ended.
   */
  async pause(options?: FadeOptions): Promise<void> {
    await this.#stream.command("pause", { fadeMs: checkFade("pause()", options) });
  }

  /**
   * Goes on after `pause()`.
   *
   * @param options Length of a fade-in.
   * @returns Resolves when the stream plays again.
   * @throws TypeError or RangeError for a wrong option; HalflapError if the stream is not paused.
   */
  async resume(options?: FadeOptions): Promise<void> {
    await this.#stream.command("resume", { fadeMs: checkFade("resume()", options) });
  }

  /**
   * Plays everything accepted so far, filled up with silence to a whole period; then the stream is
   * `prepared` and can play again.
   *
   * @param options How long to wait.
   * @returns Resolves when the last frame was heard.
   * @throws TypeError or RangeError for a wrong option; HalflapError with `ERR_HALFLAP_TIMEOUT` if
   *   the time has passed first (the stream keeps draining), `ERR_HALFLAP_CANCELLED` after `drop()`.
   */
  async drain(options?: DrainOptions): Promise<void> {
    await this.#stream.command("drain", { timeoutMs: checkTimeout(options) });
  }

  /**
   * Stops, and throws away what has not been heard; then the stream is `prepared` and can play again.
   * A pending `drain()` is rejected with `ERR_HALFLAP_CANCELLED`.
   *
   * @param options Length of a fade-out.
   * @returns Resolves when the device has stopped.
   * @throws TypeError or RangeError for a wrong option.
   */
  async drop(options?: FadeOptions): Promise<void> {
    await this.#stream.command("drop", { fadeMs: checkFade("drop()", options) });
  }

  /**
   * Sets the linear gain. Without a ramp the step can be heard as a click.
   *
   * @param gain Factor from 0 to 16; 1 leaves samples untouched bit for bit.
   * @param options Length of a ramp.
   * @throws TypeError or RangeError for a wrong gain or option.
   */
  setGain(gain: number, options?: GainOptions): void {
    const checked = checkNumber("gain", gain, ...GAIN_RANGE);
    const { rampMs = 0 } = checkOptions<GainOptions>("the options of setGain()", options, [
      "rampMs",
    ]);
    this.#stream.setGain(checked, checkNumber("rampMs", rampMs, 0, MAX_FADE_MS));
    this.#gain = checked;
  }

  /**
   * Returns the stream's counters.
   *
   * @returns A snapshot.
   */
  stats(): PlaybackStats {
    this.#stream.assertOpen();
    return readNativeStats(this.#stream);
  }

  /**
   * Returns which position of the stream is heard at which time, to line up sound and picture.
   *
   * @example Which position is heard now
   * ```ts
   * import { openPlayback } from "halflap";
   *
   * await using out = await openPlayback();
   * await out.write(new Float32Array(9600));
   * const { contextTime, performanceTime } = out.getOutputTimestamp();
   * console.log(contextTime + (performance.now() - performanceTime) / 1000, "seconds");
   * ```
   *
   * @returns A pair of simultaneous times.
   */
  getOutputTimestamp(): OutputTimestamp {
    this.#stream.assertOpen();
    const stats = this.#stream.readStats();
    return outputTimestamp(stats, this.#stream.granted.rate, this.#stream.performanceOffsetMs);
  }

  /** Lets the stream keep the process alive again. */
  ref(): void {
    this.#stream.setRef(true);
  }

  /** Lets the process end although the stream runs. Its events still come while the process lives. */
  unref(): void {
    this.#stream.setRef(false);
  }

  /**
   * Gives the stream away, to be attached by `attachPlayback()` in any realm of the process. It goes on
   * playing meanwhile what it has; nothing is lost, nor played twice. What is pending here is rejected
   * with `ERR_HALFLAP_DETACHED`, and the engine carries it out all the same. `closed` resolves.
   *
   * Between the two, nothing keeps the process alive, and a stream that nobody attaches for 30
   * seconds is closed.
   *
   * @returns The token for `attachPlayback()`.
   * @throws HalflapError if the stream is closed or was given away before.
   */
  async detach(): Promise<PlaybackToken<this>> {
    return makeToken(this.#stream.source, await this.#stream.detach());
  }

  /**
   * Stops at once and frees everything. What was pending is rejected with `ERR_HALFLAP_CLOSED`.
   *
   * @returns Resolves when nothing of the stream is left, also if it had failed before.
   */
  async close(): Promise<void> {
    await this.#stream.close();
  }

  /** Does what `close()` does, at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stream.close();
  }

  /**
   * Adds a listener for an event of the stream.
   *
   * @param type Name of the event.
   * @param listener Called with the event.
   * @param options As everywhere on the web platform.
   */
  override addEventListener<Type extends keyof PlaybackEventMap>(
    type: Type,
    listener: PlaybackListener<PlaybackEventMap[Type]> | null,
    options?: ListenerOptions,
  ): void;
  /**
   * Adds a listener for any event.
   *
   * @param type Name of the event.
   * @param listener Called with the event.
   * @param options As everywhere on the web platform.
   */
  override addEventListener(
    type: string,
    listener: PlaybackListener<Event> | null,
    options?: ListenerOptions,
  ): void;
  override addEventListener(
    type: string,
    listener: PlaybackListener<never> | null,
    options?: ListenerOptions,
  ): void {
    super.addEventListener(type, listener as EventTargetListener, options);
  }

  /**
   * Removes a listener for an event of the stream.
   *
   * @param type Name of the event.
   * @param listener The listener that was added.
   * @param options As everywhere on the web platform.
   */
  override removeEventListener<Type extends keyof PlaybackEventMap>(
    type: Type,
    listener: PlaybackListener<PlaybackEventMap[Type]> | null,
    options?: ListenerOptions,
  ): void;
  /**
   * Removes a listener for any event.
   *
   * @param type Name of the event.
   * @param listener The listener that was added.
   * @param options As everywhere on the web platform.
   */
  override removeEventListener(
    type: string,
    listener: PlaybackListener<Event> | null,
    options?: ListenerOptions,
  ): void;
  override removeEventListener(
    type: string,
    listener: PlaybackListener<never> | null,
    options?: ListenerOptions,
  ): void {
    super.removeEventListener(type, listener as EventTargetListener, options);
  }

  async #settleClosed(): Promise<void> {
    try {
      await this.#stream.close();
      const { failure } = this.#stream;
      this.#publishClose(failure);
      if (failure) throw failure;
      this.#closed.resolve();
    } catch (error) {
      this.#closed.reject(error);
    }
  }

  #publishClose(error: HalflapError | undefined): void {
    const stats = this.#lastStats;
    if (stats === undefined) return;
    this.#lastStats = undefined;
    publishClose({ stream: this, stats, ...(error && { error }) });
  }
}

type EventTargetListener = Parameters<EventTarget["addEventListener"]>[1];

/** Returns the length of the fade in the options of a method. */
export function checkFade(method: string, options: FadeOptions | undefined): number {
  const what = `the options of ${method}`;
  const { fadeMs = 0 } = checkOptions<FadeOptions>(what, options, ["fadeMs"]);
  return checkNumber("fadeMs", fadeMs, 0, MAX_FADE_MS);
}

/** Returns the timeout in the options, or undefined for none. */
export function checkTimeout(options: DrainOptions | undefined): number | undefined {
  const { timeoutMs = Infinity } = checkOptions<DrainOptions>("the options of drain()", options, [
    "timeoutMs",
  ]);
  const checked = checkNumberOrInfinity("timeoutMs", timeoutMs, 0, MAX_TIMEOUT_MS);
  return checked === Infinity ? undefined : checked;
}
