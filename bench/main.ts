/**
 * Runs the benchmarks under the runtime that runs this file. `npm run bench` runs it under both.
 *
 * @module
 */

import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { describeMachine } from "./machine.ts";
import { FULL, QUICK } from "./scale.ts";
import { CannotMeasureError } from "./suite.ts";
import { runSuite, suiteNames } from "./suites.ts";

const NAMES = suiteNames();
const USAGE = `Usage: npm run bench -- [SUITE ...] [--json] [--quick] [--plot DIR]

Suites: ${NAMES.join(", ")}; the default is all of them.

  --json   print one JSON object instead of tables
  --quick  only see that everything runs: the figures mean nothing
  --plot   draw the curves of the suites into a folder, as SVG
  --help   print this

A ratio stands before the quartiles of its rounds. bench/README.md says what the figures mean.
The exit code is 2 for wrong arguments, and 3 where a suite lacks what it needs; the others still run.
`;
const USAGE_EXIT_CODE = 2;
const NOT_MEASURED_EXIT_CODE = 3;

interface Arguments {
  readonly names: readonly string[];
  readonly json: boolean;
  readonly quick: boolean;
  readonly plot?: string | undefined;
  readonly help: boolean;
}

/** What `--json` prints. */
interface Report {
  readonly machine: object;
  readonly quick: boolean;
  /** Rows of the suites, by their names. */
  readonly suites: Record<string, readonly unknown[]>;
  /** Why suites have no rows, by their names. */
  readonly notMeasured: Record<string, string>;
}

function parseArguments(args: string[]): Arguments {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      json: { type: "boolean", default: false },
      quick: { type: "boolean", default: false },
      plot: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  const unknown = positionals.find((name) => !NAMES.includes(name));
  if (unknown !== undefined) {
    throw new TypeError(`There is no suite "${unknown}"; there are ${NAMES.join(", ")}`);
  }
  const chosen = NAMES.filter((name) => positionals.includes(name));
  return { ...values, names: chosen.length > 0 ? chosen : NAMES };
}

async function writePlots(
  folder: string,
  prefix: string,
  drawn: ReadonlyMap<string, string>,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, svg] of drawn) {
    await writeFile(path.join(folder, `${prefix}-${name}.svg`), svg);
  }
}

/** Runs the suites; `print` gets each one's text as soon as it is there. */
async function run(
  { names, quick, plot }: Arguments,
  print: (text: string) => void,
): Promise<Report> {
  const machine = describeMachine();
  const { runtime, runtimeVersion, cpu, cpuCount, kernel, loadAverage } = machine;
  const load = `load average ${loadAverage.toFixed(2)}`;
  print(`${runtime} ${runtimeVersion}, ${cpuCount} x ${cpu}, Linux ${kernel}, ${load}\n`);
  const report: Report = { machine, quick, suites: {}, notMeasured: {} };
  for (const name of names) {
    try {
      const { rows, text, draw } = await runSuite(name, quick ? QUICK : FULL);
      report.suites[name] = rows;
      print(`\n${text}`);
      if (plot !== undefined) await writePlots(plot, `${runtime}-${name}`, await draw());
    } catch (error) {
      if (!(error instanceof CannotMeasureError)) throw error;
      report.notMeasured[name] = error.message;
      process.stderr.write(`\nCannot measure "${name}": ${error.message}\n`);
    }
  }
  return report;
}

async function main(args: string[]): Promise<number> {
  let parsed: Arguments;
  try {
    parsed = parseArguments(args);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    process.stderr.write(`${error.message}\n\n${USAGE}`);
    return USAGE_EXIT_CODE;
  }
  if (parsed.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const report = await run(parsed, (text) => {
    if (!parsed.json) process.stdout.write(text);
  });
  if (parsed.json) console.log(JSON.stringify(report));
  return Object.keys(report.notMeasured).length > 0 ? NOT_MEASURED_EXIT_CODE : 0;
}

process.exitCode = await main(process.argv.slice(2));
