/**
 * Opens playback streams.
 *
 * @module
 */

import type { SampleFormat } from "./format.ts";
import { NativeStream } from "./native_stream.ts";
import {
  checkPlaybackOptions,
  type PlaybackOptions,
  type QueuePlaybackOptions,
  type SourcePlaybackOptions,
} from "./options.ts";
import { Playback } from "./playback.ts";
import { PlaybackQueue } from "./playback_queue.ts";

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
 * Opens a stream of either kind, for callers that do not know which one until they run.
 *
 * @param options What to open.
 * @returns The stream: a `PlaybackQueue` if no source was given.
 * @throws TypeError or RangeError for a wrong option; HalflapError if the stream cannot be opened.
 */
export function openPlayback<F extends SampleFormat = "f32">(
  options: PlaybackOptions<F>,
): Promise<Playback | PlaybackQueue<F>>;
export async function openPlayback(
  options?: PlaybackOptions,
): Promise<Playback | PlaybackQueue> {
  const checked = checkPlaybackOptions(options);
  const { gain, signal, source } = checked;
  const stream = await NativeStream.open(checked);
  const playback = source ? new Playback(stream, gain) : new PlaybackQueue(stream, gain);
  if (signal) await closeOnAbort(playback, signal);
  return playback;
}

async function closeOnAbort(playback: Playback, signal: AbortSignal): Promise<void> {
  const onAbort = (): void => void playback.close();
  const stopListening = (): void => signal.removeEventListener("abort", onAbort);
  signal.addEventListener("abort", onAbort);
  playback.closed.then(stopListening, stopListening);
  // It can have been aborted after the engine had opened the stream, but before this.
  if (!signal.aborted) return;
  await playback.close();
  signal.throwIfAborted();
}
