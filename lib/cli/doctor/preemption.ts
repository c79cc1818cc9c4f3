/**
 * When the kernel interrupts its own work for a thread that is due.
 *
 * @module
 */

import type { Examination } from "./check.ts";
import { Inaccessible } from "./inaccessible.ts";
import { readKernelCommandLine, readKernelConfig, VERSION_FILE } from "./kernel_config.ts";
import type { System } from "./system.ts";

/** The kernel's preemption models. */
type Model = "PREEMPT_RT" | "full" | "lazy" | "voluntary" | "none";

const REALTIME_FILE = "/sys/kernel/realtime";
const MODEL_FILE = "/sys/kernel/debug/sched/preempt";

const DYNAMIC_MODELS: readonly Model[] = ["full", "lazy", "voluntary", "none"];

/** Under these a realtime thread that is due interrupts the kernel. */
const GOOD_MODELS: readonly Model[] = ["PREEMPT_RT", "full", "lazy"];

/** Of a kernel whose model can change: the present one, which root can read, else the first one. */
function readDynamicModel(system: System): Model | Inaccessible {
  const text = system.readText(MODEL_FILE);
  // "none voluntary (full) lazy"
  const current = text instanceof Inaccessible ? undefined : /\((\w+)\)/.exec(text)?.[1];
  const chosen = readKernelCommandLine(system)
    .findLast((word) => word.startsWith("preempt="))?.slice("preempt=".length);
  const known = DYNAMIC_MODELS.find((model) => model === current) ??
    DYNAMIC_MODELS.find((model) => model === chosen);
  return known ?? readBuiltModel(system);
}

function readBuiltModel(system: System): Model | Inaccessible {
  const config = readKernelConfig(system);
  if (config instanceof Inaccessible) return config;
  if (config.get("CONFIG_PREEMPT") === "y") return "full";
  if (config.get("CONFIG_PREEMPT_LAZY") === "y") return "lazy";
  return config.get("CONFIG_PREEMPT_VOLUNTARY") === "y" ? "voluntary" : "none";
}

function readModel(system: System): Model | "none or voluntary" | Inaccessible {
  const realtime = system.readText(REALTIME_FILE);
  if (!(realtime instanceof Inaccessible) && realtime.trim() === "1") return "PREEMPT_RT";
  const version = system.readText(VERSION_FILE);
  if (version instanceof Inaccessible) return version;
  if (!version.startsWith("Linux version ")) {
    return new Inaccessible(VERSION_FILE, "malformed", version);
  }
  if (/\bPREEMPT[_ ]RT\b/.test(version)) return "PREEMPT_RT";
  if (/\bPREEMPT_DYNAMIC\b/.test(version)) return readDynamicModel(system);
  if (/\bPREEMPT\b/.test(version)) return "full";
  const built = readBuiltModel(system);
  return built instanceof Inaccessible ? "none or voluntary" : built;
}

function isDynamic(system: System): boolean {
  const version = system.readText(VERSION_FILE);
  return !(version instanceof Inaccessible) && version.includes("PREEMPT_DYNAMIC");
}

/** When the kernel interrupts its own work. */
export const preemption: Examination = {
  id: "preemption",
  title: "Preemption",
  meaning:
    "A kernel that does not interrupt its own work for a realtime thread makes it late now " +
    "and then, by some ms at worst; it shows with periods below some 5 ms.",
  examine(system) {
    const model = readModel(system);
    if (model instanceof Inaccessible) return model;
    const hasThreads = model !== "PREEMPT_RT" &&
      readKernelCommandLine(system).includes("threadirqs");
    const found = model + (hasThreads ? ", with threaded interrupts" : "");
    if (GOOD_MODELS.some((good) => good === model)) return { status: "ok", found };
    const mend = isDynamic(system)
      ? 'start the kernel with "preempt=full threadirqs" on its command line'
      : 'install a kernel with PREEMPT_RT ("apt-get install linux-image-rt-amd64") or PREEMPT';
    return { status: "advice", found, mend };
  },
};
