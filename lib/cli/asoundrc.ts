/**
 * `halflap asoundrc`.
 *
 * @module
 */

import { asoundrcSnippet, TAP_VARIABLE } from "../asound_conf.ts";
import type { Command } from "./command.ts";
import { textCommand } from "./text_command.ts";

/** `halflap asoundrc`. */
export const asoundrcCommand: Command = textCommand({
  summary: "print the configuration that lets other programs play into the virtual card",
  help: `Prints the configuration with which other ALSA programs play into the virtual card.

Usage: halflap asoundrc >> ~/.asoundrc

Then "aplay -D halflap FILE" plays into it, and "aplay -D plughalflap FILE" what the card itself
does not take. If ${TAP_VARIABLE} names a file, what is played is recorded there as WAV.

Options:
  -h, --help         print this
`,
  text: () => asoundrcSnippet(),
});
