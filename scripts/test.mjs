/**
 * `npm test [-- FILTER ...] [--all] [--only checks|zig|deno|bun|kernel|servers|hardware]`: sets up,
 * builds, checks, tests, all of it even when a part fails, and closes with the line
 * `N passed, N failed`. With FILTER only the test files with one of the texts in their path run, under
 * both runtimes. Each test file runs in a process of its own, so that a crash costs the results of its
 * file alone.
 *
 * Those of tests/kernel/ run in a kernel of their own each, where one is ready; with `--all` and with
 * `--only kernel` one is built where none is, which takes 5 to 10 minutes. Those of tests/hardware/
 * run in an emulated machine of their own each, and with `--only hardware` alone.
 *
 * Those of tests/servers/ run with sound servers from Debian's packages. Where these cannot be had,
 * that is a failure with `--only servers` and in CI.
 */
import process from "node:process";
import { runHardwareTests } from "../tests/hardware/run_tests.mjs";
import { runKernelTests } from "../tests/kernel/run_tests.mjs";
import { runServerTests } from "../tests/servers/run_tests.mjs";
import { buildAbi, buildLibrary } from "./artifacts.mjs";
import { installDebianPackages, installNodeModules, testPackages } from "./setup.mjs";
import { filesBelow } from "./stamp.mjs";
import { run, runMain } from "./subprocess.mjs";
import { runChecks } from "./test_checks.mjs";
import { runTestFile, runtimes } from "./test_files.mjs";
import { asOneTest, noteNotRun, printTotals, runStep } from "./test_steps.mjs";
import { runZigTests } from "./test_zig.mjs";
import { libraryTargets } from "./toolchain.mjs";

/** Those that run when nothing else is asked for. */
const usualParts = ["checks", "zig", ...runtimes, "kernel", "servers"];
const parts = [...usualParts, "hardware"];
const usage = `Usage: npm test -- [FILTER ...] [--all] [--only ${parts.join("|")}]\n`;
/** Parts whose test files are in a folder of their own. */
const tiers = ["kernel", "servers", "hardware"];
const fileTimeoutMs = 5 * 60_000;
const denoPermissions = ["ffi", "read", "write", "env", "run", "sys"].map((name) =>
  `--allow-${name}`
);

async function buildAll() {
  for (const name of Object.keys(libraryTargets)) await buildLibrary(name);
  await buildAbi();
  return asOneTest(undefined, "");
}

async function runTestFiles(runtime, files) {
  const execute = ([program, ...args]) => run(program, args, { timeoutMs: fileTimeoutMs });
  for (const file of files) {
    const action = () => runTestFile(runtime, file, execute, denoPermissions);
    await runStep(`${file} (${runtime})`, action);
  }
}

function findTestFiles(filters) {
  const files = [...filesBelow("tests"), ...filesBelow("lib")];
  const tests = files.filter((file) => file.endsWith("_test.ts"));
  return tests.filter((file) =>
    filters.length === 0 || filters.some((text) => file.includes(text))
  );
}

/** Returns the filters and the parts to run, or undefined where the arguments make no sense. */
function parseArguments(args) {
  const only = args.indexOf("--only");
  const part = only === -1 ? undefined : args[only + 1];
  if (only !== -1 && !parts.includes(part)) return undefined;
  const rest = only === -1 ? args : args.toSpliced(only, 2);
  const filters = rest.filter((text) => text !== "--all");
  if (filters.some((text) => text.startsWith("-"))) return undefined;
  const all = filters.length === 0
    ? usualParts
    : usualParts.filter((name) => tiers.includes(name) || runtimes.includes(name));
  return {
    filters,
    selected: only === -1 ? all : [part],
    buildsKernel: part === "kernel" || rest.includes("--all"),
    needsServers: part === "servers" || Boolean(process.env.CI),
  };
}

/**
 * What is random in the tests is the same for the same commit, and other for the next. Without git or
 * a commit it is other each time.
 */
async function seedOfCommit() {
  const { code, output } = await run("git", ["rev-parse", "HEAD"]).catch(() => ({ code: -1 }));
  return code === 0 ? Number.parseInt(output.slice(0, 7), 16) : Date.now() % 2 ** 31;
}

/** Runs the tests of a tier, if there are some to run. */
async function runTier(name, runTests, { files, selected, filters }) {
  const folder = `tests/${name}/`;
  const found = files.filter((file) => file.startsWith(folder));
  if (found.length === 0) return;
  if (selected.includes(name)) await runTests(found);
  else if (filters.length > 0 && selected.length > 1) {
    noteNotRun(folder, `only npm run test:${name} runs it`);
  }
}

async function main(args) {
  const parsed = parseArguments(args);
  const files = findTestFiles(parsed?.filters ?? []);
  if (parsed === undefined || files.length === 0) {
    process.stderr.write(parsed === undefined ? usage : "Cannot find a test file of that name\n");
    return 2;
  }
  await installNodeModules();
  await installDebianPackages(testPackages);
  process.env.HALFLAP_TEST_SEED ??= String(await seedOfCommit());
  const { selected, buildsKernel, needsServers } = parsed;
  if (selected.includes("checks")) await runChecks();
  await runStep("build of all libraries", buildAll);
  if (selected.includes("zig")) await runStep("zig build test", runZigTests);
  const isOfTier = (file) => tiers.some((name) => file.startsWith(`tests/${name}/`));
  const hostFiles = files.filter((file) => !isOfTier(file));
  for (const runtime of runtimes) {
    if (selected.includes(runtime)) await runTestFiles(runtime, hostFiles);
  }
  const found = { ...parsed, files };
  await runTier("kernel", (files) => runKernelTests(files, { buildsKernel }), found);
  await runTier("servers", (files) => runServerTests(files, { mustRun: needsServers }), found);
  await runTier("hardware", runHardwareTests, found);
  return printTotals() ? 0 : 1;
}

await runMain(main);
