/** `npm run bench [-- ARGUMENTS]`: runs bench/main.ts with them, in Deno, then in Bun. */
import process from "node:process";
import { buildAbi, buildLibrary } from "./artifacts.mjs";
import { installDebianPackages, installNodeModules, playbackPackages } from "./setup.mjs";
import { run, runMain } from "./subprocess.mjs";
import { bun, deno, hostTarget } from "./toolchain.mjs";

const timeoutMs = 30 * 60_000;
const runtimes = {
  Deno: [deno, ["run", "--no-prompt", "--allow-all", "bench/main.ts"]],
  Bun: [bun, ["bench/main.ts"]],
};

async function main(args) {
  await installNodeModules();
  if (!await installDebianPackages(playbackPackages)) return 1;
  await buildLibrary(hostTarget);
  await buildAbi();
  let exitCode = 0;
  for (const [name, [command, commandArgs]] of Object.entries(runtimes)) {
    process.stderr.write(`${name}\n`);
    const { code } = await run(command, [...commandArgs, ...args], { inherit: true, timeoutMs });
    if (code !== 0) exitCode = 1;
  }
  return exitCode;
}

await runMain(main);
