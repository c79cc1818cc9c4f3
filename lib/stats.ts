/**
 * Counters of a stream.
 *
 * @module
 */

import { Stats } from "./ffi/abi.generated.ts";
import { type PlaybackState, stateFromNative } from "./state.ts";

/** A snapshot of a stream's counters. Frames are counted since the stream was opened. */
export interface PlaybackStats {
  /** State when the snapshot was taken. */
  readonly state: PlaybackState;
  /** Frames taken from `write()`, `tryWrite()` and `writable`. */
  readonly framesAccepted: number;
  /** Frames in the queue now. */
  readonly framesQueued: number;
  /** Frames given to the device, padding included. */
  readonly framesWritten: number;
  /**
   * Frames of silence given to the device behind the last frame of a drain or of a pause. The
   * device is stopped as soon as that frame was heard, so most of them are not.
   */
  readonly framesPadded: number;
  /** Frames that were heard. */
  readonly framesPlayed: number;
  /** Frames accepted, but thrown away by `drop()`. */
  readonly framesDropped: number;
  /** Frames from the engine's write position to the loudspeaker now. */
  readonly delayFrames: number;
  /** How often the device ran dry. */
  readonly xruns: number;
  /** How often the engine serviced this stream. */
  readonly wakeUps: number;
  /** How many of these moved no frame. */
  readonly idleWakeUps: number;
  /** Linear gain now; while a ramp lasts, on its way to the stream's `gain`. */
  readonly gain: number;
  /**
   * How often the device took sound much faster than its rate, as one without a clock does, and was
   * paced by the engine's clock from then on.
   */
  readonly clockDemotions: number;
}

/** Makes the public form of the engine's record. */
export function statsFromNative(record: Float64Array): PlaybackStats {
  const number = (index: number): number => record[index]!;
  return {
    state: stateFromNative(number(Stats.state)),
    framesAccepted: number(Stats.frames_accepted),
    framesQueued: number(Stats.frames_queued),
    framesWritten: number(Stats.frames_written),
    framesPadded: number(Stats.frames_padded),
    framesPlayed: number(Stats.frames_played),
    framesDropped: number(Stats.frames_dropped),
    delayFrames: number(Stats.delay_frames),
    xruns: number(Stats.xruns),
    wakeUps: number(Stats.wake_ups),
    idleWakeUps: number(Stats.idle_wake_ups),
    gain: number(Stats.gain),
    clockDemotions: number(Stats.clock_demotions),
  };
}
