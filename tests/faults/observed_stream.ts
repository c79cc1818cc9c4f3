/** Keeps what a stream tells, for tests of what it says about faults. */
import assert from "node:assert/strict";
import {
  HalflapError,
  type HalflapErrorCode,
  type Playback,
  type PlaybackState,
  type Xrun,
  type XrunEvent,
} from "../../mod.ts";

/** What a stream has told since it was observed. */
export class Observed {
  /** The `xrun` events. */
  readonly begun: XrunEvent[] = [];
  /** The `xrunend` events. */
  readonly ended: XrunEvent[] = [];
  readonly states: PlaybackState[] = [];
  /** Code of the error with which `closed` was rejected. */
  lostBy: HalflapErrorCode | undefined;

  constructor(out: Playback) {
    out.addEventListener("xrun", (event) => this.begun.push(event));
    out.addEventListener("xrunend", (event) => this.ended.push(event));
    out.addEventListener("statechange", ({ state }) => this.states.push(state));
    out.closed.catch((error: unknown) => {
      this.lostBy = error instanceof HalflapError ? error.code : undefined;
    });
  }

  /** Every xrun, by its end where that was told. */
  get xruns(): Xrun[] {
    return this.begun.map((xrun, index) => this.ended[index] ?? xrun);
  }

  /**
   * What is known of an xrun at its beginning stays, and they come one after the other. How long it
   * has lasted so far is told by the clock, to which the device does not keep exactly.
   */
  assertConsistent(toleranceMs = 0): void {
    this.begun.forEach((xrun, index) => {
      assert.equal(xrun.number, index + 1);
      assert.ok(xrun.advice.length > 0);
    });
    this.ended.forEach((end, index) => {
      const begin = this.begun[index];
      assert.ok(begin !== undefined, `xrunend ${end.number} without an xrun`);
      assert.equal(end.isOver, true);
      const { number, cause, policy, timeMs, position } = begin;
      const told = { number: end.number, cause: end.cause, policy: end.policy };
      assert.deepEqual(told, { number, cause, policy });
      assert.deepEqual({ timeMs: end.timeMs, position: end.position }, { timeMs, position });
      const shorterMs = begin.durationMs - end.durationMs;
      const limitMs = toleranceMs + begin.durationMs / 1000;
      assert.ok(shorterMs <= limitMs, `xrun ${number} becomes shorter by ${shorterMs} ms`);
      assert.ok(end.lostFrames >= begin.lostFrames);
    });
  }
}
