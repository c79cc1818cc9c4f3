/**
 * Sources that native code plays by itself, without any JavaScript while they play.
 *
 * @module
 */

import { checkBoolean, checkNumber, checkOptions, checkPositive } from "./check.ts";
import { isSamplesOf, SAMPLE_FORMATS, type SampleArrays, type SampleFormat } from "./format.ts";

/** Highest frequency that {@linkcode tone} accepts: half of the highest rate. */
const MAX_FREQUENCY_HZ = 384_000;

/** Options of {@linkcode tone}. */
export interface ToneOptions {
  /** Frequency in hertz, above 0 and at most half of the stream's rate. */
  frequencyHz: number;
  /** Peak amplitude relative to full scale, from 0 to 1. The default is 0.25 (-12 dBFS). */
  amplitude?: number;
}

/** Options of {@linkcode clip}. */
export interface ClipOptions {
  /** Whether the clip starts again at its end, without a gap. The default is false. */
  loop?: boolean;
}

/** A sine wave on all channels. Made by {@linkcode tone}. */
export interface ToneSource {
  /** Tells the sources apart. */
  readonly kind: "tone";
  /** Frequency in hertz. */
  readonly frequencyHz: number;
  /** Peak amplitude relative to full scale, from 0 to 1. */
  readonly amplitude: number;
}

/** Samples that are copied into native memory when the stream is opened. Made by {@linkcode clip}. */
export interface ClipSource {
  /** Tells the sources apart. */
  readonly kind: "clip";
  /** Interleaved samples in the stream's format and with its number of channels. */
  readonly samples: SampleArrays[SampleFormat];
  /** Whether the clip starts again at its end. */
  readonly loop: boolean;
}

/** Digital silence. Made by {@linkcode silence}. */
export interface SilenceSource {
  /** Tells the sources apart. */
  readonly kind: "silence";
}

/** What feeds a stream that JavaScript does not write to. */
export type Source = ToneSource | ClipSource | SilenceSource;

/**
 * A sine wave on all channels, phase-continuous: sin(2 pi f n / rate) scaled by the amplitude.
 *
 * @example A second of concert pitch
 * ```ts
 * import { openPlayback, tone } from "halflap";
 *
 * const source = tone({ frequencyHz: 440 });
 * await using out = await openPlayback({ source, startThreshold: Infinity });
 * await out.start({ fadeMs: 10 });
 * await new Promise((resolve) => setTimeout(resolve, 1000));
 * await out.drop({ fadeMs: 10 });
 * ```
 *
 * @param options Frequency and amplitude.
 * @returns A source for `openPlayback()`.
 * @throws TypeError or RangeError for an option of the wrong type or outside of its range.
 */
export function tone(options: ToneOptions): ToneSource {
  const { frequencyHz, amplitude } = checkOptions<ToneOptions>("the options of tone()", options, [
    "frequencyHz",
    "amplitude",
  ]);
  return Object.freeze({
    kind: "tone",
    frequencyHz: checkPositive("frequencyHz", frequencyHz, MAX_FREQUENCY_HZ),
    amplitude: amplitude === undefined ? 0.25 : checkNumber("amplitude", amplitude, 0, 1),
  });
}

function isSamples(value: unknown): value is SampleArrays[SampleFormat] {
  return SAMPLE_FORMATS.some((format) => isSamplesOf(format, value));
}

/**
 * Samples that native code plays once or in a loop. They are copied when the stream is opened.
 *
 * @param samples Interleaved samples in the stream's format and with its number of channels: at
 *   least one frame. Which typed array that is, {@linkcode SampleArrays} says.
 * @param options Whether to loop.
 * @returns A source for `openPlayback()`, which checks the samples against format and channels.
 * @throws TypeError if the samples are no typed array, or for an option of the wrong type.
 */
export function clip(samples: SampleArrays[SampleFormat], options?: ClipOptions): ClipSource {
  const { loop } = checkOptions<ClipOptions>("the options of clip()", options, ["loop"]);
  if (!isSamples(samples)) {
    throw new TypeError("The samples of clip() must be the typed array of a sample format");
  }
  return Object.freeze({
    kind: "clip",
    samples,
    loop: loop === undefined ? false : checkBoolean("loop", loop),
  });
}

/**
 * Digital silence: keeps a device open and running, so that nothing has to start up later.
 *
 * @returns A source for `openPlayback()`.
 */
export function silence(): SilenceSource {
  return Object.freeze({ kind: "silence" });
}
