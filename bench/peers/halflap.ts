/**
 * What both programs with halflap have in common.
 *
 * @module
 */

import type { Playback } from "../../mod.ts";

/** Frames per second of all peers. */
export const RATE = 48_000;

/** Says so when the device has run dry, as other programs do. */
export function tellUnderruns(out: Playback): void {
  out.addEventListener("xrun", ({ cause }) => console.error(`underrun: ${cause}`));
}
