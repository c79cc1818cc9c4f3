/**
 * How late wake-ups were.
 *
 * @module
 */

/** From deadlines to the wake-ups for them, in microseconds. */
export interface Lateness {
  /** Half of the wake-ups were not later than this. */
  readonly p50: number;
  /** 99 % of them were not later than this. */
  readonly p99: number;
  /** 99.9 % of them were not later than this. */
  readonly p999: number;
  /** The latest one. */
  readonly max: number;
}

/** What is watched. */
export interface LatenessOptions {
  /** Priority of SCHED_FIFO, or 0 for SCHED_OTHER. */
  readonly priority: number;
  /** The only CPU that the thread may run on. */
  readonly cpu: number;
  /** How many wake-ups: the tail of a longer run reaches further. */
  readonly wakeUps: number;
}

/** From one wake-up to the next: both sides' is the same. */
export const WAKE_INTERVAL_US = 1000;
