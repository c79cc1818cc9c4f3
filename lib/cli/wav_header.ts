/**
 * Finds the samples in a WAV stream (RIFF or RF64): reads up to the start of the data chunk.
 *
 * @module
 */

import type { ByteReader } from "./byte_reader.ts";
import { CommandError } from "./command_error.ts";
import {
  MAX_FORMAT_BYTES,
  MIN_FORMAT_BYTES,
  parseWavFormat,
  type WavFormat,
  wavFrameBytes,
} from "./wav_format.ts";

/** What stands before the samples of a WAV stream. */
export interface WavHeader {
  /** Format of the samples. */
  readonly wavFormat: WavFormat;
  /** Bytes of a frame, as the file says. */
  readonly frameBytes: number;
  /** Bytes of samples that follow; undefined for as many as there are. */
  readonly dataBytes: number | undefined;
}

interface ChunkHeader {
  readonly id: string;
  readonly bytes: number;
}

const RIFF_HEADER_BYTES = 12;
const CHUNK_HEADER_BYTES = 8;
const DS64_BYTES = 16;
const DS64_DATA_OFFSET = 8;

/** Whether bytes are the start of a WAV stream. */
export function isWav(start: Uint8Array): boolean {
  const container = text(start, 0);
  return (container === "RIFF" || container === "RF64") && text(start, 8) === "WAVE";
}

/** Bytes that `isWav()` needs. */
export const WAV_MAGIC_BYTES: number = RIFF_HEADER_BYTES;

/** Reads up to the samples; the name is for messages. */
export async function readWavHeader(reader: ByteReader, name: string): Promise<WavHeader> {
  const riff = await reader.read(RIFF_HEADER_BYTES);
  if (!isWav(riff)) throw new CommandError(`Cannot play ${name}: it is not WAV`);
  let format: Uint8Array | undefined;
  let dataBytes64: number | undefined;
  for (;;) {
    const chunk = await readChunkHeader(reader, name);
    if (chunk.id === "data") {
      if (format === undefined) throw damaged(name, "its format chunk is missing");
      const dataBytes = dataBytes64 ?? plausibleDataBytes(chunk.bytes, uint32(riff, 4));
      return { wavFormat: parseWavFormat(format), frameBytes: wavFrameBytes(format), dataBytes };
    }
    if (chunk.id === "fmt ") {
      format = await readBody(reader, chunk, name, [MIN_FORMAT_BYTES, MAX_FORMAT_BYTES]);
    } else if (chunk.id === "ds64") {
      const body = await readBody(reader, chunk, name, [DS64_BYTES, MAX_FORMAT_BYTES]);
      dataBytes64 = uint64(body, DS64_DATA_OFFSET);
    } else {
      await reader.skip(chunk.bytes + chunk.bytes % 2);
    }
  }
}

/**
 * Programs that write WAV into a pipe do not know its length, and write a placeholder: 0xffffffff
 * (ffmpeg), 0x7ffff000 (sox, espeak-ng), 0x7fffff00 or 0x80000000 (arecord), rounded down to whole
 * frames, or 0 in both sizes (GStreamer).
 */
function plausibleDataBytes(dataBytes: number, riffBytes: number): number | undefined {
  const isPlaceholder = dataBytes >= 0xffff_f000 || dataBytes === 0 && riffBytes === 0 ||
    dataBytes >= 0x7fff_e000 && dataBytes <= 0x8000_0000;
  return isPlaceholder ? undefined : dataBytes;
}

async function readChunkHeader(reader: ByteReader, name: string): Promise<ChunkHeader> {
  const header = await reader.read(CHUNK_HEADER_BYTES);
  if (header.byteLength < CHUNK_HEADER_BYTES) throw damaged(name, "it ends before its samples");
  return { id: text(header, 0), bytes: uint32(header, 4) };
}

async function readBody(
  reader: ByteReader,
  { id, bytes }: ChunkHeader,
  name: string,
  [min, max]: readonly [number, number],
): Promise<Uint8Array> {
  if (bytes < min || bytes > max) {
    throw damaged(name, `its chunk "${id}" has the impossible length ${bytes}`);
  }
  const body = await reader.read(bytes);
  if (body.byteLength < bytes) throw damaged(name, "it ends before its samples");
  await reader.skip(bytes % 2);
  return body;
}

function damaged(name: string, reason: string): CommandError {
  return new CommandError(`Cannot play ${name}: it is a damaged WAV file, ${reason}`);
}

function text(bytes: Uint8Array, offset: number): string {
  return String.fromCharCode(...bytes.subarray(offset, offset + 4));
}

function uint32(bytes: Uint8Array, offset: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(offset, true);
}

function uint64(bytes: Uint8Array, offset: number): number {
  return uint32(bytes, offset + 4) * 2 ** 32 + uint32(bytes, offset);
}
