/**
 * What the doctor finds out about one thing, and how it comes by it.
 *
 * @module
 */

import { Inaccessible } from "./inaccessible.ts";
import type { System } from "./system.ts";

/**
 * `ok`: as it should be; `advice`: sound plays, and could be safer; `problem`: sound plays badly or
 * not at all; `unknown`: it could not be found out.
 */
export type Status = "ok" | "advice" | "problem" | "unknown";

/** What was found, and what to do about it. */
export interface Finding {
  /** How it stands. */
  readonly status: Status;
  /** What was found; where it is unknown, why. */
  readonly found: string;
  /** What to do, where there is something to be done. */
  readonly mend?: string;
}

/** One thing that was looked at. */
export interface Check extends Finding {
  /** Its name for programs. */
  readonly id: string;
  /** What it belongs to. */
  readonly area: string;
  /** Its name for people. */
  readonly title: string;
  /** What it has to do with sound. */
  readonly meaning: string;
}

/** How to look at one thing. */
export interface Examination {
  /** Its name for programs. */
  readonly id: string;
  /** Its name for people. */
  readonly title: string;
  /** What it has to do with sound. */
  readonly meaning: string;
  /** Looks; what is inaccessible is unknown. */
  examine(system: System): Finding | Inaccessible | Promise<Finding | Inaccessible>;
}

/** Looks at one thing. */
export async function check(
  area: string,
  { id, title, meaning, examine }: Examination,
  system: System,
): Promise<Check> {
  const result = await examine(system);
  const finding: Finding = result instanceof Inaccessible
    ? { status: "unknown", found: result.why }
    : result;
  const { status, found, mend } = finding;
  return { id, area, title, status, found, meaning, ...(mend === undefined ? {} : { mend }) };
}
