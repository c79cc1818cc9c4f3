/**
 * Sources that JavaScript renders in place: into the sound card's own ring where the device allows
 * it, so that no frame is copied.
 *
 * @module
 */

import type { SampleFormat, SamplesOf } from "./format.ts";

/**
 * A period to render. There is one such object for each stream, whose properties change from call to
 * call.
 */
export interface RenderBlock<F extends SampleFormat = SampleFormat> {
  /**
   * `frames` interleaved frames of the device's memory (`granted.zeroCopy` says of which). What is in
   * them before is undefined. Valid until the callback returns; kept for longer, it may be heard when
   * it is changed, and when the stream is closed it has the length 0.
   */
  readonly samples: SamplesOf<F>;
  /** Frames to render: `granted.periodFrames`. */
  readonly frames: number;
  /** Position of the first frame: frames rendered since the stream was opened. */
  readonly position: number;
  /**
   * When the first frame will be heard, on the line of `performance.now()`; NaN while the stream does
   * not play yet, or not any more.
   */
  readonly timeMs: number;
}

/**
 * Renders one period, synchronously. What it returns is ignored, unless it is a promise: that, like
 * an exception, ends the stream.
 */
export type RenderCallback<F extends SampleFormat = SampleFormat> = (
  block: RenderBlock<F>,
) => unknown;

/** A callback that renders. Made by {@linkcode render}. */
export interface RenderSource<F extends SampleFormat = SampleFormat> {
  /** Tells the sources apart. */
  readonly kind: "render";
  /** Renders one period. */
  readonly callback: RenderCallback<F>;
}

/** The device's memory for a program that has a loop of its own. Made by {@linkcode mapped}. */
export interface MappedSource {
  /** Tells the sources apart. */
  readonly kind: "mapped";
}

/**
 * A callback that renders sound when the device has room for it, one whole period at a time and as
 * many as there is room for. The periods lie in the device's own ring where that can be had; then
 * rendering them is all that is done to them, and what `periods` and `periodFrames` say is all the
 * latency there is, and all the time that the callback has.
 *
 * @example A sawtooth
 * ```ts
 * import { openPlayback, render } from "halflap";
 *
 * await using out = await openPlayback({
 *   channels: 1,
 *   source: render<"f32">(({ samples, position }) => {
 *     for (let i = 0; i < samples.length; i++) samples[i] = (position + i) % 100 / 200 - 0.25;
 *   }),
 * });
 * await new Promise((resolve) => setTimeout(resolve, 1000));
 * ```
 *
 * @param callback Renders one period.
 * @returns A source for `openPlayback()`.
 * @throws TypeError if the callback is no function.
 */
export function render<F extends SampleFormat = "f32">(
  callback: RenderCallback<F>,
): RenderSource<F> {
  if (typeof callback !== "function") {
    throw new TypeError("The argument of render() must be a function");
  }
  return Object.freeze({ kind: "render", callback });
}

/**
 * The device's ring itself, to be rendered with `begin()` and `commit()`, any number of frames at a
 * time.
 *
 * @example A loop that waits without the event loop, for a Worker
 * ```ts
 * import { mapped, openPlayback } from "halflap";
 *
 * await using out = await openPlayback({ channels: 1, source: mapped() });
 * for (let second = 0; second < 200; second++) {
 *   if (!out.waitForRoomSync(240, 1000)) break;
 *   const block = out.begin(240);
 *   if (block === undefined) continue;
 *   out.samples.fill(0, block.offset, block.offset + block.frames);
 *   out.commit(block.frames);
 * }
 * ```
 *
 * @returns A source for `openPlayback()`.
 */
export function mapped(): MappedSource {
  return Object.freeze({ kind: "mapped" });
}
