/**
 * Sample formats, and the typed arrays that hold them.
 *
 * @module
 */

import { Format } from "./ffi/abi.generated.ts";

/** The typed array that holds samples of each format. */
export interface SampleArrays {
  /** Unsigned 8 bit; silence is 128. */
  u8: Uint8Array;
  /** Signed 16 bit. */
  s16: Int16Array;
  /** Signed 24 bit in the low three bytes of 32; the top byte is ignored. */
  s24: Int32Array;
  /** Signed 24 bit, packed: three bytes a sample, the lowest first. */
  s24_3: Uint8Array;
  /** Signed 32 bit. */
  s32: Int32Array;
  /** 32 bit floating point, full scale from -1 to 1. */
  f32: Float32Array;
  /** 64 bit floating point, full scale from -1 to 1. */
  f64: Float64Array;
}

/** A sample format; all are little endian. {@linkcode SampleArrays} says what each one is. */
export type SampleFormat = keyof SampleArrays;

/** The typed array that holds samples of a format, channels interleaved. */
export type SamplesOf<F extends SampleFormat> = SampleArrays[F];

interface FormatInfo {
  readonly native: number;
  readonly bytes: number;
  readonly array: SampleArrayConstructor;
}

type SampleArrayConstructor =
  | Uint8ArrayConstructor
  | Int16ArrayConstructor
  | Int32ArrayConstructor
  | Float32ArrayConstructor
  | Float64ArrayConstructor;

const FORMATS: Readonly<Record<SampleFormat, FormatInfo>> = {
  u8: { native: Format.u8, bytes: 1, array: Uint8Array },
  s16: { native: Format.s16, bytes: 2, array: Int16Array },
  s24: { native: Format.s24, bytes: 4, array: Int32Array },
  s24_3: { native: Format.s24_3, bytes: 3, array: Uint8Array },
  s32: { native: Format.s32, bytes: 4, array: Int32Array },
  f32: { native: Format.f32, bytes: 4, array: Float32Array },
  f64: { native: Format.f64, bytes: 8, array: Float64Array },
};

/** All formats. */
export const SAMPLE_FORMATS: readonly SampleFormat[] = Object.keys(FORMATS) as SampleFormat[];

/** Bytes that one sample of a format takes in memory. */
export function bytesPerSample(format: SampleFormat): number {
  return FORMATS[format].bytes;
}

/** The engine's number for a format. */
export function nativeFormat(format: SampleFormat): number {
  return FORMATS[format].native;
}

/** The format for an engine's number. */
export function formatFromNative(native: number): SampleFormat {
  const format = SAMPLE_FORMATS.find((candidate) => FORMATS[candidate].native === native);
  if (format === undefined) throw new Error(`The engine returned the unknown format ${native}`);
  return format;
}

/** Whether a value is the typed array for samples of a format. */
export function isSamplesOf<F extends SampleFormat>(
  format: F,
  value: unknown,
): value is SamplesOf<F> {
  return value instanceof FORMATS[format].array;
}

/** Makes a typed array for a number of samples, all bytes zero. */
export function allocateSamples<F extends SampleFormat>(format: F, samples: number): SamplesOf<F> {
  const { array: SampleArray, bytes } = FORMATS[format];
  const elements = samples * bytes / SampleArray.BYTES_PER_ELEMENT;
  return new SampleArray(elements) as SampleArrays[SampleFormat] as SamplesOf<F>;
}

/** The typed array over memory, or over a part of it. */
export function samplesIn(
  format: SampleFormat,
  buffer: ArrayBuffer,
  byteOffset = 0,
  byteLength: number = buffer.byteLength,
): SampleArrays[SampleFormat] {
  const { array: SampleArray } = FORMATS[format];
  return new SampleArray(buffer, byteOffset, byteLength / SampleArray.BYTES_PER_ELEMENT);
}

/** Refuses an array whose memory is gone: it looks like an empty one, but its methods refuse. */
export function checkAttached(samples: SampleArrays[SampleFormat]): void {
  if (samples.length > 0) return;
  try {
    samples.at(0);
  } catch (cause) {
    throw new TypeError("Samples are in a buffer that was detached or has shrunk", { cause });
  }
}

/** Checks that the value is the format's typed array and holds whole frames; returns how many. */
export function checkFrames(format: SampleFormat, channels: number, value: unknown): number {
  const { array, bytes } = FORMATS[format];
  if (!(value instanceof array)) {
    const given = Object.prototype.toString.call(value).slice("[object ".length, -1);
    throw new TypeError(
      `Samples of the format "${format}" must be a ${array.name}: current value is of type ${given}`,
    );
  }
  checkAttached(value);
  const frames = value.byteLength / (bytes * channels);
  if (!Number.isInteger(frames)) {
    throw new RangeError(
      `Samples must be whole frames of ${bytes * channels} bytes (${channels} channels, format ` +
        `"${format}"): current length is ${value.byteLength} bytes`,
    );
  }
  return frames;
}
