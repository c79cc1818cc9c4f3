/**
 * `card0/pcm0p/sub0/sw_params`: when a stream starts, stops, wakes its program and plays silence.
 *
 * @module
 */

import { FieldReader, type UnknownLines } from "./field_reader.ts";
import { parseCount, parsePositive, parseWord } from "./values.ts";

/**
 * When a stream starts, stops, wakes its program and plays silence, in frames. A value that the
 * kernel does not tell is undefined; one beyond 2^53 is the nearest number.
 */
export interface PcmSwParams extends UnknownLines {
  /** Whether the kernel takes a timestamp whenever it updates the hardware pointer. */
  readonly timestamps: boolean | undefined;
  /** A divider of period interrupts that no driver uses. */
  readonly periodStep: number | undefined;
  /** Frames that must be free (playback) or captured before the program is woken. */
  readonly availMin: number | undefined;
  /** Frames in the ring (playback) or asked for (capture) at which the stream starts by itself. */
  readonly startThreshold: number | undefined;
  /** Frames free (playback) or captured at which the stream stops with an xrun. */
  readonly stopThreshold: number | undefined;
  /** Playback: frames ahead of the hardware pointer below which silence is filled in. */
  readonly silenceThreshold: number | undefined;
  /** Playback: the most frames of silence that are filled in at a time. */
  readonly silenceSize: number | undefined;
  /** Frames at which the pointers wrap. */
  readonly boundary: number | undefined;
}

const TIMESTAMP_MODES = ["none", "enable"] as const;

/** Parses the file; undefined if the substream is closed or has no parameters yet. */
export function parseSwParams(text: string): PcmSwParams | undefined {
  if (/^\s*(closed|no setup)\s*$/.test(text)) return undefined;
  const fields = new FieldReader(text);
  const mode = fields.take("tstamp_mode", parseWord(TIMESTAMP_MODES));
  return {
    timestamps: mode === undefined ? undefined : mode === "enable",
    periodStep: fields.take("period_step", parseCount),
    availMin: fields.take("avail_min", parseCount),
    startThreshold: fields.take("start_threshold", parseCount),
    stopThreshold: fields.take("stop_threshold", parseCount),
    silenceThreshold: fields.take("silence_threshold", parseCount),
    silenceSize: fields.take("silence_size", parseCount),
    boundary: fields.take("boundary", parsePositive),
    unknown: fields.unknown,
  };
}
