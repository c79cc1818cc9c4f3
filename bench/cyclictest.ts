/**
 * Runs `cyclictest` of rt-tests, the yardstick for how late Linux wakes a thread.
 *
 * @module
 */

import { type ChildProcess, execFile, type ExecFileException } from "node:child_process";
import { writeFileSync } from "node:fs";
import { endWithParent } from "./child.ts";
import { type Lateness, type LatenessOptions, WAKE_INTERVAL_US } from "./lateness.ts";
import { CannotMeasureError } from "./suite.ts";

const TIMER_SLACK_FILE = "/proc/self/timerslack_ns";
const DEFAULT_TIMER_SLACK = "0";
// Values of one wake-up take 26 bytes of text.
const MAX_OUTPUT_BYTES = 2 ** 26;
const START_LIMIT_MS = 10_000;
const VALUE_LINE = /^\s*\d+:\s*\d+:\s*(-?\d+)\s*$/gm;
const PRIORITY = /^T: *0 .* P: *(\d+) /m;

/** The value that a share of sorted values does not exceed, as the engine's statistics take it. */
function percentile(sorted: readonly number[], perMyriad: number): number {
  const rank = Math.max(1, Math.ceil(sorted.length * perMyriad / 10_000));
  return sorted[rank - 1]!;
}

/**
 * Reads what `cyclictest --verbose --nsecs` prints: among others a line `thread:cycle:nanoseconds`
 * for each wake-up, and one with the priority that the thread had.
 */
export function parseCyclictest(output: string, priority: number): Lateness {
  const had = Number(PRIORITY.exec(output)?.[1]);
  if (had !== priority) throw new Error(`cyclictest ran at priority ${had} instead of ${priority}`);
  const sorted = Array.from(output.matchAll(VALUE_LINE), ([, value]) => Number(value) / 1000)
    .sort((a, b) => a - b);
  if (sorted.length === 0) throw new Error("cyclictest printed no values");
  return {
    p50: percentile(sorted, 5000),
    p99: percentile(sorted, 9900),
    p999: percentile(sorted, 9990),
    max: sorted.at(-1)!,
  };
}

function argumentsOf({ priority, cpu, wakeUps }: LatenessOptions): string[] {
  return [
    "--quiet",
    "--verbose",
    "--nsecs",
    "--mlockall",
    // The engine does not keep processors out of deep sleep either, unless it is told to.
    "--default-system",
    // Any `--priority`, 0 as well, would make it SCHED_FIFO.
    ...(priority > 0 ? ["--policy=fifo", `--priority=${priority}`] : ["--policy=other"]),
    `--interval=${WAKE_INTERVAL_US}`,
    `--loops=${wakeUps}`,
    `--affinity=${cpu}`,
  ];
}

/**
 * Starts a program whose timers have no slack, like those of the engine's threads: under SCHED_OTHER
 * they would be 50 us later otherwise. A child takes the slack of the thread that forks it.
 */
function withoutTimerSlack(start: () => ChildProcess): ChildProcess {
  writeFileSync(TIMER_SLACK_FILE, "1");
  try {
    return start();
  } finally {
    writeFileSync(TIMER_SLACK_FILE, DEFAULT_TIMER_SLACK);
  }
}

function describeFailure(error: ExecFileException, stderr: string): string {
  if (error.code === "ENOENT") {
    return "cyclictest is missing; install it with: sudo apt-get install -y rt-tests";
  }
  if (error.killed) return "cyclictest did not end in time";
  const lines = stderr.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  // What --default-system makes it say each time.
  const told = lines.filter((line) => !line.startsWith("WARN: not setting cpu_dma_latency"));
  return `cyclictest failed: ${told.join(" ") || error.message}`;
}

/** Runs it. Throws `CannotMeasureError` where it is missing, or is denied what it needs. */
export async function measureCyclictest(options: LatenessOptions): Promise<Lateness> {
  const expectedMs = options.wakeUps * WAKE_INTERVAL_US / 1000;
  const limits = { timeout: START_LIMIT_MS + 10 * expectedMs, maxBuffer: MAX_OUTPUT_BYTES };
  const output = await new Promise<string>((resolve, reject) => {
    const ended = (error: ExecFileException | null, stdout: string, stderr: string) => {
      if (error === null) resolve(stdout);
      else reject(new CannotMeasureError(describeFailure(error, stderr)));
    };
    const start = () => execFile("cyclictest", argumentsOf(options), limits, ended);
    endWithParent(withoutTimerSlack(start));
  });
  return parseCyclictest(output, options.priority);
}
