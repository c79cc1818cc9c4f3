/**
 * Looks for programs on PATH.
 *
 * @module
 */

import { statSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { isPermitted } from "../ffi/permission.ts";

const ANY_EXECUTE_BIT = 0o111;

// Not accessSync(), for which Deno wants permission to ask who the user is.
function isExecutable(path: string): boolean {
  try {
    const file = statSync(path);
    return file.isFile() && (file.mode & ANY_EXECUTE_BIT) !== 0;
  } catch {
    // What cannot be looked at cannot be started from there either.
    return false;
  }
}

/**
 * Whether a program is missing. Where the runtime does not permit to look, it counts as being there:
 * whoever starts it will see.
 */
export function isProgramMissing(name: string): boolean {
  if (!isPermitted({ name: "env", variable: "PATH" })) return false;
  const folders = (process.env["PATH"] ?? "").split(":").filter((folder) => folder !== "");
  const paths = folders.map((folder) => join(folder, name));
  if (!paths.every((path) => isPermitted({ name: "read", path }))) return false;
  return !paths.some(isExecutable);
}
