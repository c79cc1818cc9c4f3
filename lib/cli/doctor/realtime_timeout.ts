/**
 * The limit of time that a realtime thread may compute without a pause.
 *
 * @module
 */

import type { Examination } from "./check.ts";
import { Inaccessible } from "./inaccessible.ts";
import { readLimit } from "./limits.ts";

const MICROSECONDS_PER_MS = 1000;
/** A write thread computes for far less than a period at a time. */
const ENOUGH_MS = 100;

/** The limit of time that a realtime thread may compute without a pause. */
export const realtimeTimeout: Examination = {
  id: "realtime-timeout",
  title: "Time limit",
  meaning: "The kernel ends a process whose realtime thread computes for longer without a pause.",
  examine(system) {
    const limit = readLimit(system, "Max realtime timeout");
    if (limit instanceof Inaccessible) return limit;
    if (limit === Infinity) return { status: "ok", found: "unlimited" };
    const ms = limit / MICROSECONDS_PER_MS;
    if (ms >= ENOUGH_MS) return { status: "ok", found: `${ms} ms` };
    return {
      status: "advice",
      found: `${ms} ms`,
      mend: `raise RLIMIT_RTTIME to ${ENOUGH_MS} ms or more ("prlimit --rttime"; in a service of ` +
        "systemd LimitRTTIME=infinity)",
    };
  },
};
