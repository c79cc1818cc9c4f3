/**
 * The states of a stream.
 *
 * @module
 */

import { State } from "./ffi/abi.generated.ts";

/**
 * State of a stream, in ALSA's words, with `closed` added:
 *
 * - `open`, `setup`: the device is being configured.
 * - `prepared`: ready; starts by itself or by `start()`.
 * - `running`: the device plays.
 * - `xrun`: the device ran dry and is being started again.
 * - `draining`: the device plays what is left.
 * - `paused`: the device stands still and keeps its place.
 * - `suspended`: the system suspended the device.
 * - `disconnected`: the device went away for good.
 * - `closed`: everything is freed.
 */
export type PlaybackState =
  | "open"
  | "setup"
  | "prepared"
  | "running"
  | "xrun"
  | "draining"
  | "paused"
  | "suspended"
  | "disconnected"
  | "closed";

const STATES: ReadonlyMap<number, PlaybackState> = new Map(
  (Object.keys(State) as (keyof typeof State)[]).map((name) => [State[name], name]),
);

/** The state for an engine's number. */
export function stateFromNative(native: number): PlaybackState {
  const state = STATES.get(native);
  if (state === undefined) throw new Error(`The engine returned the unknown state ${native}`);
  return state;
}

const ACTIVE: ReadonlySet<PlaybackState> = new Set([
  ...["running", "draining"] as const,
  // The engine brings the device back.
  ...["xrun", "suspended", "setup"] as const,
]);

/** Whether a stream in this state goes on by itself, so that its process has to live on. */
export function isActive(state: PlaybackState): boolean {
  return ACTIVE.has(state);
}
