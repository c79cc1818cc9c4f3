/**
 * The hardware that the kernel reads the time from.
 *
 * @module
 */

import type { Examination } from "./check.ts";
import { Inaccessible } from "./inaccessible.ts";

const CURRENT_FILE = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
const SLOW: readonly string[] = ["hpet", "acpi_pm", "pit", "jiffies", "refined-jiffies"];

/** The hardware that the kernel reads the time from. */
export const clocksource: Examination = {
  id: "clocksource",
  title: "Clock source",
  meaning: "Every wake-up reads the clock several times; one outside of the CPU takes a system " +
    "call and some µs each.",
  examine(system) {
    const text = system.readText(CURRENT_FILE);
    if (text instanceof Inaccessible) return text;
    const found = text.trim();
    if (!/^[a-z][\w-]*$/.test(found)) return new Inaccessible(CURRENT_FILE, "malformed", text);
    if (!SLOW.includes(found)) return { status: "ok", found };
    return {
      status: "advice",
      found,
      mend: 'see "dmesg | grep -i clocksource" for why the kernel left the CPU\'s own (tsc); a ' +
        'newer BIOS or "tsc=reliable" on the kernel\'s command line can help',
    };
  },
};
