/**
 * Follows what a card played of a stream of counting samples, by the xruns that the stream told: every
 * frame must be the next one of the stream, or belong to a gap that was told, or be padding.
 */
import assert from "node:assert/strict";
import type { Xrun } from "../../mod.ts";

export interface WalkOptions {
  /** The stream's xruns, all of them over. */
  readonly xruns: readonly Xrun[];
  readonly rate: number;
  readonly bufferFrames: number;
}

export interface Walk {
  /** Frames of the stream that were heard. */
  readonly heard: number;
  /** Frames of the stream that are missing between those. */
  readonly skipped: number;
  /** Frames in the gaps of the xruns: silence, or what was in the ring. */
  readonly inGaps: number;
  /** Frames of silence elsewhere. */
  readonly padding: number;
}

class Walker {
  readonly #tap: Int32Array;
  readonly #options: WalkOptions;
  #at = 0;
  #next = 1;
  #xrun = 0;
  heard = 0;
  skipped = 0;
  inGaps = 0;
  padding = 0;

  constructor(tap: Int32Array, options: WalkOptions) {
    this.#tap = tap;
    this.#options = options;
  }

  walk(): Walk {
    const { xruns } = this.#options;
    while (this.#at < this.#tap.length) {
      const xrun = xruns[this.#xrun];
      const isDue = xrun !== undefined && xrun.position <= this.heard;
      if (!isDue || !this.#passGap(xrun)) this.#passFrame(this.#tap[this.#at]!);
    }
    const rest = xruns.slice(this.#xrun).filter(({ position }) => position !== this.heard);
    assert.deepEqual(rest.map(({ position }) => position), [], `${this.heard} frames were heard`);
    const { heard, skipped, inGaps, padding } = this;
    return { heard, skipped, inGaps, padding };
  }

  #passFrame(sample: number): void {
    if (sample === 0) {
      this.padding++;
    } else {
      if (sample < this.#next) {
        assert.fail(`Frame ${sample} follows ${this.#next - 1}, of ${this.heard} heard`);
      }
      this.skipped += sample - this.#next;
      this.#next = sample + 1;
      this.heard++;
    }
    this.#at++;
  }

  /** Returns whether the gap is here: one behind the end of a drain comes after the padding. */
  #passGap({ position, policy, durationMs }: Xrun): boolean {
    assert.equal(position, this.heard, "An xrun's position is told in its order");
    const told = policy === "stop" ? 0 : Math.round(durationMs * this.#options.rate / 1000);
    const isHere = policy === "repeat" ? this.#goesOnAt(this.#at + told) : this.#isSilent(told);
    if (!isHere && policy === "repeat" && this.#tap[this.#at] === 0) return false;
    const number = this.#xrun + 1;
    assert.ok(isHere, `The gap of xrun ${number} at ${position} does not have ${told} frames`);
    if (policy === "repeat") this.#assertOfRing(told);
    this.#xrun++;
    this.inGaps += told;
    this.#at += told;
    return true;
  }

  #isSilent(frames: number): boolean {
    const gap = this.#tap.subarray(this.#at, this.#at + frames);
    return gap.length === frames && gap.every((sample) => sample === 0);
  }

  #goesOnAt(at: number): boolean {
    if (at > this.#tap.length) return false;
    const sample = this.#tap[at];
    return sample === undefined || sample === 0 || sample >= this.#next;
  }

  /** By mmap, frames that were rendered and not committed are in the ring, too. */
  #assertOfRing(frames: number): void {
    const limit = this.#next + this.#options.bufferFrames;
    const wrong = this.#tap.subarray(this.#at, this.#at + frames).find((sample) => sample >= limit);
    assert.equal(wrong, undefined, `A frame was not in the ring at ${this.#next - 1}`);
  }
}

/** Throws where the card played what it should not. */
export function walkTap(tap: Int32Array, options: WalkOptions): Walk {
  return new Walker(tap, options).walk();
}
