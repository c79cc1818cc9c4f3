/**
 * Plays WAV: the samples as they are in the file, in its own format.
 *
 * @module
 */

import { bytesPerSample } from "../format.ts";
import { CHANNELS_RANGE, type Range, RATE_RANGE } from "../ranges.ts";
import type { ByteReader } from "./byte_reader.ts";
import { CommandError, UsageError } from "./command_error.ts";
import type { PcmInput, PcmLayout, WantedLayout } from "./pcm_input.ts";
import { readWavHeader, type WavHeader } from "./wav_header.ts";

/** A WAV stream whose samples are coded in another way than PCM: why they cannot be played. */
export interface UnsupportedWav {
  /** The reason. */
  readonly unsupported: string;
}

/** Reads the header of a WAV stream; the name is for messages. */
export async function openWav(
  reader: ByteReader,
  name: string,
): Promise<PcmInput | UnsupportedWav> {
  const header = await readWavHeader(reader, name);
  if ("unsupported" in header.wavFormat) return header.wavFormat;
  const layout = header.wavFormat;
  checkLayout(layout, header, name);
  const { dataBytes, frameBytes } = header;
  return {
    ...layout,
    totalFrames: dataBytes === undefined ? undefined : Math.floor(dataBytes / frameBytes),
    chunks: dataBytes === undefined ? reader.take(Infinity) : takeAll(reader, header, name),
  };
}

/** Throws if the user wants another layout than the file has. */
export function requireLayout(layout: PcmLayout, wanted: WantedLayout, name: string): void {
  for (const option of ["rate", "channels", "format"] as const) {
    if (wanted[option] === undefined || wanted[option] === layout[option]) continue;
    throw new UsageError(
      `"--${option}" is ${wanted[option]}, but ${name} has ${layout[option]}, and halflap does ` +
        `not convert: leave the option out`,
    );
  }
}

function checkLayout(layout: PcmLayout, { frameBytes }: WavHeader, name: string): void {
  checkRange(name, "channels", layout.channels, CHANNELS_RANGE);
  checkRange(name, "frames per second", layout.rate, RATE_RANGE);
  const expected = layout.channels * bytesPerSample(layout.format);
  if (frameBytes === expected) return;
  throw new CommandError(
    `Cannot play ${name}: it is a damaged WAV file, with frames of ${frameBytes} instead of ` +
      `${expected} bytes`,
  );
}

function checkRange(name: string, what: string, value: number, [min, max]: Range): void {
  if (value >= min && value <= max) return;
  throw new CommandError(
    `Cannot play ${name}: it has ${value} ${what}; ${min} to ${max} are possible`,
  );
}

async function* takeAll(
  reader: ByteReader,
  { dataBytes = 0, frameBytes }: WavHeader,
  name: string,
): AsyncGenerator<Uint8Array, void, void> {
  let bytes = 0;
  for await (const chunk of reader.take(dataBytes)) {
    bytes += chunk.byteLength;
    yield chunk;
  }
  if (bytes === dataBytes) return;
  const [present, declared] = [bytes, dataBytes].map((count) => Math.floor(count / frameBytes));
  throw new CommandError(
    `Only ${present} of ${declared} frames of ${name} are there: it is cut short`,
  );
}
