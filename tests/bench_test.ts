/**
 * The benchmarks run: a smoke test that asserts no time, under the runtime that runs this file.
 */
import assert from "node:assert/strict";
import { execFile, type ExecFileException } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

interface Printed {
  readonly machine: Readonly<Record<string, string | number>>;
  readonly quick: boolean;
  readonly suites: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>;
  readonly notMeasured: Readonly<Record<string, string>>;
}

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const main = path.resolve(fileURLToPath(import.meta.url), "../../bench/main.ts");
const runtime = process.versions["bun"] === undefined ? "deno" : "bun";
const runtimeArgs = runtime === "deno" ? ["run", "--no-prompt", "--allow-all"] : [];
const timeoutMs = 100_000;
const notMeasuredExitCode = 3;

/**
 * Rows of each suite: what distinguishes them from each other, and how many there are. Those of
 * `hardware` depend on the machine, and are tested on the cards of tests/kernel/.
 */
const expectedRows: Readonly<Record<string, { keys: readonly string[]; count: number }>> = {
  "calls": { keys: ["feed", "calls", "talking"], count: 4 * 1 * 3 },
  "garbage": { keys: ["feed", "queueMs"], count: 2 * 3 },
  "mix": { keys: ["feed", "inputs"], count: 3 * 5 },
  "open": { keys: ["firstInProcess", "feed", "access"], count: 1 + 2 * 2 },
  "peers": { keys: ["program", "periods"], count: 14 * 2 },
  "realtime-cpu": { keys: ["feed", "periods"], count: 3 * 2 },
  "render": { keys: ["channels", "periodFrames"], count: 4 * 5 },
  "start": { keys: ["milestone"], count: 4 },
  "streams": { keys: ["running", "paused"], count: 2 },
  "transfer": { keys: ["source", "periodFrames"], count: 4 * 7 },
  "wake-lateness": { keys: ["policy", "load", "quantile"], count: 2 * 2 * 4 },
  "write-call": { keys: ["frames"], count: 4 },
};

/** Why suites may have no rows. */
const reasons: Readonly<Record<string, RegExp>> = {
  "hardware": /no sound card is free/,
  "wake-lateness": /denied SCHED_FIFO/,
};

function runBench(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ended> {
  const options = { timeout: timeoutMs, env: { ...process.env, ...env } };
  return new Promise((resolve, reject) => {
    const ended = (error: ExecFileException | null, stdout: string, stderr: string) => {
      const code = error === null ? 0 : error.code;
      if (typeof code === "number") resolve({ code, stdout, stderr });
      else reject(error);
    };
    execFile(process.execPath, [...runtimeArgs, main, ...args], options, ended);
  });
}

function assertFigure(name: string, value: object): void {
  assert.deepEqual(Object.keys(value), ["median", "p25", "p75"], name);
  for (const number of Object.values(value)) assert.ok(Number.isFinite(number), name);
}

function assertRows(name: string, rows: Printed["suites"][string]): void {
  const { keys, count } = expectedRows[name]!;
  const combinations = new Set(rows.map((row) => keys.map((key) => row[key]).join(" ")));
  assert.equal(combinations.size, count, name);
  assert.equal(rows.length, count, name);
  for (const row of rows) {
    for (const [key, value] of Object.entries(row)) {
      if (typeof value === "object" && value !== null) assertFigure(`${name} ${key}`, value);
    }
  }
}

test("every suite gives one row of finite figures for each combination", async () => {
  const { code, stdout, stderr } = await runBench(["--quick", "--json"]);
  const { quick, machine, suites, notMeasured } = JSON.parse(stdout) as Printed;
  assert.equal(quick, true);
  assert.equal(machine["runtime"], runtime);
  // What a machine can lack is named: a sound card, and realtime scheduling for cyclictest.
  const lacks = Object.keys(notMeasured);
  for (const name of lacks) assert.match(notMeasured[name]!, reasons[name]!);
  assert.equal(code, lacks.length > 0 ? notMeasuredExitCode : 0, stderr);
  const names = Object.keys(expectedRows).filter((name) => !lacks.includes(name));
  assert.deepEqual(Object.keys(suites).filter((name) => name !== "hardware"), names);
  for (const name of names) assertRows(name, suites[name]!);
});

test("a period takes one wake-up on both paths, so that their costs compare", async () => {
  const { stdout } = await runBench(["transfer", "--quick", "--json"]);
  const { suites } = JSON.parse(stdout) as Printed;
  assert.deepEqual(Object.keys(suites), ["transfer"]);
  for (const row of suites["transfer"]!) {
    assert.equal(row["wakeUpsPerPeriod"], 1, `${row["source"]} ${row["periodFrames"]}`);
  }
});

test("curves are drawn as SVG, one file for each runtime, suite and plot", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "halflap-bench-"));
  try {
    const { code, stderr } = await runBench(["write-call", "--quick", "--plot", folder]);
    assert.equal(code, 0, stderr);
    const name = `${runtime}-write-call-ns-per-call.svg`;
    assert.deepEqual(await readdir(folder), [name]);
    const svg = await readFile(path.join(folder, name), "utf8");
    assert.match(svg, /^<svg /);
    for (const text of ["set()", "tryWrite()", "write()", "frames per call"]) {
      assert.ok(svg.includes(`>${text}<`), text);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a missing cyclictest fails its suite and says what to install; others run", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "halflap-bench-"));
  try {
    await symlink("/usr/bin/taskset", path.join(folder, "taskset"));
    const args = ["wake-lateness", "write-call", "--quick", "--json"];
    const { code, stdout, stderr } = await runBench(args, { PATH: folder });
    const { suites, notMeasured } = JSON.parse(stdout) as Printed;
    assert.equal(code, notMeasuredExitCode);
    assert.deepEqual(Object.keys(suites), ["write-call"]);
    assert.deepEqual(Object.keys(notMeasured), ["wake-lateness"]);
    assert.match(stderr, /Cannot measure "wake-lateness": .*(rt-tests|denied SCHED_FIFO)/);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a suite that does not exist is a usage error that lists those that do", async () => {
  const { code, stderr } = await runBench(["transfers"]);
  assert.equal(code, 2);
  const names = [...Object.keys(expectedRows), "hardware"].sort().join(", ");
  assert.ok(stderr.startsWith(`There is no suite "transfers"; there are ${names}\n`), stderr);
});
