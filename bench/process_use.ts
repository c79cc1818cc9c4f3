/**
 * What another process takes, from /proc.
 *
 * @module
 */

import { readdirSync, readFileSync } from "node:fs";

/** What a process took from its start on. */
export interface ProcessUse {
  /** Processor time of its threads in nanoseconds. */
  readonly cpuNs: number;
  /** How often its threads went to sleep, to be woken up again. */
  readonly sleeps: number;
  /** How often they had to make room for others. */
  readonly preemptions: number;
  /** Resident memory in KiB. */
  readonly memoryKib: number;
}

const numberIn = (text: string, name: string): number =>
  Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? 0);

/** Reads it; threads that have ended do not count. Throws when the process has. */
export function processUse(pid: number): ProcessUse {
  const folder = `/proc/${pid}`;
  const memoryKib = numberIn(readFileSync(`${folder}/status`, "utf8"), "VmRSS");
  let [cpuNs, sleeps, preemptions] = [0, 0, 0];
  for (const thread of readdirSync(`${folder}/task`)) {
    const status = readFileSync(`${folder}/task/${thread}/status`, "utf8");
    sleeps += numberIn(status, "voluntary_ctxt_switches");
    preemptions += numberIn(status, "nonvoluntary_ctxt_switches");
    cpuNs += Number(readFileSync(`${folder}/task/${thread}/schedstat`, "utf8").split(" ")[0]);
  }
  return { cpuNs, sleeps, preemptions, memoryKib };
}
