/**
 * Installs what a fresh clone lacks: the pinned npm packages (the toolchain among them) and the
 * Debian packages. Quick and quiet where nothing is missing.
 */
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { showProgress } from "./progress.mjs";
import { CommandError, runOrThrow } from "./subprocess.mjs";
import { root } from "./toolchain.mjs";

const minimumNodeMajor = 20;
const libraryFolders = [
  "/usr/lib/x86_64-linux-gnu",
  "/lib/x86_64-linux-gnu",
  "/usr/lib64",
  "/lib64",
  "/usr/lib",
  "/lib",
  "/usr/local/lib",
  ...(process.env.LD_LIBRARY_PATH ?? "").split(":").filter(Boolean),
];

const hasLibrary = (name) => libraryFolders.some((folder) => existsSync(path.join(folder, name)));

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

const hasProgram = (name) =>
  (process.env.PATH ?? "").split(":").some((folder) => isExecutable(path.join(folder, name)));

/** How each Debian package is known to be there, without asking a package manager. */
const debianPackages = {
  libasound2: () => hasLibrary("libasound.so.2"),
  "alsa-utils": () => hasProgram("aplay"),
  sox: () => hasProgram("sox"),
  "libsox-fmt-alsa": () => hasLibrary("sox/libsox_fmt_alsa.so"),
  ffmpeg: () => hasProgram("ffmpeg"),
  "rt-tests": () => hasProgram("cyclictest"),
  "busybox-static": () => hasProgram("busybox"),
  bc: () => hasProgram("bc"),
  bison: () => hasProgram("bison"),
  flex: () => hasProgram("flex"),
  gcc: () => hasProgram("gcc"),
  kmod: () => hasProgram("depmod"),
  "libc6-dev": () => existsSync("/usr/include/stdio.h"),
  make: () => hasProgram("make"),
  "xz-utils": () => hasProgram("xz"),
  "qemu-system-x86": () => hasProgram("qemu-system-x86_64"),
  "portaudio19-dev": () => existsSync("/usr/include/portaudio.h"),
};

/** What sounds need to be heard. */
export const playbackPackages = ["libasound2"];

/** What benchmarks compare with. */
export const benchPackages = [
  "rt-tests",
  "alsa-utils",
  "sox",
  "libsox-fmt-alsa",
  "ffmpeg",
  "portaudio19-dev",
];

/** What the tests play and compare with besides. */
export const testPackages = [
  ...["libasound2", "alsa-utils", "sox", "libsox-fmt-alsa", "ffmpeg", "rt-tests"],
];

/** What the kernel of the tests starts with. */
export const kernelPackages = ["busybox-static"];

/** What it takes to build that kernel. */
export const kernelBuildPackages = [
  ...["bc", "bison", "flex", "gcc", "kmod", "libc6-dev", "make", "xz-utils"],
];

/** What the machine with the emulated sound card is made of. */
export const hardwarePackages = ["busybox-static", "kmod", "qemu-system-x86"];

function checkHost() {
  const [major] = process.versions.node.split(".").map(Number);
  if (major < minimumNodeMajor) {
    const found = process.versions.node;
    throw new CommandError(`Cannot run on Node ${found}: install Node ${minimumNodeMajor}`, "");
  }
  if (process.platform !== "linux" || process.arch !== "x64") {
    const found = `${process.platform} ${process.arch}`;
    throw new CommandError(`Cannot develop halflap on ${found}: use Linux on x86_64`, "");
  }
}

function readLock(file) {
  const text = readFileSync(path.join(root, file), "utf8");
  return Object.entries(JSON.parse(text).packages).filter(([folder]) => folder !== "");
}

/** npm leaves a lockfile of what it installed, as its last step: its own stamp. */
function nodeModulesAreAsLocked() {
  const installedLock = "node_modules/.package-lock.json";
  if (!existsSync(path.join(root, installedLock))) return false;
  const installed = new Map(readLock(installedLock));
  return readLock("package-lock.json").every(([folder, entry]) =>
    entry.optional ||
    (installed.get(folder)?.version === entry.version &&
      installed.get(folder)?.integrity === entry.integrity &&
      existsSync(path.join(root, folder, "package.json")))
  );
}

/** Installs node_modules as package-lock.json says. */
export async function installNodeModules() {
  checkHost();
  if (nodeModulesAreAsLocked()) return;
  const args = ["ci", "--include=dev", "--ignore-scripts", "--no-audit", "--no-fund"];
  await showProgress(
    "Installing the pinned toolchain with npm (some 600 MB, about half a minute)",
    () => runOrThrow("npm", args),
  );
}

async function installWithApt(names) {
  const options = { env: { DEBIAN_FRONTEND: "noninteractive" } };
  await runOrThrow("apt-get", ["update", "-q"], options);
  await runOrThrow(
    "apt-get",
    ["install", "-q", "-y", "--no-install-recommends", ...names],
    options,
  );
}

/**
 * Installs those of the Debian packages that are missing, as root; otherwise prints the command.
 * Returns whether all are there now.
 */
export async function installDebianPackages(names) {
  const missing = names.filter((name) => !debianPackages[name]());
  if (missing.length === 0) return true;
  const list = missing.join(" ");
  if (process.getuid() !== 0 || !hasProgram("apt-get")) {
    process.stderr.write(`Missing: ${list}\nInstall with: sudo apt-get install -y ${list}\n`);
    return false;
  }
  try {
    await showProgress(`Installing ${list} with apt-get`, () => installWithApt(missing));
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    process.stderr.write(`${error.output.trimEnd()}\n${error.message}\n`);
    return false;
  }
  return missing.every((name) => debianPackages[name]());
}
