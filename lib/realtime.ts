/**
 * Realtime scheduling of the engine's write threads: how to ask for it, and what was granted.
 *
 * @module
 */

import { checkInteger, checkOptions, checkWord } from "./check.ts";
import { Realtime } from "./ffi/abi.generated.ts";

/** A priority of SCHED_FIFO. */
export interface RealtimePriority {
  /** From 1, the lowest, to 99. */
  priority: number;
}

/**
 * How the thread that feeds the device is to be scheduled. `"auto"`: by SCHED_FIFO with priority 1 to
 * 3, higher for shorter periods, where the system permits it and the PCM runs nobody else's threads;
 * `"off"`: like any other thread; an object: by SCHED_FIFO with that priority in any case.
 */
export type RealtimeOption = "auto" | "off" | RealtimePriority;

/** How the thread that feeds the device is scheduled. */
export interface GrantedRealtime {
  /** Priority of SCHED_FIFO, or 0 where it is not realtime. */
  readonly priority: number;
  /** Why it is this one. */
  readonly reason: string;
  /** What to do for realtime scheduling, where the system denied it. */
  readonly mend?: string;
}

const MAX_PRIORITY = 99;

const GRANTED: Readonly<Record<number, Omit<GrantedRealtime, "priority">>> = {
  [Realtime.granted]: { reason: "granted" },
  [Realtime.off]: { reason: "not asked for" },
  [Realtime.foreign]: {
    reason: "the PCM runs threads or locks of others; a priority has to be asked for by number",
  },
  [Realtime.denied]: {
    reason: "the system denied SCHED_FIFO",
    mend: 'allow it in /etc/security/limits.d/audio.conf ("@audio - rtprio 95" and ' +
      '"@audio - memlock unlimited"), add the user to the group "audio" and log in again; ' +
      "in a container grant CAP_SYS_NICE",
  },
  [Realtime.simulated]: { reason: "a simulated clock has no thread" },
};

/** Returns the engine's number for the option: 0 auto, -1 off, else the priority. */
export function checkRealtime(value: unknown): number {
  if (value === undefined) return 0;
  if (typeof value !== "object" || value === null) {
    return checkWord("realtime", value, ["auto", "off"]) === "auto" ? 0 : -1;
  }
  const { priority } = checkOptions<RealtimePriority>('the option "realtime"', value, ["priority"]);
  return checkInteger("priority", priority, 1, MAX_PRIORITY);
}

/** Makes the public form of what the engine granted. */
export function realtimeFromNative(realtime: number, priority: number): GrantedRealtime {
  const granted = GRANTED[realtime];
  if (granted === undefined) throw new Error(`The engine returned the unknown value ${realtime}`);
  return Object.freeze({ priority, ...granted });
}
