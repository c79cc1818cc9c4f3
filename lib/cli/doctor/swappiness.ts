/**
 * How readily the kernel swaps out memory that programs use.
 *
 * @module
 */

import type { Examination } from "./check.ts";
import { Inaccessible } from "./inaccessible.ts";
import { readInteger } from "./integer_file.ts";
import type { System } from "./system.ts";

const SWAPPINESS_FILE = "/proc/sys/vm/swappiness";
const SWAPS_FILE = "/proc/swaps";
const LOW = 10;

function hasSwap(system: System): boolean {
  const swaps = system.readText(SWAPS_FILE);
  // A title, then a line for each.
  return swaps instanceof Inaccessible || swaps.trimEnd().includes("\n");
}

/** How readily the kernel swaps. */
export const swappiness: Examination = {
  id: "swappiness",
  title: "Swappiness",
  meaning: "The higher, the more readily memory is swapped out that is not used for a while; " +
    "JavaScript that feeds a stream then waits for the disk.",
  examine(system) {
    const value = readInteger(system, SWAPPINESS_FILE);
    if (value instanceof Inaccessible) return value;
    if (!hasSwap(system)) return { status: "ok", found: `${value}, but there is no swap` };
    if (value <= LOW) return { status: "ok", found: String(value) };
    return {
      status: "advice",
      found: String(value),
      mend: `sudo sysctl -w vm.swappiness=${LOW}; to keep it, write "vm.swappiness=${LOW}" into ` +
        "/etc/sysctl.d/90-audio.conf",
    };
  },
};
