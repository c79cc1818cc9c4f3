/**
 * Measures samples when they are written, and tells their level when they are heard.
 *
 * @module
 */

import { bytesPerSample, type SampleFormat } from "../format.ts";
import { peakOf } from "./peak.ts";
import type { PcmLayout } from "./pcm_input.ts";

interface Block {
  readonly firstFrame: number;
  readonly peak: number;
}

const BLOCKS_PER_SECOND = 20;

/** The level of what is heard; holds blocks only from their writing to their being heard. */
export class LevelMeter {
  readonly #format: SampleFormat;
  readonly #frameBytes: number;
  readonly #blockBytes: number;
  readonly #blocks: Block[] = [];
  #framesMeasured = 0;
  #peak = 0;

  /** @param layout Layout of the samples. */
  constructor({ format, rate, channels }: PcmLayout) {
    this.#format = format;
    this.#frameBytes = channels * bytesPerSample(format);
    this.#blockBytes = Math.ceil(rate / BLOCKS_PER_SECOND) * this.#frameBytes;
  }

  /** Measures whole frames that are being written. */
  measure(frames: Uint8Array): void {
    for (let offset = 0; offset < frames.byteLength; offset += this.#blockBytes) {
      const block = frames.subarray(offset, offset + this.#blockBytes);
      const peak = peakOf(this.#format, block);
      this.#blocks.push({ firstFrame: this.#framesMeasured, peak });
      this.#framesMeasured += block.byteLength / this.#frameBytes;
    }
  }

  /** The peak of what was heard since the last call, relative to full scale. */
  peakUntil(framesPlayed: number): number {
    const heard = this.#blocks.findIndex(({ firstFrame }) => firstFrame >= framesPlayed);
    const blocks = this.#blocks.splice(0, heard === -1 ? this.#blocks.length : heard);
    if (blocks.length > 0) this.#peak = Math.max(...blocks.map(({ peak }) => peak));
    return this.#peak;
  }
}
