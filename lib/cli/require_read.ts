/**
 * Asks for permission to read a file before it is opened.
 *
 * @module
 */

import { isPermitted } from "../ffi/permission.ts";
import { CommandError } from "./command_error.ts";

/** Throws an error that names the flag if the file must not be read. */
export function requireRead(path: string): void {
  if (isPermitted({ name: "read", path })) return;
  throw new CommandError(`Deno does not permit to read "${path}"; run with --allow-read=${path}`);
}
