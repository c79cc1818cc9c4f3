/**
 * Whether the system grants realtime scheduling when it is asked for.
 *
 * @module
 */

import { HalflapError } from "../../errors.ts";
import type { GrantedRealtime } from "../../realtime.ts";
import type { Examination, Finding } from "./check.ts";
import { splitHint } from "./hint.ts";
import { Inaccessible } from "./inaccessible.ts";
import {
  HIGHEST_PRIORITY,
  mendRealtimeLimit,
  permitsRealtime,
  realtimeLimit,
} from "./realtime_limit.ts";
import type { System } from "./system.ts";

const MEND_PERMITTED =
  "the limit permits it, so a control group or a seccomp filter forbids it: where the kernel has " +
  "CONFIG_RT_GROUP_SCHED, run the program in the root control group or give its group realtime " +
  "time (cpu.rt_runtime_us); in a container, permit the system call sched_setscheduler";

/** Whether the system grants realtime scheduling. */
export const realtimeScheduling: Examination = {
  id: "realtime-scheduling",
  title: "SCHED_FIFO",
  meaning: "A write thread with realtime scheduling runs as soon as a period is due; without, it " +
    "waits for its turn among all programs, and the device runs dry on a busy machine.",
  async examine(system) {
    try {
      return judge(system, await system.tryRealtime(HIGHEST_PRIORITY));
    } catch (error) {
      if (!(error instanceof HalflapError)) throw error;
      return { status: "unknown", found: `not tried: ${splitHint(error).message}` };
    }
  },
};

function judge(system: System, { priority, reason }: GrantedRealtime): Finding {
  if (priority > 0) return { status: "ok", found: `granted with priority ${priority} when tried` };
  const found = `not granted when tried: ${reason}`;
  return { status: "problem", found, mend: mendDenial(system) };
}

function mendDenial(system: System): string {
  const isPermitted = permitsRealtime(system);
  if (isPermitted instanceof Inaccessible) return mendRealtimeLimit(system);
  return isPermitted ? MEND_PERMITTED : `raise the limit: see "${realtimeLimit.title}"`;
}
