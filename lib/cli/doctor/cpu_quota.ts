/**
 * The CPU time that control groups leave to this process.
 *
 * @module
 */

import type { Examination } from "./check.ts";
import { cpuGroupFolders } from "./control_groups.ts";
import { Inaccessible } from "./inaccessible.ts";
import { readInteger } from "./integer_file.ts";
import type { System } from "./system.ts";

/** "50000 100000" or "max 100000" */
const CPU_MAX = /^(max|\d{1,15}) (\d{1,15})\s*$/;

/** CPUs that a group may use: Infinity where it has no limit, or none of its own. */
function readQuota(system: System, folder: string, version: 1 | 2): number | Inaccessible {
  const quota = version === 1 ? readCfsQuota(system, folder) : readCpuMax(system, folder);
  return quota instanceof Inaccessible && quota.reason === "missing" ? Infinity : quota;
}

function readCfsQuota(system: System, folder: string): number | Inaccessible {
  const quota = readInteger(system, `${folder}/cpu.cfs_quota_us`);
  if (quota instanceof Inaccessible) return quota;
  if (quota < 0) return Infinity;
  const path = `${folder}/cpu.cfs_period_us`;
  const period = readInteger(system, path);
  if (period instanceof Inaccessible) return period;
  return period > 0 ? quota / period : new Inaccessible(path, "malformed", String(period));
}

function readCpuMax(system: System, folder: string): number | Inaccessible {
  const path = `${folder}/cpu.max`;
  const text = system.readText(path);
  if (text instanceof Inaccessible) return text;
  const [, quota, period] = CPU_MAX.exec(text) ?? [];
  if (quota === undefined || period === undefined || Number(period) === 0) {
    return new Inaccessible(path, "malformed", text);
  }
  return quota === "max" ? Infinity : Number(quota) / Number(period);
}

/** The least that the groups of both versions leave. */
function readCpus(system: System): number | Inaccessible {
  let cpus = Infinity;
  for (const version of [1, 2] as const) {
    const folders = cpuGroupFolders(system, version);
    if (folders instanceof Inaccessible) return folders;
    for (const folder of folders) {
      const quota = readQuota(system, folder, version);
      if (quota instanceof Inaccessible) return quota;
      cpus = Math.min(cpus, quota);
    }
  }
  return cpus;
}

/** The CPU time that control groups leave to this process. */
export const cpuQuota: Examination = {
  id: "cpu-quota",
  title: "CPU quota",
  meaning: "A group that has used its quota stands still, often for some 50 ms; realtime threads " +
    "do not count, but JavaScript that feeds a stream does.",
  examine(system) {
    const cpus = readCpus(system);
    if (cpus instanceof Inaccessible) return cpus;
    if (cpus === Infinity) return { status: "ok", found: "none" };
    const found = `${Number(cpus.toFixed(2))} CPUs`;
    if (cpus >= 1) return { status: "ok", found };
    return {
      status: "advice",
      found,
      mend: "give it a whole CPU or more (cpu.max; with Docker --cpus=1), or a queue of 200 ms " +
        'or more ("queueFrames")',
    };
  },
};
