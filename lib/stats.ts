/**
 * Counters of a stream.
 *
 * @module
 */

import type { Distribution } from "./distribution.ts";
import { Group, Stats } from "./ffi/abi.generated.ts";
import { type PlaybackState, stateFromNative } from "./state.ts";
import type { Xrun, XrunCause } from "./xrun.ts";

/** The xruns of a stream: how many there were of each cause, and the last ones. */
export interface XrunStats extends Readonly<Record<XrunCause, number>> {
  /** All of them, one that is going on included. */
  readonly count: number;
  /** The last ones, at most 16, oldest first. */
  readonly recent: readonly Xrun[];
}

/** What a stream measures at its wake-ups. */
export interface PlaybackDistributions {
  /** Milliseconds from a deadline until the stream was served. */
  readonly wakeLatenessMs: Distribution;
  /** Milliseconds from then until its ring was filled. */
  readonly fillMs: Distribution;
  /** Frames in the queue; no values for a native source. */
  readonly queueFrames: Distribution;
  /** Frames of room in the device's ring. */
  readonly availFrames: Distribution;
  /** Frames from the engine's write position to the loudspeaker. */
  readonly delayFrames: Distribution;
}

/** The thread that serves a stream, and all others of the same period length and kind. */
export interface GroupStats {
  /** Streams that it serves. */
  readonly streams: number;
  /** How often it woke. */
  readonly wakeUps: number;
  /**
   * Milliseconds of lateness that the scheduler does not account for: the thread was due, and did not
   * wait for a CPU either, as when a hypervisor or firmware had it. Wake-ups more than 1 ms late count;
   * 0 where the kernel has no schedstat.
   */
  readonly darkMs: number;
  /** Milliseconds from its deadlines to its wake-ups. */
  readonly wakeLatenessMs: Distribution;
  /** Milliseconds that it took to serve the streams that were due. */
  readonly roundMs: Distribution;
}

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
  /** How often the device ran dry, and why. */
  readonly xruns: XrunStats;
  /** How often the device was brought back after an xrun, a system suspend or an error. */
  readonly recoveries: number;
  /** How often its pointer was further on than time allows. */
  readonly pointerJumps: number;
  /** How often its pointer was behind what time demands. */
  readonly pointerStalls: number;
  /** The device's rate against the nominal one in parts per million, as it has been learned so far. */
  readonly rateDeviationPpm: number;
  /** How often the engine serviced this stream. */
  readonly wakeUps: number;
  /** How many of these moved no frame. */
  readonly idleWakeUps: number;
  /** The most wake-ups in a row that achieved nothing; from 64 on they are held back. */
  readonly idleWakeUpsInARow: number;
  /** Linear gain now; while a ramp lasts, on its way to the stream's `gain`. */
  readonly gain: number;
  /**
   * How often the device took sound much faster than its rate, as one without a clock does, and was
   * paced by the engine's clock from then on.
   */
  readonly clockDemotions: number;
  /** What was measured at each wake-up since the stream was opened. */
  readonly distributions: PlaybackDistributions;
  /** The thread that serves the stream. */
  readonly group: GroupStats;
}

/** What the engine tells about a stream besides its record of counters. */
export interface NativeTelemetry {
  /** The last xruns. */
  readonly recent: readonly Xrun[];
  /** As in the statistics. */
  readonly distributions: PlaybackDistributions;
  /** The engine's record of the stream's group. */
  readonly group: Float64Array;
  /** As in the statistics of the group. */
  readonly groupWakeLatenessMs: Distribution;
  /** As in the statistics of the group. */
  readonly groupRoundMs: Distribution;
}

/** Makes the public form of the engine's record. */
export function statsFromNative(record: Float64Array, telemetry: NativeTelemetry): PlaybackStats {
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
    xruns: {
      count: number(Stats.xruns),
      producer: number(Stats.xruns_producer),
      scheduling: number(Stats.xruns_scheduling),
      processing: number(Stats.xruns_processing),
      device: number(Stats.xruns_device),
      recent: telemetry.recent,
    },
    recoveries: number(Stats.recoveries),
    pointerJumps: number(Stats.pointer_jumps),
    pointerStalls: number(Stats.pointer_stalls),
    rateDeviationPpm: number(Stats.rate_deviation_ppm),
    wakeUps: number(Stats.wake_ups),
    idleWakeUps: number(Stats.idle_wake_ups),
    idleWakeUpsInARow: number(Stats.idle_wake_ups_in_a_row),
    gain: number(Stats.gain),
    clockDemotions: number(Stats.clock_demotions),
    distributions: telemetry.distributions,
    group: {
      streams: telemetry.group[Group.streams]!,
      wakeUps: telemetry.group[Group.wake_ups]!,
      darkMs: telemetry.group[Group.dark_ms]!,
      wakeLatenessMs: telemetry.groupWakeLatenessMs,
      roundMs: telemetry.groupRoundMs,
    },
  };
}
