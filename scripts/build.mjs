/**
 * `npm run build [-- --all] [-- --dist]`: builds the shared library for this machine and the
 * generated TypeScript of its ABI; with --all the library for every target, with --dist the
 * JavaScript and declarations that the package ships. Skips what has not changed.
 */
import process from "node:process";
import { buildAbi, buildDist, buildLibrary } from "./artifacts.mjs";
import { installNodeModules } from "./setup.mjs";
import { runMain } from "./subprocess.mjs";
import { hostTarget, libraryTargets } from "./toolchain.mjs";

async function main(args) {
  const unknown = args.find((arg) => arg !== "--all" && arg !== "--dist");
  if (unknown !== undefined) {
    process.stderr.write(`Unknown argument "${unknown}": use --all, --dist, both or none\n`);
    return 2;
  }
  await installNodeModules();
  for (const name of args.includes("--all") ? Object.keys(libraryTargets) : [hostTarget]) {
    await buildLibrary(name);
  }
  await buildAbi();
  if (args.includes("--dist")) await buildDist();
  return 0;
}

await runMain(main);
