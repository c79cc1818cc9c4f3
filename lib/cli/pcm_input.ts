/**
 * What `play` plays: samples from a file, from standard input or from a decoder.
 *
 * @module
 */

import type { SampleFormat } from "../format.ts";

/** Layout of samples. */
export interface PcmLayout {
  /** Sample format. */
  readonly format: SampleFormat;
  /** Frames per second. */
  readonly rate: number;
  /** Channels in a frame. */
  readonly channels: number;
}

/** Layout as far as the user has given it. */
export type WantedLayout = { readonly [Name in keyof PcmLayout]: PcmLayout[Name] | undefined };

/** Samples to be played. */
export interface PcmInput extends PcmLayout {
  /** How many frames there will be, where that is known. */
  readonly totalFrames: number | undefined;
  /**
   * Interleaved samples in chunks that can begin and end anywhere. If it throws, what came before is
   * still worth playing.
   */
  readonly chunks: AsyncIterable<Uint8Array>;
}
