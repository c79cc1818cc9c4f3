/**
 * A playback stream that plays a mix.
 *
 * @module
 */

import { nativeError } from "./errors.ts";
import { type Barrier, drainWithin } from "./drain_within.ts";
import { ErrorCode, MixInputStats, SourceKind } from "./ffi/abi.generated.ts";
import type { SampleFormat } from "./format.ts";
import type { Granted } from "./granted.ts";
import type { MixInputOptions } from "./mix.ts";
import { MixClip, type MixInput, type MixInputsOf, MixQueue, MixTone } from "./mix_input.ts";
import { dispatchMixEvents, NativeMixInput } from "./native_mix.ts";
import type { NativeStream } from "./native_stream.ts";
import {
  checkFade,
  checkTimeout,
  type DrainOptions,
  type FadeOptions,
  Playback,
} from "./playback.ts";
import type { PlaybackToken } from "./playback_token.ts";
import { WriteQueue } from "./write_queue.ts";

/**
 * A stream that plays the sum of many inputs. `openPlayback()` opens it when the `source` was made by
 * `mix()`. It plays on while no input has anything to play, until `drain()`, `drop()` or `pause()`.
 */
export class PlaybackMix<
  Inputs extends readonly MixInputOptions[] = readonly MixInputOptions[],
  F extends SampleFormat = SampleFormat,
> extends Playback {
  /** What plays each input, in the order in which they were given to `mix()`. */
  readonly inputs: MixInputsOf<Inputs, F>;
  readonly #stream: NativeStream;
  readonly #natives: readonly NativeMixInput[];
  readonly #queues = new Map<NativeMixInput, WriteQueue>();

  /**
   * Not for users: `openPlayback()` opens a stream.
   *
   * @param stream The engine's stream.
   * @param gain Its initial gain.
   */
  constructor(stream: unknown, gain: number) {
    super(stream, gain);
    this.#stream = stream as NativeStream;
    this.#natives = Array.from(
      { length: this.#stream.mixInputs },
      (_, index) => new NativeMixInput(this.#stream, index),
    );
    this.inputs = Object.freeze(
      this.#natives.map((native) => this.#makeInput(native)),
    ) as unknown as MixInputsOf<Inputs, F>;
    this.#stream.writer = {
      roomAvailable: () => dispatchMixEvents(this.#stream, this.#natives),
      ended: (error) => this.#cancel(error),
    };
  }

  /** What the device granted. */
  override get granted(): Granted<F> {
    return super.granted as Granted<F>;
  }

  /**
   * Plays what was written to the inputs so far and what is left of clips that play once; tones and
   * clips in a loop sound until then. Then the stream is `prepared`, clips are as they were when it
   * was opened, and `start()` plays it again. It waits for earlier `write()` calls; later ones wait
   * for it.
   *
   * @param options How long to wait.
   * @returns Resolves when the last frame was heard.
   * @throws TypeError or RangeError for a wrong option; HalflapError with `ERR_HALFLAP_TIMEOUT` if
   *   the time has passed first (the stream keeps draining), `ERR_HALFLAP_CANCELLED` after `drop()`.
   */
  override async drain(options?: DrainOptions): Promise<void> {
    const timeoutMs = checkTimeout(options);
    this.#stream.assertOpen();
    await drainWithin(this.#stream, this.#writes, timeoutMs);
  }

  /**
   * Gives the stream with all its inputs away, to be attached by `attachPlayback()` in any realm of the
   * process. It waits for earlier `write()` calls; later ones, and whatever else is pending, are
   * rejected with `ERR_HALFLAP_DETACHED`. It goes on playing meanwhile what it has. `closed` resolves.
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
    await this.#barrier(async () => {
      token = await super.detach();
    });
    return token!;
  }

  /**
   * Stops, and throws away what has not been heard, in all queues; clips are then as they were when
   * the stream was opened. The stream is `prepared`, and `start()` plays it again. Pending `write()`
   * and `drain()` calls are rejected with `ERR_HALFLAP_CANCELLED`; later writes wait until it is done.
   *
   * @param options Length of a fade-out.
   * @returns Resolves when the device has stopped.
   * @throws TypeError or RangeError for a wrong option.
   */
  override async drop(options?: FadeOptions): Promise<void> {
    const fadeMs = checkFade("drop()", options);
    this.#stream.assertOpen();
    this.#cancel(nativeError({ result: ErrorCode.cancelled, text: "" }));
    const dropped = this.#stream.command("drop", { fadeMs });
    const queues = [...this.#queues.values()];
    await Promise.all([dropped, ...queues.map((queue) => queue.barrierNow(() => dropped))]);
  }

  #makeInput(native: NativeMixInput): MixInput {
    const stats = native.readStats();
    const gain = stats[MixInputStats.wanted_gain]!;
    const source = stats[MixInputStats.source]!;
    if (source === SourceKind.tone) return new MixTone(native, gain);
    if (source === SourceKind.clip) return new MixClip(native, gain);
    const queueFrames = stats[MixInputStats.queue_frames]!;
    const queue = new WriteQueue(native, queueFrames);
    native.roomAvailable = () => queue.resume();
    this.#queues.set(native, queue);
    return new MixQueue<F>(native, gain, queue, queueFrames);
  }

  #cancel(error: ReturnType<typeof nativeError>): void {
    for (const queue of this.#queues.values()) queue.cancel(error);
    for (const native of this.#natives) native.cancelDrains(error);
  }

  get #writes(): Barrier {
    return {
      isBlocked: [...this.#queues.values()].some(({ isBlocked }) => isBlocked),
      barrier: (run) => this.#barrier(run, (native) => native.expectNoMore()),
    };
  }

  // Runs when the writes of all inputs are done; each is told when its own are.
  async #barrier(
    run: () => Promise<void>,
    tell?: (native: NativeMixInput) => void,
  ): Promise<void> {
    const ran = Promise.withResolvers<void>();
    let waiting = this.#queues.size;
    const arrive = (native: NativeMixInput): Promise<void> => {
      tell?.(native);
      if (--waiting === 0) run().then(ran.resolve, ran.reject);
      return ran.promise;
    };
    if (waiting === 0) return await run();
    const barriers = [...this.#queues].map(([native, queue]) =>
      queue.barrier(() => arrive(native))
    );
    // One that was cancelled does not arrive: the others must not wait for it.
    ran.promise.catch(() => {});
    await Promise.all(barriers).catch((error) => {
      ran.reject(error);
      throw error;
    });
  }
}
