/**
 * `npm run bench [-- ARGUMENTS]`: runs bench/main.ts with these arguments, in Deno, then in Bun.
 * With `--json` both objects come as one, by the runtimes' names.
 */
import process from "node:process";
import { buildAbi, buildLibrary } from "./artifacts.mjs";
import { showProgress } from "./progress.mjs";
import { installDebianPackages, installNodeModules, playbackPackages } from "./setup.mjs";
import { CommandError, describeEnd, run, runMain, runOrThrow } from "./subprocess.mjs";
import { bun, deno, hostTarget } from "./toolchain.mjs";

const timeoutMs = 30 * 60_000;
const usageExitCode = 2;
const runtimes = {
  Deno: [deno, ["run", "--no-prompt", "--allow-all", "bench/main.ts"]],
  Bun: [bun, ["bench/main.ts"]],
};

async function printTables(args) {
  for (const [name, [command, commandArgs]] of Object.entries(runtimes)) {
    const result = await run(command, [...commandArgs, ...args], { inherit: true, timeoutMs });
    // The other runtime would refuse the arguments as well.
    if (result.code === usageExitCode) return usageExitCode;
    if (result.code !== 0) throw new CommandError(`${name}: ${describeEnd(result)}`, "");
    if (args.includes("--help")) return 0;
    process.stdout.write("\n");
  }
  return 0;
}

async function printJson(args) {
  const objects = {};
  for (const [name, [command, commandArgs]] of Object.entries(runtimes)) {
    const { stdout } = await showProgress(
      name,
      () => runOrThrow(command, [...commandArgs, ...args], { timeoutMs }),
    );
    objects[name.toLowerCase()] = JSON.parse(stdout);
  }
  process.stdout.write(`${JSON.stringify(objects)}\n`);
  return 0;
}

async function main(args) {
  await installNodeModules();
  if (!await installDebianPackages(playbackPackages)) return 1;
  await buildLibrary(hostTarget);
  await buildAbi();
  const isJson = args.includes("--json") && !args.includes("--help");
  return isJson ? await printJson(args) : await printTables(args);
}

await runMain(main);
