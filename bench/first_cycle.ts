/**
 * Prints the times of the first stream in a new process, as one object. The suites `open` and
 * `start` start it.
 *
 * @module
 */

import type { PlaybackCycle } from "./playback_cycle.ts";

/** The first stream in a process. Times of day are in milliseconds since 1970. */
export interface FirstCycle extends PlaybackCycle {
  /** When the runtime began to run the module. */
  readonly runningAt: number;
  /** When halflap was imported. */
  readonly importedAt: number;
}

/** The time of day as exactly as the runtime tells it. */
const timeOfDay = (): number => performance.timeOrigin + performance.now();

const runningAt = timeOfDay();
const { playbackCycle } = await import("./playback_cycle.ts");
const importedAt = timeOfDay();
const cycle = await playbackCycle("tone", "mmap");
console.log(JSON.stringify({ ...cycle, runningAt, importedAt } satisfies FirstCycle));
