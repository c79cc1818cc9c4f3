/**
 * What streams publish on `node:diagnostics_channel`, for those who watch all streams of a program
 * without having a hand in how they are opened:
 *
 * | Channel | Message | When |
 * | --- | --- | --- |
 * | `halflap:open` | `OpenMessage` | a stream has been opened or attached, before that resolves |
 * | `halflap:xrun` | `XrunMessage` | an xrun is over, at the latest with its stream |
 * | `halflap:close` | `CloseMessage` | a stream was closed or given away, or its device was lost |
 *
 * Each realm, the main thread or a Worker, hears of its own streams. The messages of a stream come in
 * this order. What a subscriber throws the runtime reports as an
 * uncaught exception; the stream does not notice.
 *
 * @module
 */

import { type Channel, channel } from "node:diagnostics_channel";
import type { HalflapError } from "./errors.ts";
import type { Granted } from "./granted.ts";
import type { Playback } from "./playback.ts";
import type { PlaybackStats } from "./stats.ts";
import type { Xrun } from "./xrun.ts";

/** The message on the diagnostics channel `halflap:open`: a stream has been opened or attached. */
export interface OpenMessage {
  /** The stream. */
  readonly stream: Playback;
  /** What its device granted. */
  readonly granted: Granted;
}

/**
 * The message on the diagnostics channel `halflap:xrun`: an xrun is over. Of more than 16 that come
 * and go within one turn of the event loop there is a message for the last 16; `stats().xruns` counts
 * all.
 */
export interface XrunMessage {
  /** The stream. */
  readonly stream: Playback;
  /** The xrun, with its whole duration. */
  readonly xrun: Xrun;
}

/**
 * The message on the diagnostics channel `halflap:close`: a stream is over for this realm, and all of
 * it freed or given away.
 */
export interface CloseMessage {
  /** The stream. */
  readonly stream: Playback;
  /** Its last statistics, as it began to close. */
  readonly stats: PlaybackStats;
  /** Why its device was lost; absent after `close()` and `detach()`. */
  readonly error?: HalflapError;
}

// Held from the start, and not looked up: Bun 1.4 collects a channel that nobody holds, and its
// subscribers with it.
const opened = channel("halflap:open");
const xruns = channel("halflap:xrun");
const closed = channel("halflap:close");

/** Tells who subscribed that a stream has been opened. */
export function publishOpen(message: OpenMessage): void {
  publish(opened, message);
}

/** Tells who subscribed that an xrun is over. */
export function publishXrun(message: XrunMessage): void {
  publish(xruns, message);
}

/** Tells who subscribed that a stream is over. */
export function publishClose(message: CloseMessage): void {
  publish(closed, message);
}

/** Whether anybody wants to know the last statistics of a stream. */
export function isCloseAwaited(): boolean {
  return closed.hasSubscribers;
}

function publish(to: Channel, message: OpenMessage | XrunMessage | CloseMessage): void {
  if (to.hasSubscribers) to.publish(message);
}
