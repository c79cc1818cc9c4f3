/**
 * The word by which a stream that was given away is found again.
 *
 * @module
 */

import { SourceKind } from "./ffi/abi.generated.ts";
import type { SourceName } from "./native_stream.ts";
import type { Playback } from "./playback.ts";

/**
 * Stands for a stream that was given away by `detach()`: a string, which can be sent to a Worker as
 * any other. `attachPlayback()` takes it once, in the process that it was made in.
 */
export type PlaybackToken<P extends Playback = Playback> = string & {
  /** The class of the stream. It exists in types only. */
  readonly playback?: P;
};

/** Makes a token of a source and the engine's number. */
export function makeToken<P extends Playback>(source: SourceName, token: number): PlaybackToken<P> {
  return `halflap:${source}:${token}`;
}

/** Takes a token apart. */
export function parseToken(token: unknown): { source: SourceName; number: number } {
  const [, source = "", digits] = /^halflap:([a-z]+):([1-9]\d{0,15})$/.exec(String(token)) ?? [];
  if (typeof token !== "string" || !Object.hasOwn(SourceKind, source)) {
    throw new TypeError("A token must be what detach() returned");
  }
  return { source: source as SourceName, number: Number(digits) };
}
