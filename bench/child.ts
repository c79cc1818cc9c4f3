/**
 * Child processes of a benchmark: whatever ends the benchmark ends them, too.
 *
 * @module
 */

import type { ChildProcess } from "node:child_process";
import { constants } from "node:os";
import process from "node:process";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

const children = new Set<ChildProcess>();
let isWatching = false;

function endAll(): void {
  for (const child of children) child.kill("SIGKILL");
}

function watchForTheEnd(): void {
  process.on("exit", endAll);
  for (const signal of SIGNALS) {
    process.once(signal, () => {
      endAll();
      process.exit(128 + constants.signals[signal]);
    });
  }
}

/** Sees to it that the child process ends no later than this one does. */
export function endWithParent(child: ChildProcess): void {
  if (!isWatching) watchForTheEnd();
  isWatching = true;
  children.add(child);
  child.once("exit", () => children.delete(child));
}
