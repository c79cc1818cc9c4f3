/**
 * `card0/pcm0p/sub0/status`: where a stream's pointers are.
 *
 * @module
 */

import { FieldReader, type UnknownLines } from "./field_reader.ts";
import { parseCount, parseInteger, parseSeconds, parseWord } from "./values.ts";

/** State of an open PCM, in ALSA's words. */
export type PcmState =
  | "open"
  | "setup"
  | "prepared"
  | "running"
  | "xrun"
  | "draining"
  | "paused"
  | "suspended"
  | "disconnected";

/** Where a stream's pointers are. A value that the kernel does not tell is undefined. */
export interface PcmStatus extends UnknownLines {
  /** State of the PCM; undefined for one that halflap does not know. */
  readonly state: PcmState | undefined;
  /** The thread that opened the PCM; 0 where it is in another container. */
  readonly ownerPid: number | undefined;
  /**
   * The clock of the times: the program chose it when it opened the PCM, and halflap tells it by
   * their size. `monotonic` can be CLOCK_MONOTONIC_RAW as well.
   */
  readonly clock: "monotonic" | "realtime" | undefined;
  /** When the stream last started or stopped, in ms on `clock`; undefined if it did neither. */
  readonly triggerTimeMs: number | undefined;
  /** When the pointers were taken, in ms on `clock`; undefined where no timestamps are taken. */
  readonly timestampMs: number | undefined;
  /**
   * Frames between what is written now and what is heard now (capture: between what is recorded now
   * and what is read now). Negative where the hardware has overtaken the program; 0 unless it moves.
   */
  readonly delayFrames: number | undefined;
  /** Frames that can be written (capture: read). Above the size of the ring after an xrun. */
  readonly availFrames: number | undefined;
  /** The most that `availFrames` was since somebody asked for the status, as halflap just did. */
  readonly maxAvailFrames: number | undefined;
  /** Where the hardware is, in frames modulo the boundary. */
  readonly hwPtr: number | undefined;
  /** Where the program is, in frames modulo the boundary. */
  readonly applPtr: number | undefined;
  /** Xruns since the PCM was opened, where the kernel has CONFIG_SND_PCM_XRUN_DEBUG. */
  readonly xruns: number | undefined;
}

const STATES = [
  ...["open", "setup", "prepared", "running", "xrun", "draining"] as const,
  ...["paused", "suspended", "disconnected"] as const,
];

// No machine has been up for as long as it is since 1970.
const REALTIME_MS = 1e12;

/** Parses the file; undefined if the substream is closed. */
export function parsePcmStatus(text: string): PcmStatus | undefined {
  if (/^\s*closed\s*$/.test(text)) return undefined;
  const fields = new FieldReader(text);
  // A time that was not taken is 0.
  const triggerTimeMs = fields.take("trigger_time", parseSeconds) || undefined;
  const timestampMs = fields.take("tstamp", parseSeconds) || undefined;
  const timeMs = triggerTimeMs ?? timestampMs;
  return {
    state: fields.take("state", parseWord(STATES)),
    ownerPid: fields.take("owner_pid", parseCount),
    clock: timeMs === undefined ? undefined : timeMs >= REALTIME_MS ? "realtime" : "monotonic",
    triggerTimeMs,
    timestampMs,
    delayFrames: fields.take("delay", parseInteger),
    availFrames: fields.take("avail", parseInteger),
    maxAvailFrames: fields.take("avail_max", parseInteger),
    hwPtr: fields.take("hw_ptr", parseCount),
    applPtr: fields.take("appl_ptr", parseCount),
    xruns: fields.take("xrun_counter", parseCount),
    unknown: fields.unknown,
  };
}
