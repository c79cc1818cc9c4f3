/**
 * Opens what `play` was told to play.
 *
 * @module
 */

import { ByteReader } from "./byte_reader.ts";
import { bytesOf, nameOf, STANDARD_INPUT } from "./byte_source.ts";
import { CommandError } from "./command_error.ts";
import { decode } from "./ffmpeg.ts";
import type { PcmInput, PcmLayout, WantedLayout } from "./pcm_input.ts";
import { isWav, WAV_MAGIC_BYTES } from "./wav_header.ts";
import { openWav, requireLayout } from "./wav_input.ts";

/** What to open. */
export interface InputOptions {
  /** Path of a file, or `-`. */
  readonly path: string;
  /** Whether it is PCM without any header. */
  readonly raw: boolean;
  /** What the user says about the layout. */
  readonly wanted: WantedLayout;
}

/** An open input. */
export interface OpenInput {
  /** What it plays. */
  readonly input: PcmInput;
  /** Frees what it holds, also while it is being read. */
  close(): void;
}

const RAW_LAYOUT: PcmLayout = { format: "s16", rate: 48_000, channels: 2 };
const DECODED_FORMAT = "f32";

/** Opens an input. */
export async function openInput({ path, raw, wanted }: InputOptions): Promise<OpenInput> {
  const source = bytesOf(path);
  const reader = new ByteReader(source);
  // Not awaited: standard input ends only when its other end is closed.
  const close = (): void => void source.return();
  try {
    if (raw) return { input: rawInput(reader, wanted), close };
    const input = await wavInput(reader, nameOf(path));
    if (!("unsupported" in input)) {
      requireLayout(input, wanted, nameOf(path));
      return { input, close };
    }
    close();
    return await decodedInput(path, input.unsupported, wanted);
  } catch (error) {
    close();
    throw error;
  }
}

function rawInput(reader: ByteReader, wanted: WantedLayout): PcmInput {
  return {
    format: wanted.format ?? RAW_LAYOUT.format,
    rate: wanted.rate ?? RAW_LAYOUT.rate,
    channels: wanted.channels ?? RAW_LAYOUT.channels,
    totalFrames: undefined,
    chunks: reader.take(Infinity),
  };
}

async function wavInput(reader: ByteReader, name: string): ReturnType<typeof openWav> {
  const start = await reader.peek(WAV_MAGIC_BYTES);
  if (start.byteLength === 0) throw new CommandError(`Cannot play ${name}: it is empty`);
  return isWav(start) ? await openWav(reader, name) : { unsupported: "it is not WAV" };
}

async function decodedInput(
  path: string,
  reason: string,
  wanted: WantedLayout,
): Promise<OpenInput> {
  if (path === STANDARD_INPUT) {
    throw new CommandError(
      `Cannot play ${nameOf(path)}: ${reason}; give it as a file, or pipe raw PCM with "--raw"`,
    );
  }
  const decoder = await decode(path, wanted.format ?? DECODED_FORMAT, reason);
  try {
    requireLayout(decoder.input, wanted, nameOf(path));
  } catch (error) {
    decoder.close();
    throw error;
  }
  return { input: decoder.input, close: () => decoder.close() };
}
