/**
 * The share of time that the kernel leaves to realtime threads.
 *
 * @module
 */

import type { Examination } from "./check.ts";
import { Inaccessible } from "./inaccessible.ts";
import { readInteger } from "./integer_file.ts";

const RUNTIME_FILE = "/proc/sys/kernel/sched_rt_runtime_us";
const PERIOD_FILE = "/proc/sys/kernel/sched_rt_period_us";
const UNLIMITED = -1;
/** Write threads need some percent; other realtime threads share it. */
const ENOUGH = 0.5;

/** The share of time that the kernel leaves to realtime threads. */
export const realtimeThrottling: Examination = {
  id: "realtime-throttling",
  title: "Throttling",
  meaning:
    "So much of its time a CPU gives to realtime threads at most; beyond, they stand still " +
    "until the next second.",
  examine(system) {
    const runtime = readInteger(system, RUNTIME_FILE);
    if (runtime instanceof Inaccessible) return runtime;
    if (runtime === UNLIMITED) return { status: "ok", found: "none" };
    const period = readInteger(system, PERIOD_FILE);
    if (period instanceof Inaccessible) return period;
    if (period <= 0) return new Inaccessible(PERIOD_FILE, "malformed", String(period));
    const share = runtime / period;
    const found = `above ${Math.round(share * 100)} % of the time`;
    if (share >= ENOUGH) return { status: "ok", found };
    return {
      status: share > 0 ? "advice" : "problem",
      found,
      mend: "set the kernel's default: sudo sysctl -w kernel.sched_rt_runtime_us=950000",
    };
  },
};
