/**
 * Attaches playback streams that were given away.
 *
 * @module
 */

import { checkOptions } from "./check.ts";
import { publishOpen } from "./diagnostics.ts";
import { assertViewsPermitted } from "./ffi/engine.ts";
import type { SampleFormat } from "./format.ts";
import { NativeStream, type SourceName } from "./native_stream.ts";
import { isRenderedKind } from "./options.ts";
import type { Playback } from "./playback.ts";
import { makePlayback } from "./open_playback.ts";
import type { PlaybackRender } from "./playback_render.ts";
import { parseToken, type PlaybackToken } from "./playback_token.ts";
import type { RenderCallback } from "./render.ts";

/** Options of {@linkcode attachPlayback} for a stream that a callback renders. */
export interface AttachRenderOptions<F extends SampleFormat = SampleFormat> {
  /** Renders one period, from where the former owner's callback had got to. */
  render: RenderCallback<F>;
}

/**
 * Attaches a stream that a callback renders.
 *
 * @param token What `detach()` returned.
 * @param options The callback.
 * @returns The stream.
 * @throws TypeError for a token that is none, or if there is no callback; HalflapError with
 *   `ERR_HALFLAP_UNKNOWN_TOKEN` if no stream waits for it, or why the stream has failed meanwhile.
 */
export function attachPlayback<F extends SampleFormat>(
  token: PlaybackToken<PlaybackRender<F>>,
  options: AttachRenderOptions<F>,
): Promise<PlaybackRender<F>>;
/**
 * Attaches a stream that was given away by `detach()`, in this realm or in another one of the
 * process, and goes on with it. It is of the same class as before and in the same state. Events that
 * nobody was told of meanwhile are dispatched in the new realm.
 *
 * @example Giving a stream to a Worker
 * ```ts
 * import { openPlayback } from "halflap";
 *
 * const out = await openPlayback({ format: "s16" });
 * const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
 * worker.postMessage(await out.detach());
 * ```
 *
 * @example The Worker
 * ```ts
 * import { attachPlayback, type PlaybackQueue, type PlaybackToken } from "halflap";
 *
 * self.onmessage = async ({ data }: MessageEvent<PlaybackToken<PlaybackQueue<"s16">>>) => {
 *   await using out = await attachPlayback(data);
 *   await out.write(new Int16Array(9600));
 *   await out.drain();
 * };
 * ```
 *
 * @param token What `detach()` returned.
 * @returns The stream.
 * @throws TypeError for a token that is none; HalflapError with `ERR_HALFLAP_UNKNOWN_TOKEN` if no
 *   stream waits for it, or why the stream has failed meanwhile.
 */
export function attachPlayback<P extends Playback>(token: PlaybackToken<P>): Promise<P>;
export async function attachPlayback(
  token: PlaybackToken,
  options?: AttachRenderOptions,
): Promise<Playback> {
  const { source, number } = parseToken(token);
  const render = checkRender(source, options);
  if (isRenderedKind(source)) assertViewsPermitted();
  const stream = await NativeStream.attach(source, number);
  const playback = await makePlayback(stream, render);
  publishOpen({ stream: playback, granted: playback.granted });
  stream.tellXruns();
  return playback;
}

// A token that is not used stays valid: all that can be is checked before.
function checkRender(source: SourceName, options: unknown): RenderCallback | undefined {
  const { render } = checkOptions<AttachRenderOptions>("the options of attachPlayback()", options, [
    "render",
  ]);
  if (source === "render") {
    if (typeof render === "function") return render as RenderCallback;
    throw new TypeError('"render" must be a function: a callback renders the stream');
  }
  if (render === undefined) return undefined;
  throw new TypeError('"render" must not be given: no callback renders the stream');
}
