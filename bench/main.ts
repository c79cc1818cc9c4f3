/**
 * Runs the benchmarks under the runtime that runs this file. `npm run bench` runs it under both.
 *
 * @module
 */

import process from "node:process";
import { parseArgs } from "node:util";
import { describeMachine } from "./machine.ts";
import { open } from "./open.ts";
import { realtimeCpu } from "./realtime_cpu.ts";
import { FULL, QUICK, type Scale } from "./scale.ts";
import { type Suite, table } from "./suite.ts";
import { transfer } from "./transfer.ts";
import { writeCall } from "./write_call.ts";

/** What a suite leaves: its rows, and the same as text. */
interface SuiteResult {
  readonly name: string;
  readonly rows: readonly unknown[];
  readonly text: string;
}

interface RunnableSuite {
  readonly name: string;
  readonly run: (scale: Scale) => Promise<SuiteResult>;
}

function runnable<Row>({ name, title, columns, measure }: Suite<Row>): RunnableSuite {
  const run = async (scale: Scale): Promise<SuiteResult> => {
    const rows = await measure(scale);
    return { name, rows, text: `${title}\n${table(columns, rows)}` };
  };
  return { name, run };
}

const SUITES: readonly RunnableSuite[] = [
  runnable(transfer),
  runnable(writeCall),
  runnable(open),
  runnable(realtimeCpu),
];

const USAGE = `Usage: npm run bench -- [SUITE ...] [--json] [--quick]

Suites: ${SUITES.map(({ name }) => name).join(", ")}; the default is all of them.

  --json   print one JSON object instead of tables
  --quick  only see that everything runs: the figures mean nothing
  --help   print this

A ratio stands before the quartiles of its rounds. bench/README.md says what the figures mean.
`;

interface Arguments {
  readonly suites: readonly RunnableSuite[];
  readonly json: boolean;
  readonly quick: boolean;
  readonly help: boolean;
}

function parseArguments(args: string[]): Arguments {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      json: { type: "boolean", default: false },
      quick: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const unknown = positionals.find((text) => SUITES.every(({ name }) => name !== text));
  if (unknown !== undefined) throw new TypeError(`There is no suite "${unknown}"`);
  const chosen = SUITES.filter(({ name }) => positionals.includes(name));
  return { ...values, suites: chosen.length > 0 ? chosen : SUITES };
}

async function run({ suites, json, quick }: Arguments): Promise<void> {
  const machine = describeMachine();
  const { runtime, runtimeVersion, cpu, cpuCount, kernel, loadAverage } = machine;
  if (!json) {
    const load = `load average ${loadAverage.toFixed(2)}`;
    console.log(`${runtime} ${runtimeVersion}, ${cpuCount} x ${cpu}, Linux ${kernel}, ${load}`);
  }
  const results: SuiteResult[] = [];
  for (const suite of suites) {
    const result = await suite.run(quick ? QUICK : FULL);
    if (!json) console.log(`\n${result.text}`);
    results.push(result);
  }
  if (!json) return;
  const rows = Object.fromEntries(results.map(({ name, rows }) => [name, rows]));
  console.log(JSON.stringify({ machine, quick, suites: rows }));
}

async function main(args: string[]): Promise<number> {
  let parsed: Arguments;
  try {
    parsed = parseArguments(args);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    process.stderr.write(`${error.message}\n\n${USAGE}`);
    return 2;
  }
  if (parsed.help) process.stdout.write(USAGE);
  else await run(parsed);
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
