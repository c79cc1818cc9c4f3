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
  /**
   * For a device that stood still or failed again during a gap: it has played less of it than was
   * told, or so many frames more.
   */
  readonly slackFrames?: number;
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
      if (isDue) this.#passGap(xrun);
      else this.#passFrame(this.#tap[this.#at]!);
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

  #passGap(xrun: Xrun): void {
    const { position, policy } = xrun;
    assert.equal(position, this.heard, "An xrun's position is told in its order");
    const told = this.#gapFrames(xrun);
    const frames = policy === "repeat" ? this.#repeatedFrames(told) : this.#silentFrames(told);
    const isAllowed = frames === told || this.#options.slackFrames !== undefined;
    const number = this.#xrun + 1;
    assert.ok(isAllowed, `The gap of xrun ${number} has ${frames} frames instead of ${told}`);
    this.#xrun++;
    this.inGaps += frames;
    this.#at += frames;
  }

  /** A device that stops, as any does that fails with frames in its ring, plays nothing meanwhile. */
  #gapFrames({ policy, durationMs, lostFrames }: Xrun): number {
    if (policy === "stop" || lostFrames > 0) return 0;
    return Math.round(durationMs * this.#options.rate / 1000);
  }

  /** Padding may follow: what is more than was told is left. */
  #silentFrames(limit = Infinity): number {
    let frames = 0;
    while (frames < limit && this.#tap[this.#at + frames] === 0) frames++;
    return frames;
  }

  /** The ring, lap after lap, and before it what padding there is behind a tail. */
  #repeatedFrames(told: number): number {
    const tap = this.#tap;
    const silent = this.#silentFrames();
    // By mmap the ring may have what was rendered for later: then the stream goes on after it.
    for (let padding = 0; padding <= silent; padding++) {
      if (tap[this.#at + padding + told] !== this.#next) continue;
      this.#pass(padding);
      this.#assertOfRing(told);
      return told;
    }
    const { slackFrames } = this.#options;
    if (slackFrames !== undefined) return this.#oldFrames(silent + told + slackFrames);
    let old = this.#oldFrames(told + silent);
    // The end of what is repeated may be silence, too.
    while (old < told && this.#tap[this.#at + old] === 0) old++;
    this.#pass(Math.min(Math.max(0, old - told), silent));
    return Math.min(old, told);
  }

  /** Up to the last one that was heard before. */
  #oldFrames(limit: number): number {
    const ahead = this.#tap.subarray(this.#at, this.#at + limit);
    return ahead.findLastIndex((sample) => sample !== 0 && sample < this.#next) + 1;
  }

  #pass(paddingFrames: number): void {
    this.padding += paddingFrames;
    this.#at += paddingFrames;
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
