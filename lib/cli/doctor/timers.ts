/**
 * Whether the kernel's timers are finer than its tick.
 *
 * @module
 */

import type { Examination, Finding } from "./check.ts";
import { Inaccessible } from "./inaccessible.ts";
import { readKernelCommandLine, readKernelConfig } from "./kernel_config.ts";
import type { System } from "./system.ts";

const TIMERS_FILE = "/proc/timer_list";
const OPTION = "CONFIG_HIGH_RES_TIMERS";
const MEND = `start a kernel with ${OPTION}, without "highres=off" on its command line`;

/** What the kernel says of its timers, to root only; undefined where it does not. */
function readActive(system: System): Finding | undefined {
  const text = system.readText(TIMERS_FILE);
  if (text instanceof Inaccessible) return undefined;
  // "  .hres_active    : 1", for each CPU
  const values = [...text.matchAll(/^\s*\.hres_active\s*: (\d)$/gm)].map(([, value]) => value);
  if (values.length === 0) return undefined;
  return values.every((value) => value === "1")
    ? { status: "ok", found: "high resolution" }
    : { status: "advice", found: "as coarse as the kernel's tick", mend: MEND };
}

/** Whether the kernel's timers are finer than its tick. */
export const timers: Examination = {
  id: "timers",
  title: "Timers",
  meaning:
    "Write threads sleep until a point of time; without high-resolution timers they wake as " +
    "much as a tick of the kernel late, 1 to 10 ms.",
  examine(system) {
    const active = readActive(system);
    if (active !== undefined) return active;
    if (readKernelCommandLine(system).includes("highres=off")) {
      return { status: "advice", found: 'switched off by "highres=off"', mend: MEND };
    }
    const config = readKernelConfig(system);
    if (config instanceof Inaccessible) return config;
    return config.get(OPTION) === "y"
      ? { status: "ok", found: "high resolution" }
      : { status: "advice", found: `the kernel was built without ${OPTION}`, mend: MEND };
  },
};
