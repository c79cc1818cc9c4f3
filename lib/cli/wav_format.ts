/**
 * The format chunk of WAV files.
 *
 * @module
 */

import { decodeWaveToBuffer, SampleFormat as WaveCoding } from "@echogarden/wave-codec";
import type { SampleFormat } from "../format.ts";
import type { PcmLayout } from "./pcm_input.ts";

const FORMATS: ReadonlyMap<string, SampleFormat> = new Map([
  [`${WaveCoding.PCM}/8`, "u8"],
  [`${WaveCoding.PCM}/16`, "s16"],
  [`${WaveCoding.PCM}/24`, "s24_3"],
  [`${WaveCoding.PCM}/32`, "s32"],
  [`${WaveCoding.Float}/32`, "f32"],
  [`${WaveCoding.Float}/64`, "f64"],
]);

const CHUNK_HEADER_BYTES = 8;

/** Fewest bytes of a format chunk's body. */
export const MIN_FORMAT_BYTES = 16;
/** Most bytes of a format chunk's body: the size of its extension is a 16 bit number. */
export const MAX_FORMAT_BYTES: number = 18 + 0xffff;

/** What a format chunk says: a layout that can be played, or why there is none. */
export type WavFormat = PcmLayout | { readonly unsupported: string };

/** Reads the body of a format chunk. */
export function parseWavFormat(body: Uint8Array): WavFormat {
  // The codec reads complete files only, so that the chunks of a stream are found elsewhere; it gets
  // a file of this chunk and no samples.
  const file = concatChunks([["fmt ", body], ["data", new Uint8Array(0)]]);
  try {
    const wave = decodeWaveToBuffer(file);
    const { sampleFormat, bitDepth, channelCount: channels, sampleRate: rate } = wave;
    const format = FORMATS.get(`${sampleFormat}/${bitDepth}`);
    if (format === undefined) return { unsupported: `its coding is ${WaveCoding[sampleFormat]}` };
    return { format, rate, channels };
  } catch (error) {
    return { unsupported: (error as Error).message };
  }
}

/** Bytes of a frame, as a format chunk says. */
export function wavFrameBytes(body: Uint8Array): number {
  return new DataView(body.buffer, body.byteOffset, body.byteLength).getUint16(12, true);
}

function concatChunks(chunks: readonly (readonly [id: string, body: Uint8Array])[]): Uint8Array {
  const parts = chunks.flatMap(([id, body]) => [chunkHeader(id, body.byteLength), body]);
  const bytes = parts.reduce((sum, part) => sum + part.byteLength, 0);
  const riff = [chunkHeader("RIFF", 4 + bytes), new TextEncoder().encode("WAVE")];
  return Uint8Array.from([...riff, ...parts].flatMap((part) => [...part]));
}

function chunkHeader(id: string, bytes: number): Uint8Array {
  const header = new Uint8Array(CHUNK_HEADER_BYTES);
  new TextEncoder().encodeInto(id, header);
  new DataView(header.buffer).setUint32(4, bytes, true);
  return header;
}
