/**
 * Finds the suites: each file in suites/ exports one as `suite`, and is named for it.
 *
 * @module
 */

import { readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Plot } from "./plot.ts";
import type { Scale } from "./scale.ts";
import { type Suite, table } from "./suite.ts";

/** What a suite leaves: its rows, and the same as text. */
export interface SuiteResult {
  /** What `--json` prints. */
  readonly rows: readonly unknown[];
  /** The table below its title. */
  readonly text: string;
  /** Draws its curves, as SVG by their names. */
  readonly draw: () => Promise<ReadonlyMap<string, string>>;
}

const FOLDER = path.resolve(fileURLToPath(import.meta.url), "../suites");

/** Names of all suites, in the order of the alphabet. */
export function suiteNames(): string[] {
  return readdirSync(FOLDER).map((file) => path.parse(file).name.replaceAll("_", "-")).sort();
}

async function drawAll(
  plots: readonly Plot<unknown>[],
  rows: readonly unknown[],
  title: string,
): Promise<ReadonlyMap<string, string>> {
  const drawn = new Map<string, string>();
  if (plots.length === 0) return drawn;
  // Loading the library takes longer than some suites do.
  const { drawSvg } = await import("./plot.ts");
  for (const plot of plots) drawn.set(plot.name, await drawSvg(plot, rows, title));
  return drawn;
}

/** Loads a suite and measures with it. */
export async function runSuite(name: string, scale: Scale): Promise<SuiteResult> {
  const module: unknown = await import(`./suites/${name.replaceAll("-", "_")}.ts`);
  const { suite } = module as { readonly suite: Suite<unknown> };
  const { title, columns, plots = [], measure } = suite;
  const rows = await measure(scale);
  const draw = () => drawAll(plots, rows, title);
  return { rows, text: `${title}\n${table(columns, rows)}`, draw };
}
