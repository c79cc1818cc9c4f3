/** Where the kernel of the tests is, or will be once it was built. */
import { existsSync, readFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { homedir } from "node:os";
import path from "node:path";
import process from "node:process";
import { CommandError } from "../../scripts/subprocess.mjs";
import { root } from "../../scripts/toolchain.mjs";
import { buildKernel } from "./build_kernel.mjs";

const isKernel = (folder) => existsSync(path.join(folder, "linux"));

/** A folder of its own for each state of the files that what is in it is made by. */
export function cacheFolder(name, files) {
  const hash = createHash("sha256");
  for (const file of files) hash.update(readFileSync(path.join(root, file)));
  const cache = process.env.XDG_CACHE_HOME || path.join(homedir(), ".cache");
  return path.join(cache, "halflap", `${name}-${hash.digest("hex").slice(0, 16)}`);
}

const builtKernel = () =>
  cacheFolder("kernel", ["tests/kernel/kernel.config", "tests/kernel/build_kernel.mjs"]);

/** The folder of a kernel that is ready, or undefined. */
export function findKernel() {
  const wanted = process.env.HALFLAP_KERNEL;
  if (wanted) {
    const folder = path.resolve(wanted);
    if (isKernel(folder)) return folder;
    throw new CommandError(`There is no kernel in HALFLAP_KERNEL: no "${folder}/linux"`, "");
  }
  return [path.resolve(root, "../shared/kernel/image"), builtKernel()].find(isKernel);
}

/** The folder of a kernel; builds one where none is ready. */
export async function findOrBuildKernel() {
  const ready = findKernel();
  if (ready !== undefined) return ready;
  const folder = builtKernel();
  await buildKernel(folder);
  return folder;
}

/** Whether a kernel was built with an option, such as `CONFIG_PM`. */
export function hasOption(image, option) {
  return readFileSync(path.join(image, "config"), "utf8").split("\n").includes(`${option}=y`);
}
