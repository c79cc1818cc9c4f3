/**
 * Opens playback streams.
 *
 * @module
 */

import { publishOpen } from "./diagnostics.ts";
import { assertViewsPermitted } from "./ffi/engine.ts";
import type { SampleFormat } from "./format.ts";
import { NativeStream } from "./native_stream.ts";
import type { MixInputOptions } from "./mix.ts";
import {
  checkPlaybackOptions,
  isRendered,
  type MixPlaybackOptions,
  type PlaybackOptions,
  type QueuePlaybackOptions,
  type RenderPlaybackOptions,
  type SourcePlaybackOptions,
} from "./options.ts";
import { Playback } from "./playback.ts";
import { PlaybackMapped } from "./playback_mapped.ts";
import { PlaybackMix } from "./playback_mix.ts";
import { PlaybackQueue } from "./playback_queue.ts";
import { PlaybackRender } from "./playback_render.ts";
import type { MappedSource, RenderCallback, RenderSource } from "./render.ts";

/**
 * Opens a stream that plays the sum of many inputs.
 *
 * @example Two participants of a conference
 * ```ts
 * import { mix, openPlayback } from "halflap";
 *
 * const source = mix([{ queueFrames: 4800 }, { queueFrames: 4800, gain: 0.5 }]);
 * await using out = await openPlayback({ rate: 48_000, channels: 1, source });
 * const [first, second] = out.inputs;
 * await Promise.all([
 *   first.write(new Float32Array(48_000)),
 *   second.write(new Float32Array(48_000)),
 * ]);
 * await out.drain();
 * ```
 *
 * @param options What to open, and the mix.
 * @returns The stream; it plays already, unless its `startThreshold` is Infinity.
 * @throws TypeError or RangeError for a wrong option; HalflapError if the stream cannot be opened.
 */
export function openPlayback<
  const Inputs extends readonly MixInputOptions[],
  F extends SampleFormat = "f32",
>(options: MixPlaybackOptions<Inputs, F>): Promise<PlaybackMix<Inputs, F>>;
/**
 * Opens a stream that a native source feeds.
 *
 * @example A tone
 * ```ts
 * import { openPlayback, tone } from "halflap";
 *
 * await using out = await openPlayback({ source: tone({ frequencyHz: 440 }) });
 * await new Promise((resolve) => setTimeout(resolve, 1000));
 * ```
 *
 * @param options What to open, and the source.
 * @returns The stream; it plays already, unless its `startThreshold` is Infinity.
 * @throws TypeError or RangeError for a wrong option; HalflapError if the stream cannot be opened.
 */
export function openPlayback<F extends SampleFormat = "f32">(
  options: SourcePlaybackOptions<F>,
): Promise<Playback>;
/**
 * Opens a stream that a callback renders into the device's memory.
 *
 * @example White noise
 * ```ts
 * import { openPlayback, render } from "halflap";
 *
 * await using out = await openPlayback({
 *   source: render<"f32">(({ samples }) => {
 *     for (let i = 0; i < samples.length; i++) samples[i] = 0.1 * (Math.random() - 0.5);
 *   }),
 * });
 * console.log(out.granted.zeroCopy?.memory);
 * await new Promise((resolve) => setTimeout(resolve, 1000));
 * ```
 *
 * @param options What to open, and the source.
 * @returns The stream; the callback is called from then on, and the stream starts by itself when a
 *   device buffer is rendered.
 * @throws TypeError or RangeError for a wrong option; HalflapError if the stream cannot be opened,
 *   with `ERR_HALFLAP_FFI_PERMISSION` where Deno permits the library but no views of memory.
 */
export function openPlayback<F extends SampleFormat = "f32">(
  options: RenderPlaybackOptions<F, RenderSource<F>>,
): Promise<PlaybackRender<F>>;
/**
 * Opens a stream whose memory the program renders by itself.
 *
 * @param options What to open, and the source.
 * @returns The stream; it starts by itself when a device buffer is committed.
 * @throws TypeError or RangeError for a wrong option; HalflapError if the stream cannot be opened,
 *   with `ERR_HALFLAP_FFI_PERMISSION` where Deno permits the library but no views of memory.
 */
export function openPlayback<F extends SampleFormat = "f32">(
  options: RenderPlaybackOptions<F, MappedSource>,
): Promise<PlaybackMapped<F>>;
/**
 * Opens a stream that JavaScript writes to.
 *
 * @example A second of noise
 * ```ts
 * import { openPlayback } from "halflap";
 *
 * await using out = await openPlayback({ rate: 48_000, channels: 1 });
 * await out.write(Float32Array.from({ length: 48_000 }, () => Math.random() - 0.5));
 * await out.drain();
 * ```
 *
 * @param options What to open.
 * @returns The stream; it starts by itself when a device buffer is written.
 * @throws TypeError or RangeError for a wrong option; HalflapError if the stream cannot be opened.
 */
export function openPlayback<F extends SampleFormat = "f32">(
  options?: QueuePlaybackOptions<F>,
): Promise<PlaybackQueue<F>>;
/**
 * Opens a stream of any kind, for callers that do not know which one until they run.
 *
 * @param options What to open.
 * @returns The stream: a `PlaybackQueue` if no source was given, a `PlaybackRender` for `render()`, a
 *   `PlaybackMapped` for `mapped()`, a `PlaybackMix` for `mix()`.
 * @throws TypeError or RangeError for a wrong option; HalflapError if the stream cannot be opened.
 */
export function openPlayback<F extends SampleFormat = "f32">(
  options: PlaybackOptions<F>,
): Promise<Playback>;
export async function openPlayback(options?: PlaybackOptions): Promise<Playback> {
  const checked = checkPlaybackOptions(options);
  const { signal } = checked;
  if (isRendered(checked.source)) assertViewsPermitted();
  const stream = await NativeStream.open(checked);
  // Both can have come after the engine had opened the stream, but before this.
  if (signal?.aborted || stream.failure) {
    await stream.close();
    signal?.throwIfAborted();
    throw stream.failure;
  }
  const { source } = checked;
  const callback = source?.kind === "render" ? source.callback : undefined;
  const playback = await makePlayback(stream, callback);
  if (signal) closeOnAbort(playback, signal);
  publishOpen({ stream: playback, granted: playback.granted });
  stream.tellXruns();
  return playback;
}

/** Makes the class that fits the stream's source; `render` is the callback where that is needed. */
export async function makePlayback(
  stream: NativeStream,
  render: RenderCallback | undefined,
): Promise<Playback> {
  const { source, gain } = stream;
  try {
    switch (source) {
      case "queue":
        return new PlaybackQueue(stream, gain);
      case "render":
        return new PlaybackRender(stream, gain, render!);
      case "mapped":
        return new PlaybackMapped(stream, gain);
      case "mix":
        return new PlaybackMix(stream, gain);
      default:
        return new Playback(stream, gain);
    }
  } catch (error) {
    await stream.close();
    throw error;
  }
}

function closeOnAbort(playback: Playback, signal: AbortSignal): void {
  const onAbort = (): void => void playback.close();
  const stopListening = (): void => signal.removeEventListener("abort", onAbort);
  signal.addEventListener("abort", onAbort);
  playback.closed.then(stopListening, stopListening);
  // By a callback that has rendered before this.
  if (signal.aborted) onAbort();
}
