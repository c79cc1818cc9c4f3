/**
 * The benchmarks run: a smoke test that asserts no time, under the runtime that runs this file.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import path from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

interface Printed {
  readonly machine: Readonly<Record<string, string | number>>;
  readonly quick: boolean;
  readonly suites: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>;
}

const main = path.resolve(fileURLToPath(import.meta.url), "../../bench/main.ts");
const runtime = process.versions["bun"] === undefined ? "deno" : "bun";
const runtimeArgs = runtime === "deno" ? ["run", "--no-prompt", "--allow-all"] : [];
const timeoutMs = 100_000;

/** Rows of each suite: what distinguishes them from each other, and how many there are. */
const expectedRows: Readonly<Record<string, { keys: readonly string[]; count: number }>> = {
  "transfer": { keys: ["source", "periodFrames"], count: 4 * 7 },
  "write-call": { keys: ["frames"], count: 4 },
  "open": { keys: ["firstInProcess", "feed", "access"], count: 1 + 2 * 2 },
  "realtime-cpu": { keys: ["feed", "periods"], count: 2 * 2 },
};

async function runBench(args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [...runtimeArgs, main, ...args],
    { timeout: timeoutMs },
  );
  return stdout;
}

function assertFigure(name: string, value: object): void {
  assert.deepEqual(Object.keys(value), ["median", "p25", "p75"], name);
  for (const number of Object.values(value)) assert.ok(Number.isFinite(number), name);
}

test("every suite gives one row of finite figures for each combination", async () => {
  const printed = JSON.parse(await runBench(["--quick", "--json"])) as Printed;
  assert.equal(printed.quick, true);
  assert.equal(printed.machine["runtime"], runtime);
  assert.deepEqual(Object.keys(printed.suites), Object.keys(expectedRows));
  for (const [name, { keys, count }] of Object.entries(expectedRows)) {
    const rows = printed.suites[name]!;
    const combinations = new Set(rows.map((row) => keys.map((key) => row[key]).join(" ")));
    assert.equal(combinations.size, count, name);
    assert.equal(rows.length, count, name);
    for (const row of rows) {
      for (const [key, value] of Object.entries(row)) {
        if (typeof value === "object" && value !== null) assertFigure(`${name} ${key}`, value);
      }
    }
  }
});

test("a period takes one wake-up on both paths, so that their costs compare", async () => {
  const printed = JSON.parse(await runBench(["transfer", "--quick", "--json"])) as Printed;
  for (const row of printed.suites["transfer"]!) {
    assert.equal(row["wakeUpsPerPeriod"], 1, `${row["source"]} ${row["periodFrames"]}`);
  }
});

test("a suite that does not exist is a usage error", async () => {
  await assert.rejects(runBench(["transfers"]), (error: Error & { code: number }) => {
    assert.equal(error.code, 2);
    assert.match(error.message, /There is no suite "transfers"/);
    return true;
  });
});
