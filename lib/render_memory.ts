/**
 * The memory that a stream's frames are rendered into, as typed arrays that are made once.
 *
 * @module
 */

import { bytesPerSample, type SampleFormat, samplesIn, type SamplesOf } from "./format.ts";
import type { NativeRendering } from "./native_rendering.ts";
import type { Granted } from "./granted.ts";

/** The memory of a stream that is rendered in place. */
export class RenderMemory<F extends SampleFormat> {
  /** All of it, interleaved. */
  readonly samples: SamplesOf<F>;
  readonly #buffer: ArrayBuffer;
  readonly #periodFrames: number;
  readonly #periods: SamplesOf<F>[] = [];

  /**
   * @param rendering The stream's calls.
   * @param granted What its device granted.
   */
  constructor(rendering: NativeRendering, { format, channels, periodFrames }: Granted) {
    this.#buffer = rendering.view();
    this.samples = samplesIn(format, this.#buffer) as SamplesOf<F>;
    this.#periodFrames = periodFrames;
    const periodBytes = periodFrames * channels * bytesPerSample(format);
    for (let at = 0; at < this.#buffer.byteLength; at += periodBytes) {
      this.#periods.push(samplesIn(format, this.#buffer, at, periodBytes) as SamplesOf<F>);
    }
  }

  /** The period that begins with that frame of the memory. */
  periodAt(offsetFrames: number): SamplesOf<F> {
    return this.#periods[offsetFrames / this.#periodFrames]!;
  }

  /**
   * Takes the memory away from every view of it. Returns false if somebody else has taken it before,
   * so that there may be views that nobody knows of.
   */
  detach(): boolean {
    if (this.#buffer.byteLength === 0) return false;
    structuredClone(this.#buffer, { transfer: [this.#buffer] });
    return this.#buffer.byteLength === 0;
  }
}
