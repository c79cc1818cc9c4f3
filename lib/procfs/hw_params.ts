/**
 * `card0/pcm0p/sub0/hw_params`: what a program and the driver agreed on.
 *
 * @module
 */

import { FieldReader, type UnknownLines } from "./field_reader.ts";
import { parsePositive, parseText } from "./values.ts";

/** What a program and the driver agreed on. A value that the kernel does not tell is undefined. */
export interface PcmHwParams extends UnknownLines {
  /** How the program gets at the ring, as in `MMAP_INTERLEAVED` or `RW_INTERLEAVED`. */
  readonly access: string | undefined;
  /** Sample format in ALSA's words, as in `S16_LE`. */
  readonly format: string | undefined;
  /** Subformat in ALSA's words; `STD` for every common format. */
  readonly subformat: string | undefined;
  /** Channels in a frame. */
  readonly channels: number | undefined;
  /** Frames per second. */
  readonly rate: number | undefined;
  /** Frames per second as the hardware's clock divides it, which need not be whole. */
  readonly exactRate: number | undefined;
  /** Frames per period. */
  readonly periodFrames: number | undefined;
  /** Frames in the ring. */
  readonly bufferFrames: number | undefined;
}

interface Rate {
  readonly rate: number;
  readonly exactRate: number;
}

/** Parses `48000 (48000/1)`. */
function parseRate(text: string): Rate | undefined {
  const parts = /^(\d+) \((\d+)\/(\d+)\)$/.exec(text) ?? [];
  const [rate, numerator, denominator] = parts.slice(1).map(parsePositive);
  if (rate === undefined || numerator === undefined || denominator === undefined) return undefined;
  return { rate, exactRate: numerator / denominator };
}

/** Parses the file; undefined if the substream is closed or has no parameters yet. */
export function parseHwParams(text: string): PcmHwParams | undefined {
  if (/^\s*(closed|no setup)\s*$/.test(text)) return undefined;
  const fields = new FieldReader(text);
  const rates = fields.take("rate", parseRate);
  return {
    access: fields.take("access", parseText),
    format: fields.take("format", parseText),
    subformat: fields.take("subformat", parseText),
    channels: fields.take("channels", parsePositive),
    rate: rates?.rate,
    exactRate: rates?.exactRate,
    periodFrames: fields.take("period_size", parsePositive),
    bufferFrames: fields.take("buffer_size", parsePositive),
    unknown: fields.unknown,
  };
}
