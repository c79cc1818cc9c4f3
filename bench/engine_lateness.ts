/**
 * How late the engine's own thread wakes up.
 *
 * @module
 */

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { openPlayback, type Playback, silence } from "../mod.ts";
import { type Lateness, type LatenessOptions, WAKE_INTERVAL_US } from "./lateness.ts";
import { CannotMeasureError } from "./suite.ts";

/** What the engine measured of itself. */
export interface EngineLateness extends Lateness {
  /** Wake-ups. */
  readonly wakeUps: number;
  /** Wake-ups that came when the device had run dry. */
  readonly xruns: number;
}

const RATE = 48_000;
const PERIOD_FRAMES = WAKE_INTERVAL_US * RATE / 1e6;
// With more than three the engine would wake up less often than once per period.
const PERIODS = 2;
const POLL_MS = 5;
const START_LIMIT_MS = 10_000;
const WRITE_THREAD = "halflap-write";

function nameOfThread(thread: string): string | undefined {
  try {
    return readFileSync(`/proc/self/task/${thread}/comm`, "utf8").trim();
  } catch {
    // One of the runtime's, which come and go.
    return undefined;
  }
}

/** Keeps the engine's thread to one CPU, whatever its policy. */
function pinWriteThread(cpu: number): void {
  const threads = readdirSync("/proc/self/task");
  const thread = threads.find((thread) => nameOfThread(thread) === WRITE_THREAD);
  if (thread === undefined) throw new Error(`There is no thread "${WRITE_THREAD}"`);
  execFileSync("taskset", ["--cpu-list", "--pid", `${cpu}`, thread], { stdio: "pipe" });
}

async function waitForWakeUps(out: Playback, wakeUps: number): Promise<void> {
  const expectedMs = wakeUps * WAKE_INTERVAL_US / 1000;
  const limitMs = performance.now() + START_LIMIT_MS + 10 * expectedMs;
  // Nothing looks at the stream before, so that nothing disturbs it.
  await setTimeout(expectedMs);
  while (out.stats().group.wakeLatenessMs.count < wakeUps) {
    if (performance.now() > limitMs) throw new Error("The engine does not wake up in time");
    await setTimeout(POLL_MS);
  }
}

/** Plays silence and returns what the thread that feeds the device met with. */
export async function measureEngine(
  { priority, cpu, wakeUps }: LatenessOptions,
): Promise<EngineLateness> {
  await using out = await openPlayback({
    device: "virtual",
    source: silence(),
    rate: RATE,
    periodFrames: PERIOD_FRAMES,
    periods: PERIODS,
    // A dry device runs on, so that a late wake-up is followed by the next one, as in cyclictest.
    xrunPolicy: "silence",
    realtime: priority > 0 ? { priority } : "off",
  });
  const { realtime } = out.granted;
  if (realtime.priority !== priority) {
    const { reason, mend } = realtime;
    throw new CannotMeasureError(`No priority ${priority}: ${reason}; ${mend}`);
  }
  pinWriteThread(cpu);
  await waitForWakeUps(out, wakeUps);
  const { group, xruns } = out.stats();
  const { count, p50, p99, p999, max } = group.wakeLatenessMs;
  const us = { p50: p50 * 1000, p99: p99 * 1000, p999: p999 * 1000, max: max * 1000 };
  return { ...us, wakeUps: count, xruns: xruns.count };
}
