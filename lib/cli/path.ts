/**
 * `halflap path`.
 *
 * @module
 */

import { enginePath } from "../ffi/engine.ts";
import { LIBRARY_VARIABLE } from "../ffi/library.ts";
import type { Command } from "./command.ts";
import { textCommand } from "./text_command.ts";

/** `halflap path`. */
export const pathCommand: Command = textCommand({
  summary: "print the path of the native library, for Deno's --allow-ffi",
  help: `Prints the path of the native library.

Usage: halflap path

It is the one for Deno: deno run --allow-ffi=$(halflap path) PROGRAM
The environment variable ${LIBRARY_VARIABLE} names another library than the one of the package.

Options:
  -h, --help         print this
`,
  text: () => `${enginePath()}\n`,
});
