/** `halflap doctor`, in processes of its own under the runtime that runs this file. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { enginePath } from "../lib/ffi/engine.ts";
import { root, test } from "./harness.ts";
import { deno, type Finished, run, type RunOptions, temporaryFolder } from "./programs.ts";

interface Check {
  readonly id: string;
  readonly area: string;
  readonly title: string;
  readonly status: string;
  readonly found: string;
  readonly meaning: string;
  readonly mend?: string;
}

const main = path.join(root, "lib/cli/main.ts");
const ids = [
  ...["libasound", "sound-cards", "device-access", "busy-devices", "realtime-scheduling"],
  ...["realtime-limit", "realtime-timeout", "realtime-throttling", "realtime-threads", "rtkit"],
  ...["container", "realtime-group", "cpu-quota", "locked-memory", "swappiness", "preemption"],
  ...["timers", "clocksource", "governor", "cpu-dma-latency"],
];

/** The command, after what changes the process it runs in. */
function doctor(
  args: readonly string[],
  options: RunOptions & { readonly within?: readonly string[] } = {},
): Promise<Finished> {
  const { within = [], ...others } = options;
  const flags = process.versions.deno === undefined ? [] : ["run", "--no-prompt", "--allow-all"];
  // By "env": what Deno starts itself with gets its own permissions.
  const command = [...within, process.execPath, ...flags, main, "doctor", ...args];
  return run("/usr/bin/env", command, others);
}

function parseChecks({ code, stdout, stderr }: Finished): readonly Check[] {
  assert.equal(stderr, "");
  const checks: readonly Check[] = JSON.parse(stdout);
  const isProblem = checks.some(({ status }) => status === "problem");
  assert.equal(code, isProblem ? 1 : 0, stdout);
  return checks;
}

function find(checks: readonly Check[], id: string): Check {
  const found = checks.find((check) => check.id === id);
  assert.ok(found !== undefined, id);
  return found;
}

test("checks are printed as an array of objects, and the exit code sums them up", async () => {
  const checks = parseChecks(await doctor(["--json"]));
  assert.deepEqual(checks.map(({ id }) => id), ids);
  for (const check of checks) {
    const { status, mend } = check;
    const fields = ["id", "area", "title", "status", "found", "meaning"];
    assert.deepEqual(Object.keys(check), mend === undefined ? fields : [...fields, "mend"]);
    for (const text of Object.values(check)) assert.ok(typeof text === "string" && text !== "");
    assert.ok(["ok", "advice", "problem", "unknown"].includes(status), status);
    assert.equal(mend !== undefined, status === "advice" || status === "problem", check.id);
  }
  const { status, found } = find(checks, "libasound");
  assert.equal(status, "ok");
  assert.match(found, /^1\.\d+\.\d+/);
});

test("report names every check, and closes with a summary", async () => {
  const checks = parseChecks(await doctor(["--json"]));
  const { code, stdout, stderr } = await doctor([]);
  assert.equal(stderr, "");
  const lines = stdout.trimEnd().split("\n");
  for (const { area, title } of checks) {
    assert.ok(lines.includes(area), area);
    const line = new RegExp(`^  (ok|advice|problem|unknown) +${title}  `);
    assert.ok(lines.some((candidate) => line.test(candidate)), title);
  }
  assert.match(lines.at(-1)!, /^20 checks: /);
  assert.equal(code, /^ {2}problem /m.test(stdout) ? 1 : 0);
});

test("help tells the fields and the exit codes", async () => {
  for (const flag of ["--help", "-h"]) {
    const { code, stdout } = await doctor([flag]);
    assert.equal(code, 0);
    for (const field of ["id", "area", "title", "status", "found", "meaning", "mend"]) {
      assert.match(stdout, new RegExp(`^ {23}${field} `, "m"));
    }
    assert.match(stdout, /^Exit codes: 0 no problem, 1 /m);
  }
});

test("arguments that make no sense end with exit code 2", async () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ["x", /^Unexpected argument "x"\n/],
    ["--loud", /^Unknown option "--loud"\n/],
    ["--json=1", /^"--json" takes no value/],
  ];
  for (const [argument, message] of cases) {
    const { code, stdout, stderr } = await doctor([argument]);
    assert.deepEqual([code, stdout], [2, ""]);
    assert.match(stderr, message);
    assert.match(stderr, /\nSee: halflap doctor --help\n$/);
  }
});

test("without limit and capability, realtime scheduling is said to be denied", async () => {
  // Both come from Debian's package util-linux.
  const within = ["prlimit", "--rtprio=0", "setpriv", "--bounding-set=-sys_nice"];
  const finished = await doctor(["--json"], { within });
  const checks = parseChecks(finished);
  assert.equal(finished.code, 1);
  for (const id of ["realtime-scheduling", "realtime-limit"]) {
    assert.equal(find(checks, id).status, "problem", id);
  }
});

test("where libasound cannot be loaded, it is said which package to install", async () => {
  await using folder = await temporaryFolder();
  writeFileSync(path.join(folder.path, "libasound.so.2"), "");
  const finished = await doctor(["--json"], { env: { LD_LIBRARY_PATH: folder.path } });
  const checks = parseChecks(finished);
  assert.equal(finished.code, 1);
  const { status, found, mend } = find(checks, "libasound");
  assert.equal(status, "problem");
  assert.match(found, /file too short$/);
  assert.match(mend!, /apt-get install libasound2/);
  assert.equal(find(checks, "realtime-scheduling").status, "unknown");
});

test("what Deno does not permit is unknown, and the note says how to permit it", async () => {
  const flags = ["run", `--allow-ffi=${enginePath()}`, "--allow-read", "--no-prompt"];
  const command = [deno, ...flags, main, "doctor", "--json"];
  const { code, stdout, stderr } = await run("/usr/bin/env", command);
  assert.match(stderr, /^Deno does not permit .*; run with --allow-all\n$/);
  const checks: readonly Check[] = JSON.parse(stdout);
  assert.equal(find(checks, "libasound").status, "ok");
  const scheduling = find(checks, "realtime-scheduling").status;
  assert.equal(code, scheduling === "problem" ? 1 : 0);
  const seen = checks.filter(({ status }) => status !== "unknown").map(({ id }) => id);
  assert.deepEqual(seen, ["libasound", "realtime-scheduling"]);
  assert.match(find(checks, "swappiness").found, /--allow-all/);
});

test("command under Node permits what the doctor needs", async () => {
  const folder = path.dirname(process.execPath);
  const env = { PATH: `${folder}:${process.env["PATH"]}` };
  const bin = path.join(root, "bin/halflap.js");
  const finished = await run("/usr/bin/env", ["node", bin, "doctor", "--json"], { env });
  const checks = parseChecks(finished);
  assert.deepEqual(checks.map(({ id }) => id), ids);
  assert.doesNotMatch(finished.stdout, /--allow-all/);
});
