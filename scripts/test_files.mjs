/** Runs a test file in a process of its own, under either runtime, and counts its tests. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { parseJunit } from "./junit.mjs";
import { describeEnd } from "./subprocess.mjs";
import { withTemporaryFolder } from "./temporary_folder.mjs";
import { bun, deno } from "./toolchain.mjs";

/** The runtimes that each test file runs under. */
export const runtimes = ["deno", "bun"];

const bunTestTimeoutMs = 2 * 60_000;
const uncaughtGuard = "scripts/fail_on_uncaught.mjs";

/** Each runtime's command for one test file that is to write a JUnit report. */
const commands = {
  deno: (file, report, permissions) => {
    const flags = ["--no-check", "--no-prompt", `--preload=${uncaughtGuard}`, ...permissions];
    return [deno, "test", ...flags, `--junit-path=${report}`, file];
  },
  bun: (file, report) => {
    const reporter = ["--reporter=junit", `--reporter-outfile=${report}`];
    return [bun, "test", `--timeout=${bunTestTimeoutMs}`, ...reporter, `./${file}`];
  },
};

function countTests(result, report) {
  const counts = parseJunit(existsSync(report) ? readFileSync(report, "utf8") : "");
  const { passed, skipped, failedNames } = counts;
  if (result.code !== 0 && failedNames.length === 0) failedNames.push(describeEnd(result));
  if (passed + skipped + failedNames.length === 0) failedNames.push("ran no test");
  return { passed, skipped, failedNames, output: result.output };
}

/**
 * Runs a test file by what `execute` does with its command and a temporary folder: it returns what
 * `run()` does. Deno guards /proc, where ALSA's files are, by more than its permission to read, and
 * programs that load libraries from elsewhere by more than that to run.
 */
export function runTestFile(runtime, file, execute, permissions = ["--allow-all"]) {
  return withTemporaryFolder(async (folder) => {
    const report = path.join(folder, "report.xml");
    const result = await execute(commands[runtime](file, report, permissions), folder);
    return { ...countTests(result, report), timedOut: result.timedOut };
  });
}

/** Begins a test file under each runtime side by side; returns the steps. */
export const beginTestFile = (file, start) =>
  runtimes.map((runtime) => {
    const result = start(runtime);
    // Where it fails, that is told when it is its turn.
    result.catch(() => {});
    return { name: `${file} (${runtime})`, result };
  });
