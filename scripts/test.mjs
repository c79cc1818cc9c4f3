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
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import {
  abiFile,
  buildAbi,
  buildDist,
  buildLibrary,
  generateAbi,
  runZigBuild,
} from "./artifacts.mjs";
import { parseJunit } from "./junit.mjs";
import { formatSeconds, startSpinner } from "./progress.mjs";
import { bootMachine } from "../tests/hardware/boot_machine.mjs";
import { findOrLoadDebianKernel } from "../tests/hardware/debian_kernel.mjs";
import { bootKernel } from "../tests/kernel/boot_kernel.mjs";
import { findKernel, findOrBuildKernel, hasOption } from "../tests/kernel/find_kernel.mjs";
import { installServers } from "../tests/servers/install_servers.mjs";
import { runWithServers } from "../tests/servers/run_with_servers.mjs";
import {
  hardwarePackages,
  installDebianPackages,
  installNodeModules,
  kernelPackages,
  testPackages,
} from "./setup.mjs";
import { filesBelow } from "./stamp.mjs";
import { CommandError, describeEnd, run, runMain } from "./subprocess.mjs";
import { withTemporaryFolder } from "./temporary_folder.mjs";
import { bun, deno, libraryTargets, root, tsc, zig } from "./toolchain.mjs";

/** Those that run when nothing else is asked for. */
const usualParts = ["checks", "zig", "deno", "bun", "kernel", "servers"];
const parts = [...usualParts, "hardware"];
const usage = `Usage: npm test -- [FILTER ...] [--all] [--only ${parts.join("|")}]\n`;
const fileTimeoutMs = 5 * 60_000;
const kernelFolder = "tests/kernel/";
/** None takes more than half a minute, except where the machine is very busy. */
const kernelTimeoutMs = 100_000;
const hardwareFolder = "tests/hardware/";
/** None takes more than a minute, except where the machine is very busy. */
const hardwareTimeoutMs = 10 * 60_000;
const guestRuntimes = ["bun", "deno"];
const serversFolder = "tests/servers/";
/** Nothing in it but waiting: it runs beside all the others. */
const longestForServers = "tests/servers/minute_test.ts";
/** Where the servers' own libraries must make none of their threads realtime. */
const withOrdinaryClients = ["tests/servers/scheduling_test.ts"];
/** Where a test file runs. */
function placeOf(file) {
  if (file.startsWith(kernelFolder)) return "kernel";
  if (file.startsWith(serversFolder)) return "servers";
  return file.startsWith(hardwareFolder) ? "hardware" : "host";
}
/** What a test file needs of its kernel besides ALSA. */
const kernelOptions = { "tests/kernel/suspend_test.ts": "CONFIG_SUSPEND" };
const bunTestTimeoutMs = 2 * 60_000;
const uncaughtGuard = "scripts/fail_on_uncaught.mjs";
const nameColumns = 52;
const denoPermissions = ["ffi", "read", "write", "env", "run", "sys"].map((name) =>
  `--allow-${name}`
);

/** Checks by their names; each counts as one test and passes when its command exits with 0. */
const checks = [
  ["deno fmt", [deno, "fmt", "--check"]],
  ["deno lint", [deno, "lint", "--quiet"]],
  ["deno check", [deno, "check", "--quiet"]],
  ["deno doc --lint", [deno, "doc", "--lint", "--quiet", "mod.ts", "lib/testing/mod.ts"]],
  ["zig fmt", [zig, "fmt", "--check", "zig/build.zig", "zig/src", "tests/purity"]],
];

const totals = { passed: 0, failed: 0, skipped: 0, failures: [], notRun: [] };

function printResult(name, { passed, failed, skipped = 0 }, startMs) {
  const verdict = failed > 0 ? "FAIL" : "ok  ";
  const counts = [
    `${passed} passed`,
    failed && `${failed} failed`,
    skipped && `${skipped} skipped`,
  ];
  const seconds = formatSeconds(performance.now() - startMs).padStart(8);
  const text = counts.filter(Boolean).join(", ");
  process.stdout.write(`${verdict}  ${name.padEnd(nameColumns)} ${seconds}  ${text}\n`);
}

/**
 * Runs one step and adds its counts to the totals. A step returns `passed`, `failedNames`,
 * `output`, and `skipped` where it can; its output is shown only when something failed, but for the
 * tables in it.
 */
async function runStep(name, action) {
  const startMs = performance.now();
  const stopSpinner = startSpinner(name);
  const { passed, failedNames, skipped = 0, output } = await action().catch((error) => {
    if (!(error instanceof CommandError)) throw error;
    return { passed: 0, failedNames: [error.message], output: error.output };
  });
  stopSpinner();
  const failed = failedNames.length;
  printResult(name, { passed, failed, skipped }, startMs);
  const shown = failed > 0 ? output.trimEnd() : output.match(/^\|.*$/gm)?.join("\n") ?? "";
  if (shown !== "") process.stdout.write(`${shown.replace(/^/gm, "      ")}\n`);
  totals.passed += passed;
  totals.failed += failed;
  totals.skipped += skipped;
  totals.failures.push(...failedNames.map((failure) => `${name}: ${failure}`));
}

const asOneTest = (failure, output) => ({
  passed: failure === undefined ? 1 : 0,
  failedNames: failure === undefined ? [] : [failure],
  output,
});

async function runCheck([command, ...args]) {
  const result = await run(command, args);
  return asOneTest(result.code === 0 ? undefined : describeEnd(result), result.output);
}

async function compareAbi() {
  const text = await generateAbi();
  const file = path.join(root, abiFile);
  const isSame = existsSync(file) && readFileSync(file, "utf8") === text;
  const failure = isSame ? undefined : `"${abiFile}" is not what the sources generate`;
  return asOneTest(failure, "Run npm run build and commit the file");
}

/** A program of a user, against the shipped declarations. */
async function checkConsumer() {
  await buildDist();
  return await runCheck([process.execPath, tsc, "--project", "tests/consumer/tsconfig.json"]);
}

async function buildAll() {
  for (const name of Object.keys(libraryTargets)) await buildLibrary(name);
  await buildAbi();
  return asOneTest(undefined, "");
}

/** Zig's summary line has the counts; a leak fails the run without failing a test in it. */
async function runZigTests() {
  const result = await runZigBuild(["test", "--summary", "line"]);
  const summary = /; (\d+)\/(\d+) tests passed(?: \((.*)\))?/.exec(result.output);
  if (summary === null) return { passed: 0, failedNames: ["ran no test"], output: result.output };
  const [, passed, total, rest = ""] = summary;
  const skipped = Number(/(\d+) skipped/.exec(rest)?.[1] ?? 0);
  const failedNames = [...result.output.matchAll(/^error: '(.*)' (?:failed|leaked|logged)/gm)];
  const failedCount = Number(total) - Number(passed) - skipped;
  const names = failedNames.map(([, name]) => name).slice(0, failedCount);
  while (names.length < failedCount) names.push("crashed or timed out");
  if (result.code !== 0 && names.length === 0) names.push(describeEnd(result));
  return { passed: Number(passed), skipped, failedNames: names, output: result.output };
}

/** Each runtime's command for one test file that is to write a JUnit report. */
const runners = {
  deno: (file, report) => {
    // Deno guards /proc, where ALSA's files are, by more than its permission to read, and programs
    // that load libraries from elsewhere by more than that to run.
    const permissions = placeOf(file) === "host" ? denoPermissions : ["--allow-all"];
    const flags = ["--no-check", "--no-prompt", `--preload=${uncaughtGuard}`, ...permissions];
    return [deno, ["test", ...flags, `--junit-path=${report}`, file]];
  },
  bun: (file, report) => {
    const reporter = ["--reporter=junit", `--reporter-outfile=${report}`];
    return [bun, ["test", `--timeout=${bunTestTimeoutMs}`, ...reporter, `./${file}`]];
  },
};

async function runTestFile(runtime, file, report) {
  const [command, args] = runners[runtime](file, report);
  return countTests(await run(command, args, { timeoutMs: fileTimeoutMs }), report);
}

function countTests(result, report) {
  const counts = parseJunit(existsSync(report) ? readFileSync(report, "utf8") : "");
  const { passed, skipped, failedNames } = counts;
  if (result.code !== 0 && failedNames.length === 0) failedNames.push(describeEnd(result));
  if (passed + skipped + failedNames.length === 0) failedNames.push("ran no test");
  return { passed, skipped, failedNames, output: result.output };
}

async function runTestFiles(runtime, files) {
  await withTemporaryFolder(async (folder) => {
    for (const [index, file] of files.entries()) {
      const report = path.join(folder, `${index}.xml`);
      await runStep(`${file} (${runtime})`, () => runTestFile(runtime, file, report));
    }
  });
}

/** The runtime, and all that the test starts, run in a kernel of their own. */
function runInKernel(image, runtime, file) {
  return withTemporaryFolder(async (out) => {
    const report = path.join(out, "report.xml");
    const [program, args] = runners[runtime](file, report);
    const command = [program, ...args];
    const options = { clock: "deterministic", timeoutMs: kernelTimeoutMs };
    const result = await bootKernel({ image, out, command, ...options });
    return { ...countTests(result, report), timedOut: result.timedOut };
  });
}

/**
 * A thread that spins until another one gets on stops the time of this kernel, and with it the
 * scheduler that would let the other one on. What did not end runs once more, and is told.
 */
async function runTwiceIfStuck(image, runtime, file) {
  const result = await runInKernel(image, runtime, file);
  if (!result.timedOut) return result;
  const seconds = kernelTimeoutMs / 1000;
  process.stdout.write(`AGAIN ${file} (${runtime}): it did not end within ${seconds} s\n`);
  return await runInKernel(image, runtime, file);
}

function noteNotRun(what, why) {
  process.stdout.write(`NOT RUN  ${what}: ${why}\n`);
  totals.notRun.push(what);
}

async function runKernelTests(files, buildsKernel) {
  await installDebianPackages(kernelPackages);
  const image = buildsKernel ? await findOrBuildKernel() : findKernel();
  if (image === undefined) {
    noteNotRun(kernelFolder, "no kernel is ready; npm run test:kernel builds one");
    return;
  }
  for (const file of files) {
    const option = kernelOptions[file];
    if (option !== undefined && !hasOption(image, option)) {
      noteNotRun(file, `the kernel in ${image} was built without ${option}`);
      continue;
    }
    // Side by side: no kernel notices how busy the machine is.
    const runs = guestRuntimes.map((runtime) => runTwiceIfStuck(image, runtime, file));
    for (const [index, runtime] of guestRuntimes.entries()) {
      await runStep(`${file} (${runtime})`, () => runs[index]);
    }
  }
}

/** The same in an emulated machine. */
function runInMachine(kernel, runtime, file) {
  return withTemporaryFolder(async (out) => {
    const report = path.join(out, "report.xml");
    const [program, args] = runners[runtime](file, report);
    const command = [program, ...args];
    const result = await bootMachine({ kernel, out, command, timeoutMs: hardwareTimeoutMs });
    return countTests(result, report);
  });
}

async function runHardwareTests(files) {
  if (!await installDebianPackages(hardwarePackages)) {
    throw new CommandError("Cannot emulate a machine without these packages", "");
  }
  const kernel = await findOrLoadDebianKernel();
  for (const file of files) {
    const runs = guestRuntimes.map((runtime) => runInMachine(kernel, runtime, file));
    for (const [index, runtime] of guestRuntimes.entries()) {
      await runStep(`${file} (${runtime})`, () => runs[index]);
    }
  }
}

async function runServerTest(packages, runtime, file) {
  return await withTemporaryFolder(async (out) => {
    const report = path.join(out, "report.xml");
    const command = runners[runtime](file, report).flat();
    const ordinaryClients = withOrdinaryClients.includes(file);
    const options = { packages, command, ordinaryClients, timeoutMs: fileTimeoutMs };
    const result = await runWithServers(options);
    return countTests(result, report);
  });
}

/** One file after the other, but the longest; each under both runtimes side by side. */
async function runServerTests(files, mustRun) {
  let packages;
  try {
    packages = await installServers();
  } catch (error) {
    if (mustRun || !(error instanceof CommandError)) throw error;
    if (error.output) process.stderr.write(`${error.output.trimEnd()}\n`);
    return noteNotRun(serversFolder, error.message);
  }
  const start = (file) =>
    ["deno", "bun"].map((runtime) => ({
      name: `${file} (${runtime})`,
      run: runServerTest(packages, runtime, file),
    }));
  const longest = files.includes(longestForServers) ? start(longestForServers) : [];
  for (const file of files.filter((file) => file !== longestForServers)) {
    for (const { name, run } of start(file)) await runStep(name, () => run);
  }
  for (const { name, run } of longest) await runStep(name, () => run);
}

async function runChecks() {
  for (const [name, command] of checks) await runStep(name, () => runCheck(command));
  // Before the build, which would bring the file up to date.
  await runStep("generated ABI", compareAbi);
  await runStep("declarations for lib es2022", checkConsumer);
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
  const all = filters.length === 0 ? usualParts : ["deno", "bun", "kernel", "servers"];
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

function printTotals() {
  const { passed, failed, skipped, failures, notRun } = totals;
  if (failures.length > 0) process.stdout.write(`\nFailed:\n  ${failures.join("\n  ")}\n`);
  if (notRun.length > 0) process.stdout.write(`\nNot run:\n  ${notRun.join("\n  ")}\n`);
  const tail = skipped > 0 ? `, ${skipped} skipped` : "";
  process.stdout.write(`\n${passed} passed, ${failed} failed${tail}\n`);
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
  const { filters, selected, buildsKernel, needsServers } = parsed;
  const filesOf = (place) => files.filter((file) => placeOf(file) === place);
  const kernelFiles = filesOf("kernel");
  const serverFiles = filesOf("servers");
  const hardwareFiles = filesOf("hardware");
  if (selected.includes("checks")) await runChecks();
  await runStep("build of all libraries", buildAll);
  if (selected.includes("zig")) await runStep("zig build test", runZigTests);
  for (const runtime of ["deno", "bun"]) {
    if (selected.includes(runtime)) await runTestFiles(runtime, filesOf("host"));
  }
  if (selected.includes("kernel") && kernelFiles.length > 0) {
    await runKernelTests(kernelFiles, buildsKernel);
  }
  if (selected.includes("servers") && serverFiles.length > 0) {
    await runServerTests(serverFiles, needsServers);
  }
  if (selected.includes("hardware") && hardwareFiles.length > 0) {
    await runHardwareTests(hardwareFiles);
  } else if (hardwareFiles.length > 0 && filters.length > 0 && selected.length > 1) {
    noteNotRun(hardwareFolder, "only npm run test:hardware runs it");
  }
  printTotals();
  return totals.failed > 0 ? 1 : 0;
}

await runMain(main);
