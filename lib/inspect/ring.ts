/**
 * What follows from a stream's parameters and pointers.
 *
 * @module
 */

import type { PcmHwParams } from "../procfs/hw_params.ts";
import type { PcmStatus } from "../procfs/pcm_status.ts";
import type { PcmDirection } from "./pcm_place.ts";

/** How full a stream's ring is, and for how long that lasts. */
export interface PcmRing {
  /** Time of a period in ms. */
  readonly periodMs: number;
  /** Time of the whole ring in ms. */
  readonly bufferMs: number;
  /** Periods in the ring, which need not be whole. */
  readonly periods: number;
  /**
   * Frames in the ring that are still to be played (capture: to be read). Playback: negative where
   * the hardware has overtaken the program by so many frames. Capture: above the size of the ring
   * where it has.
   */
  readonly filledFrames: number | undefined;
  /** The same in percent of the ring, from 0 to 100. */
  readonly filledPercent: number | undefined;
  /**
   * Time in ms until the ring has run dry (capture: full) if the program does nothing, while the
   * stream is running. Negative where it did so long ago and the stream was not stopped by it.
   */
  readonly untilXrunMs: number | undefined;
  /** Time in ms between what is written and what is heard (capture: recorded and read). */
  readonly delayMs: number | undefined;
}

const MS_PER_S = 1000;
const PERCENT = 100;

/** Computes it; undefined where the parameters are not all known. */
export function computeRing(
  direction: PcmDirection,
  { rate, periodFrames, bufferFrames }: PcmHwParams,
  { state, availFrames, delayFrames }: PcmStatus,
): PcmRing | undefined {
  if (rate === undefined || periodFrames === undefined || bufferFrames === undefined) {
    return undefined;
  }
  const toMs = (frames: number): number => frames / rate * MS_PER_S;
  const free = availFrames === undefined
    ? undefined
    : direction === "playback"
    ? availFrames
    : bufferFrames - availFrames;
  const filled = free === undefined ? undefined : bufferFrames - free;
  const left = direction === "playback" ? filled : free;
  return {
    periodMs: toMs(periodFrames),
    bufferMs: toMs(bufferFrames),
    periods: bufferFrames / periodFrames,
    filledFrames: filled,
    filledPercent: filled === undefined
      ? undefined
      : Math.min(Math.max(filled / bufferFrames, 0), 1) * PERCENT,
    untilXrunMs: left === undefined || state !== "running" ? undefined : toMs(left),
    delayMs: delayFrames === undefined ? undefined : toMs(delayFrames),
  };
}
