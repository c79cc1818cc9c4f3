/**
 * Files that hold one integer, as the kernel has many.
 *
 * @module
 */

import { Inaccessible } from "./inaccessible.ts";
import type { System } from "./system.ts";

/** Reads a file with one integer. */
export function readInteger(system: System, path: string): number | Inaccessible {
  const text = system.readText(path);
  if (text instanceof Inaccessible) return text;
  return /^-?\d{1,15}\s*$/.test(text) ? Number(text) : new Inaccessible(path, "malformed", text);
}
