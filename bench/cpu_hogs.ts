/**
 * CPU hogs: ordinary processes that never sleep, as load beside what is measured.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import { endWithParent } from "./child.ts";

/** Which hogs to start. */
export interface CpuHogsOptions {
  /** How many. */
  readonly count: number;
  /** The CPUs that they may run on. */
  readonly cpus: readonly number[];
  /** Processor time after which each ends by itself, should this process be killed. */
  readonly limitSeconds: number;
}

// The scheduler spreads them over their CPUs within that time.
const SETTLE_MS = 100;

class CpuHogs implements AsyncDisposable {
  readonly #children: readonly ChildProcess[];

  constructor(children: readonly ChildProcess[]) {
    this.#children = children;
  }

  /** Ends them, and waits until they have ended. */
  async [Symbol.asyncDispose](): Promise<void> {
    const running = this.#children.filter((child) =>
      child.pid !== undefined && child.exitCode === null && child.signalCode === null
    );
    const ended = running.map((child) => once(child, "exit"));
    for (const child of running) child.kill("SIGKILL");
    await Promise.all(ended);
  }
}

/** Starts CPU hogs under SCHED_OTHER. */
export async function startCpuHogs(
  { count, cpus, limitSeconds }: CpuHogsOptions,
): Promise<AsyncDisposable> {
  const script = `ulimit -t ${limitSeconds}; while :; do :; done`;
  const command = ["--cpu-list", cpus.join(","), "/bin/sh", "-c", script];
  const children = Array.from({ length: count }, () => {
    const child = spawn("taskset", command, { stdio: "ignore" });
    endWithParent(child);
    return child;
  });
  const hogs = new CpuHogs(children);
  try {
    await Promise.all(children.map((child) => once(child, "spawn")));
    await setTimeout(SETTLE_MS);
  } catch (error) {
    await hogs[Symbol.asyncDispose]();
    throw error;
  }
  return hogs;
}
