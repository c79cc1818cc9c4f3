/**
 * Finds the suites: each file in suites/ exports one as `suite`, and is named for it.
 *
 * @module
 */

import { readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Scale } from "./scale.ts";
import { type Suite, table } from "./suite.ts";

/** What a suite leaves: its rows, and the same as text. */
export interface SuiteResult {
  /** What `--json` prints. */
  readonly rows: readonly unknown[];
  /** The table below its title. */
  readonly text: string;
}

const FOLDER = path.resolve(fileURLToPath(import.meta.url), "../suites");

/** Names of all suites, in the order of the alphabet. */
export function suiteNames(): string[] {
  return readdirSync(FOLDER).map((file) => path.parse(file).name.replaceAll("_", "-")).sort();
}

/** Loads a suite and measures with it. */
export async function runSuite(name: string, scale: Scale): Promise<SuiteResult> {
  const module: unknown = await import(`./suites/${name.replaceAll("-", "_")}.ts`);
  const { title, columns, measure } = (module as { readonly suite: Suite<unknown> }).suite;
  const rows = await measure(scale);
  return { rows, text: `${title}\n${table(columns, rows)}` };
}
