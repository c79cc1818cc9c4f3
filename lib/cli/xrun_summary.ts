/**
 * What `halflap play` says at the end about xruns.
 *
 * @module
 */

import type { XrunStats } from "../stats.ts";
import type { XrunCause } from "../xrun.ts";

const CAUSES: readonly XrunCause[] = ["producer", "scheduling", "processing", "device"];

/**
 * Tells how many xruns there were of each cause, and what to do about the most frequent one, in a
 * line each; undefined where there were none.
 */
export function xrunSummary(xruns: XrunStats): string | undefined {
  const { count, recent } = xruns;
  if (count === 0) return undefined;
  const causes = CAUSES.filter((cause) => xruns[cause] > 0)
    .toSorted((one, other) => xruns[other] - xruns[one]);
  const [main] = causes;
  const isMixed = causes.length > 1;
  const list = causes.map((cause) => isMixed ? `${xruns[cause]} ${cause}` : cause).join(", ");
  const summary = `${count} ${count === 1 ? "xrun" : "xruns"}: ${list}`;
  // Of many, the last ones alone are known in detail.
  const last = recent.findLast(({ cause }) => cause === main) ?? recent.at(-1);
  if (last === undefined) return summary;
  return `${summary}\n${isMixed ? `${last.cause}: ` : ""}${last.advice}`;
}
