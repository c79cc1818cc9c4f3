/**
 * The configuration that makes the virtual card an ALSA PCM for other programs.
 *
 * @module
 */

import { enginePath } from "./ffi/engine.ts";

/** Names the file that a program playing into the PCM `halflap` records to. */
export const TAP_VARIABLE = "HALFLAP_TAP";

/**
 * Returns a snippet for `~/.asoundrc`. With it, any ALSA program plays into halflap's virtual card:
 * `HALFLAP_TAP=out.wav aplay -D halflap in.wav` records to `out.wav` what was played. The PCM
 * `plughalflap` converts formats, channels and rates that the card does not take.
 *
 * @param libraryPath Path of the engine's library; the default is that of this module.
 * @returns Text in ALSA's configuration syntax.
 */
export function asoundrcSnippet(libraryPath: string = enginePath()): string {
  const path = libraryPath.replace(/["\\]/g, "\\$&");
  return `pcm_type.halflap {
  lib "${path}"
}
pcm.halflap {
  type halflap
  tap {
    @func getenv
    vars [ ${TAP_VARIABLE} ]
    default ""
  }
  hint.description "halflap virtual card"
}
pcm.plughalflap {
  type plug
  slave.pcm "halflap"
  hint.description "halflap virtual card, with conversion"
}
`;
}
