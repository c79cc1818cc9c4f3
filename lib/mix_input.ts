/**
 * The inputs of a mix while it plays.
 *
 * @module
 */

import { checkNumber, checkOptions } from "./check.ts";
import { nativeError } from "./errors.ts";
import { ErrorCode, MixInputStats as Field } from "./ffi/abi.generated.ts";
import type { SampleFormat, SamplesOf } from "./format.ts";
import type { MixClipOptions, MixInputOptions, MixQueueOptions, MixToneOptions } from "./mix.ts";
import { NativeMixInput } from "./native_mix.ts";
import { checkFade, type FadeOptions, type GainOptions, MAX_FADE_MS } from "./playback.ts";
import { GAIN_RANGE } from "./ranges.ts";
import { SampleWriter, type WriteOptions } from "./sample_writer.ts";
import type { WritableChunk } from "./writable.ts";
import type { WriteQueue } from "./write_queue.ts";

/** A snapshot of an input's counters. Frames are counted since the stream was opened. */
export interface MixInputStats {
  /** Frames given to the device as a part of the sum. */
  readonly framesMixed: number;
  /** Linear gain now; while a ramp lasts, on its way to the input's `gain`. */
  readonly gain: number;
}

/** A snapshot of the counters of an input that is written to. */
export interface MixQueueStats extends MixInputStats {
  /** Frames taken from `write()`, `tryWrite()` and `writable`. */
  readonly framesAccepted: number;
  /** Frames in the queue now. */
  readonly framesQueued: number;
  /** Frames accepted, but thrown away by a `drop()`. */
  readonly framesDropped: number;
  /** Frames of silence while the queue was dry, from its first frame to a `drain()` and so on. */
  readonly framesStarved: number;
  /** How often the queue ran dry. The device does not: that is no xrun. */
  readonly starvations: number;
}

/**
 * An input of a stream that `mix()` feeds, as `PlaybackMix.inputs` has it. It ends with its stream:
 * then its methods reject or throw as the stream's do.
 */
export abstract class MixInput {
  /** Tells the inputs apart. */
  abstract readonly kind: "queue" | "tone" | "clip";
  readonly #native: NativeMixInput;
  #gain: number;

  /**
   * Not for users: `openPlayback()` makes the inputs.
   *
   * @param native The engine's input.
   * @param gain Its initial gain.
   */
  constructor(native: unknown, gain: number) {
    if (!(native instanceof NativeMixInput)) {
      throw new TypeError("Illegal constructor: use openPlayback() to open a mix");
    }
    this.#native = native;
    this.#gain = gain;
  }

  /** The linear gain that was set last. A ramp to it can still be going on. */
  get gain(): number {
    return this.#gain;
  }

  /**
   * Sets the linear gain of this input. Without a ramp the step can be heard as a click.
   *
   * @param gain Factor from 0 to 16; 0 mutes: the input goes on in silence.
   * @param options Length of a ramp.
   * @throws TypeError or RangeError for a wrong gain or option.
   */
  setGain(gain: number, options?: GainOptions): void {
    const checked = checkNumber("gain", gain, ...GAIN_RANGE);
    const { rampMs = 0 } = checkOptions<GainOptions>("the options of setGain()", options, [
      "rampMs",
    ]);
    this.#native.setGain(checked, checkNumber("rampMs", rampMs, 0, MAX_FADE_MS));
    this.#gain = checked;
  }

  /**
   * Returns the input's counters.
   *
   * @returns A snapshot.
   */
  stats(): MixInputStats {
    const record = this.#native.readStats();
    return { framesMixed: record[Field.frames_mixed]!, gain: record[Field.gain]! };
  }
}

/** An input that plays a tone. */
export class MixTone extends MixInput {
  /** Tells the inputs apart. */
  override readonly kind = "tone";
}

/** An input that plays a clip. Several inputs can play the same one: its samples are shared. */
export class MixClip extends MixInput {
  /** Tells the inputs apart. */
  override readonly kind = "clip";
  readonly #native: NativeMixInput;

  /**
   * Not for users: `openPlayback()` makes the inputs.
   *
   * @param native The engine's input.
   * @param gain Its initial gain.
   */
  constructor(native: unknown, gain: number) {
    super(native, gain);
    this.#native = native as NativeMixInput;
  }

  /** Whether the clip plays, or will as soon as the stream does. */
  get playing(): boolean {
    return this.#native.readStats()[Field.is_playing] === 1;
  }

  /**
   * Plays the clip from its beginning, also where it plays already. It is heard when what is in the
   * device's buffer has been played.
   *
   * @param options Length of a fade-in.
   * @throws TypeError or RangeError for a wrong option.
   */
  play(options?: FadeOptions): void {
    this.#native.setPlaying(true, checkFade("play()", options));
  }

  /**
   * Stops the clip; the other inputs go on.
   *
   * @param options Length of a fade-out.
   * @throws TypeError or RangeError for a wrong option.
   */
  stop(options?: FadeOptions): void {
    this.#native.setPlaying(false, checkFade("stop()", options));
  }

  /**
   * Waits for the clip's end. A clip in a loop, which has none, stops at once.
   *
   * @returns Resolves when its last frame was heard, or at once if it does not play.
   * @throws HalflapError with `ERR_HALFLAP_CANCELLED` after a `drop()` of the stream.
   */
  async drain(): Promise<void> {
    await this.#native.drain();
  }
}

/**
 * An input that plays what JavaScript writes to it. While its queue is dry it is silent and the other
 * inputs go on.
 */
export class MixQueue<F extends SampleFormat = SampleFormat> extends MixInput {
  /** Tells the inputs apart. */
  override readonly kind = "queue";
  /** Capacity of its queue in frames. */
  readonly queueFrames: number;
  readonly #native: NativeMixInput;
  readonly #queue: WriteQueue;
  readonly #writer: SampleWriter<F>;

  /**
   * Not for users: `openPlayback()` makes the inputs.
   *
   * @param native The engine's input.
   * @param gain Its initial gain.
   * @param queue The line of writes.
   * @param queueFrames Capacity of its queue.
   */
  constructor(native: unknown, gain: number, queue: unknown, queueFrames: number) {
    super(native, gain);
    this.#native = native as NativeMixInput;
    this.#queue = queue as WriteQueue;
    this.queueFrames = queueFrames;
    this.#writer = new SampleWriter(this.#native.stream, this.#queue, {
      drain: () => this.drain(),
      drop: () => Promise.resolve(this.drop()),
    });
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
   * Writes as many frames as the queue has room for now. It takes none while an earlier `write()` or
   * `drain()`, or a `drain()` or `drop()` of the stream is pending.
   *
   * @param samples As for `write()`; they can be changed when the method has returned.
   * @returns Frames taken.
   * @throws TypeError for another array, RangeError if it does not hold whole frames.
   */
  tryWrite(samples: SamplesOf<F>): number {
    return this.#writer.tryWrite(samples);
  }

  /**
   * A WritableStream in front of `write()`, as `PlaybackQueue.writable`. Closing it drains this input
   * and aborting it drops what is queued; the stream and its other inputs go on.
   */
  get writable(): WritableStream<WritableChunk> {
    return this.#writer.writable;
  }

  /**
   * Waits until everything written so far was heard. It waits for earlier `write()` calls; later ones
   * wait for it. That the queue is dry afterwards counts as no starvation until the next write.
   *
   * @returns Resolves when the last frame was heard.
   * @throws HalflapError with `ERR_HALFLAP_CANCELLED` after `drop()`.
   */
  async drain(): Promise<void> {
    this.#native.stream.assertOpen();
    await this.#queue.barrier(() => this.#native.drain());
  }

  /**
   * Throws away what is queued. What is in the device's buffer already is heard, mixed with the
   * others. Pending `write()` and `drain()` calls are rejected with `ERR_HALFLAP_CANCELLED`.
   */
  drop(): void {
    this.#native.drop();
    const error = nativeError({ result: ErrorCode.cancelled, text: "" });
    this.#queue.cancel(error);
    this.#native.cancelDrains(error);
  }

  /**
   * Returns the input's counters.
   *
   * @returns A snapshot.
   */
  override stats(): MixQueueStats {
    const record = this.#native.readStats();
    return {
      framesAccepted: record[Field.frames_accepted]!,
      framesQueued: record[Field.frames_queued]!,
      framesDropped: record[Field.frames_dropped]!,
      framesMixed: record[Field.frames_mixed]!,
      framesStarved: record[Field.frames_starved]!,
      starvations: record[Field.starvations]!,
      gain: record[Field.gain]!,
    };
  }
}

/** The object that plays an input with these options. */
export type MixInputOf<Options extends MixInputOptions, F extends SampleFormat = SampleFormat> =
  Options extends MixToneOptions ? MixTone
    : Options extends MixClipOptions ? MixClip
    : Options extends MixQueueOptions ? MixQueue<F>
    : never;

/** The objects that play the inputs of a mix, in their order. */
export type MixInputsOf<
  Inputs extends readonly MixInputOptions[],
  F extends SampleFormat = SampleFormat,
> = { readonly [Index in keyof Inputs]: MixInputOf<Inputs[Index], F> };
