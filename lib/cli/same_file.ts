/**
 * Tells whether two paths lead to one file.
 *
 * @module
 */

import { statSync } from "node:fs";
import { resolve } from "node:path";
import { isPermitted } from "../ffi/permission.ts";

/** Whether two paths lead to one file, as far as the runtime permits to look. */
export function isSameFile(first: string, second: string): boolean {
  const paths = [first, second];
  if (resolve(first) === resolve(second)) return true;
  if (!paths.every((path) => isPermitted({ name: "read", path }))) return false;
  const [one, other] = paths.map((path) => statSync(path, { throwIfNoEntry: false }));
  return one !== undefined && one.dev === other?.dev && one.ino === other.ino;
}
