/**
 * `npm run bench [-- ARGUMENTS]`: runs bench/main.ts with these arguments, in Deno, then in Bun.
 * With `--json` both objects come as one, by the runtimes' names.
 */
import process from "node:process";
import { buildAbi, buildLibrary } from "./artifacts.mjs";
import { showProgress } from "./progress.mjs";
import {
  benchPackages,
  installDebianPackages,
  installNodeModules,
  playbackPackages,
} from "./setup.mjs";
import { CommandError, describeEnd, run, runMain } from "./subprocess.mjs";
import { bun, deno, hostTarget } from "./toolchain.mjs";

const timeoutMs = 30 * 60_000;
const usageExitCode = 2;
// A suite lacked what it needs; the others ran.
const notMeasuredExitCode = 3;
const runtimes = {
  Deno: [deno, ["run", "--no-prompt", "--allow-all", "bench/main.ts"]],
  Bun: [bun, ["bench/main.ts"]],
};

async function runBench(name, args, options) {
  const [command, commandArgs] = runtimes[name];
  const result = await run(command, [...commandArgs, ...args], { ...options, timeoutMs });
  if ([0, usageExitCode, notMeasuredExitCode].includes(result.code)) return result;
  throw new CommandError(`${name}: ${describeEnd(result)}`, result.output ?? "");
}

async function printTables(args) {
  let exitCode = 0;
  for (const name of Object.keys(runtimes)) {
    const { code } = await runBench(name, args, { inherit: true });
    // The other runtime would say the same.
    if (code === usageExitCode || args.includes("--help")) return code;
    exitCode = Math.max(exitCode, code);
    process.stdout.write("\n");
  }
  return exitCode;
}

async function printJson(args) {
  const objects = {};
  let exitCode = 0;
  for (const name of Object.keys(runtimes)) {
    const { code, stdout, stderr } = await showProgress(name, () => runBench(name, args));
    process.stderr.write(stderr);
    if (code === usageExitCode) return code;
    exitCode = Math.max(exitCode, code);
    objects[name.toLowerCase()] = JSON.parse(stdout);
  }
  process.stdout.write(`${JSON.stringify(objects)}\n`);
  return exitCode;
}

async function main(args) {
  await installNodeModules();
  if (!await installDebianPackages(playbackPackages)) return 1;
  // Without them the suites that compare with them say so, and the others run.
  await installDebianPackages(benchPackages);
  await buildLibrary(hostTarget);
  await buildAbi();
  const isJson = args.includes("--json") && !args.includes("--help");
  return isJson ? await printJson(args) : await printTables(args);
}

await runMain(main);
