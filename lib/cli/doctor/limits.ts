/**
 * The resource limits of this process, as in /proc/self/limits.
 *
 * @module
 */

import { Inaccessible } from "./inaccessible.ts";
import type { System } from "./system.ts";

/** The limits that matter for sound, by the kernel's names for them. */
export type LimitName = "Max locked memory" | "Max realtime priority" | "Max realtime timeout";

const LIMITS_FILE = "/proc/self/limits";

/** Reads the soft limit, which is the one that counts; Infinity where there is none. */
export function readLimit(system: System, name: LimitName): number | Inaccessible {
  const text = system.readText(LIMITS_FILE);
  if (text instanceof Inaccessible) return text;
  const line = text.split("\n").find((candidate) => candidate.startsWith(name));
  // "Max realtime priority     95                   95                   "
  const [soft = ""] = line?.slice(name.length).trim().split(/\s+/) ?? [];
  if (soft === "unlimited") return Infinity;
  return /^\d{1,20}$/.test(soft) ? Number(soft) : new Inaccessible(LIMITS_FILE, "malformed", line);
}
