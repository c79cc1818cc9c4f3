/**
 * How much processor time this process takes.
 *
 * @module
 */

import process from "node:process";

/** What a process took during a while. */
export interface ProcessorUse {
  /** Percent of one processor. */
  readonly cpuPercent: number;
  /** How long the while was. */
  readonly wallMs: number;
}

/** What the whole process takes, all of its threads, until a promise has settled. */
export async function processorUse(during: () => Promise<unknown>): Promise<ProcessorUse> {
  const startMs = performance.now();
  const before = process.cpuUsage();
  await during();
  const { user, system } = process.cpuUsage(before);
  const wallMs = performance.now() - startMs;
  return { cpuPercent: (user + system) / 10 / wallMs, wallMs };
}
