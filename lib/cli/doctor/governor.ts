/**
 * What sets the frequency of the CPUs.
 *
 * @module
 */

import type { Examination } from "./check.ts";
import { Inaccessible } from "./inaccessible.ts";
import type { System } from "./system.ts";

const CPUS_FOLDER = "/sys/devices/system/cpu";
const GOVERNOR = /^[a-z_]+\s*$/;

/** How many CPUs each governor has. */
function countGovernors(
  system: System,
  cpus: readonly string[],
): Map<string, number> | Inaccessible {
  const counts = new Map<string, number>();
  for (const cpu of cpus) {
    const path = `${CPUS_FOLDER}/${cpu}/cpufreq/scaling_governor`;
    const text = system.readText(path);
    if (text instanceof Inaccessible && text.reason === "missing") continue;
    if (text instanceof Inaccessible) return text;
    if (!GOVERNOR.test(text)) return new Inaccessible(path, "malformed", text);
    const name = text.trimEnd();
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

/** What sets the frequency of the CPUs. */
export const governor: Examination = {
  id: "governor",
  title: "Governor",
  meaning:
    "A CPU that slows down between two periods computes the next one slowly, and takes time " +
    "to become fast again.",
  examine(system) {
    const names = system.list(CPUS_FOLDER);
    if (names instanceof Inaccessible) return names;
    const cpus = names.filter((name) => /^cpu\d+$/.test(name));
    const counts = countGovernors(system, cpus);
    if (counts instanceof Inaccessible) return counts;
    if (counts.size === 0) return { status: "ok", found: "none: this system sets no frequency" };
    const found = [...counts].map(([name, count]) => `${name} on ${count}`).join(", ") +
      ` of ${cpus.length} CPUs`;
    if (counts.size === 1 && counts.has("performance")) return { status: "ok", found };
    return {
      status: "advice",
      found,
      mend: "sudo cpupower frequency-set -g performance, or powerprofilesctl set performance",
    };
  },
};
