/**
 * Xruns: the gaps in the sound when the device runs dry, with what caused them.
 *
 * @module
 */

import {
  Xrun as Field,
  XRUN_LENGTH,
  XrunCause as Cause,
  XrunPolicy as Policy,
} from "./ffi/abi.generated.ts";
import { wordOf } from "./native_word.ts";

/** Lateness up to this is a timer's. */
const MIN_DARK_MS = 1;

/**
 * Who let the device run dry:
 *
 * - `producer`: the queue had nothing more to give. Write earlier or more.
 * - `scheduling`: the stream's thread did not get the CPU in time.
 * - `processing`: the engine's own work, of this stream or of another one of its group, took too long.
 * - `device`: the device stopped by itself, its pointer is not where it can be, or it went away.
 */
export type XrunCause = "producer" | "scheduling" | "processing" | "device";

/**
 * What the device does when it runs dry: `stop`, ALSA's default, until there is sound again;
 * `silence`: it runs on and plays zeros; `repeat`: it runs on and plays its ring again.
 */
export type XrunPolicy = "stop" | "silence" | "repeat";

/** What an xrun's cause is told from. */
export interface XrunEvidence {
  /** Frames in the queue when the ring was filled last. */
  readonly queueFrames: number;
  /** Frames that the device still had when it stopped: more than a few are its own doing. */
  readonly leftFrames: number;
  /** Milliseconds from the deadline until the stream's thread ran. */
  readonly latenessMs: number;
  /** Milliseconds that the engine's work took of the time that there was. */
  readonly processingMs: number;
  /** Milliseconds in which the thread had work for this stream, and was not on a CPU. */
  readonly offCpuMs: number;
  /**
   * Milliseconds since the wake-up before, or since up to seven more that lost hardly any time, in
   * which the thread could have run and waited for a CPU; undefined where the kernel does not tell.
   * Lateness beyond it is dark time: nobody in the system saw it, as when a hypervisor or firmware
   * had the CPU.
   */
  readonly runQueueMs: number | undefined;
  /** Involuntary context switches of the thread since then. */
  readonly involuntarySwitches: number;
  /** Page faults of the thread since then that needed no disk. */
  readonly minorFaults: number;
  /** Page faults of the thread since then that did. */
  readonly majorFaults: number;
}

/** One xrun. */
export interface Xrun {
  /** 1 for the first of the stream. */
  readonly number: number;
  /** Who let the device run dry. */
  readonly cause: XrunCause;
  /** What the device did. */
  readonly policy: XrunPolicy;
  /**
   * When sound began to be missing, in milliseconds of `performance.now()`, or of the simulated clock.
   * Told by the device's own clock on `hw` PCMs, else by its pointers.
   */
  readonly timeMs: number;
  /** Milliseconds without sound, or with the wrong one; while it lasts, until it was found. */
  readonly durationMs: number;
  /** Whether it is over: there is sound again, or none is wanted any more. */
  readonly isOver: boolean;
  /** Frames of the stream that had been heard before. */
  readonly position: number;
  /** Frames that the device had taken and threw away; 0 but for a device that failed. */
  readonly lostFrames: number;
  /** What the cause is told from. */
  readonly evidence: XrunEvidence;
  /** What to do about it. */
  readonly advice: string;
}

/** What of a stream the advice depends on. */
export interface XrunStream {
  /** Its thread has a realtime priority. */
  readonly isRealtime: boolean;
  /** JavaScript renders it in place: it has no queue but the device's buffer. */
  readonly isRendered: boolean;
}

/** Returns the engine's record as an xrun; `offsetMs` makes its times those of `performance.now()`. */
export function xrunFromNative(
  number: number,
  record: Float64Array,
  offsetMs: number,
  stream: XrunStream,
): Xrun {
  const value = (index: number): number => record[index]!;
  const evidence: XrunEvidence = {
    queueFrames: value(Field.queue_frames),
    leftFrames: value(Field.left_frames),
    latenessMs: value(Field.lateness_ms),
    processingMs: value(Field.processing_ms),
    offCpuMs: value(Field.off_cpu_ms),
    runQueueMs: value(Field.run_queue_ms) < 0 ? undefined : value(Field.run_queue_ms),
    involuntarySwitches: value(Field.involuntary_switches),
    minorFaults: value(Field.minor_faults),
    majorFaults: value(Field.major_faults),
  };
  const cause = wordOf(Cause, value(Field.cause));
  return {
    number,
    cause,
    policy: wordOf(Policy, value(Field.policy)),
    timeMs: value(Field.began_ms) + offsetMs,
    durationMs: value(Field.duration_ms),
    isOver: value(Field.is_over) === 1,
    position: value(Field.position_frames),
    lostFrames: value(Field.lost_frames),
    evidence,
    advice: adviceFor(cause, evidence, stream),
  };
}

/** Makes the record that `xrunFromNative()` reads. */
export function xrunRecord(): Float64Array {
  return new Float64Array(XRUN_LENGTH);
}

function adviceFor(cause: XrunCause, evidence: XrunEvidence, stream: XrunStream): string {
  switch (cause) {
    case "producer":
      if (stream.isRendered) {
        return "Rendering came too late: make the callback quicker, keep the event loop free, or " +
          "use more or longer periods; a Worker of its own is not kept waiting by other code.";
      }
      return "Write earlier or more at a time; a larger queueFrames bridges longer pauses, such as " +
        "garbage collections.";
    case "scheduling":
      return schedulingAdvice(evidence, stream.isRealtime);
    case "processing":
      return "The work of one wake-up took longer than the buffer lasts: use a larger buffer, fewer " +
        "streams of this period length, or a faster CPU.";
    case "device":
      return "The device stopped or jumped by itself: look into the kernel's log, try another period " +
        "size, and check its cable and power saving.";
  }
}

function schedulingAdvice(evidence: XrunEvidence, isRealtime: boolean): string {
  const { latenessMs, runQueueMs = latenessMs, majorFaults } = evidence;
  // Who waits for the disk is not in the run queue either.
  if (majorFaults === 0 && isMostlyDark(evidence)) {
    return `The thread ran ${latenessMs.toFixed(1)} ms late, and waited for a CPU only ` +
      `${runQueueMs.toFixed(1)} ms of that: the process was stopped, or a hypervisor or firmware ` +
      "had the CPU. No priority helps against that: use a larger buffer.";
  }
  if (!isRealtime) {
    return "The stream's thread is not realtime: allow SCHED_FIFO (granted.realtime.mend says " +
      "how), or use a larger buffer.";
  }
  return majorFaults > 0
    ? "The thread waited for memory from the disk: free some memory, or use a larger buffer."
    : "Something kept the CPU from a realtime thread: run halflap doctor, or use a larger buffer.";
}

/** Whether the scheduler does not account for most of the time that was missed. */
function isMostlyDark({ latenessMs, runQueueMs, offCpuMs }: XrunEvidence): boolean {
  if (runQueueMs === undefined) return false;
  const darkMs = latenessMs - runQueueMs;
  return darkMs > MIN_DARK_MS && darkMs > (latenessMs + offCpuMs) / 2;
}
