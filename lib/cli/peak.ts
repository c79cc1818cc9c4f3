/**
 * The level of samples.
 *
 * @module
 */

import { bytesPerSample, type SampleFormat } from "../format.ts";

type ReadSample = (view: DataView, offset: number) => number;

/** Reads a sample relative to full scale. */
const READERS: Readonly<Record<SampleFormat, ReadSample>> = {
  u8: (view, offset) => (view.getUint8(offset) - 128) / 2 ** 7,
  s16: (view, offset) => view.getInt16(offset, true) / 2 ** 15,
  s24: (view, offset) => (view.getInt32(offset, true) << 8) / 2 ** 31,
  s24_3: (view, offset) =>
    (view.getUint16(offset, true) + view.getInt8(offset + 2) * 2 ** 16) / 2 ** 23,
  s32: (view, offset) => view.getInt32(offset, true) / 2 ** 31,
  f32: (view, offset) => view.getFloat32(offset, true),
  f64: (view, offset) => view.getFloat64(offset, true),
};

/** The largest absolute value of samples relative to full scale; the bytes are whole samples. */
export function peakOf(format: SampleFormat, bytes: Uint8Array): number {
  const read = READERS[format];
  const step = bytesPerSample(format);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let peak = 0;
  for (let offset = 0; offset < bytes.byteLength; offset += step) {
    const value = Math.abs(read(view, offset));
    if (value > peak) peak = value;
  }
  return peak;
}

/** A level in decibels relative to full scale; -Infinity for silence. */
export function toDecibels(peak: number): number {
  return 20 * Math.log10(peak);
}
