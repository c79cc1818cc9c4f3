/**
 * Where a stream is on the realm's own time line.
 *
 * @module
 */

import { Stats } from "./ffi/abi.generated.ts";
import type { Native } from "./ffi/backend.ts";

/**
 * A pair of simultaneous times, as `AudioContext.getOutputTimestamp()` of the Web Audio API gives
 * it: at `performanceTime`, the frame at `contextTime` was heard.
 */
export interface OutputTimestamp {
  /** Position in the stream in seconds: frames heard since it was opened, divided by its rate. */
  readonly contextTime: number;
  /**
   * Milliseconds on the line of `performance.now()`; on a simulated clock, milliseconds of that
   * clock instead.
   */
  readonly performanceTime: number;
}

const SAMPLES = 5;

/**
 * Milliseconds to add to CLOCK_MONOTONIC to get `performance.now()`. Both count the same clock from
 * different origins; the sample that took the least time bounds the error best.
 */
export function performanceOffsetMs(native: Native): number {
  let best = { offset: 0, span: Infinity };
  for (let sample = 0; sample < SAMPLES; sample++) {
    const before = performance.now();
    const monotonic = native.halflap_now_ms();
    const after = performance.now();
    const span = after - before;
    if (span < best.span) best = { offset: before + span / 2 - monotonic, span };
  }
  return best.offset;
}

/** Makes the public form of the position in the engine's record. */
export function outputTimestamp(
  stats: Float64Array,
  rate: number,
  offsetMs: number,
): OutputTimestamp {
  return {
    contextTime: stats[Stats.timestamp_frames]! / rate,
    performanceTime: stats[Stats.timestamp_ms]! + offsetMs,
  };
}
