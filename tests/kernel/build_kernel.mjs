/**
 * Builds the kernel that the tests boot: User Mode Linux with ALSA, from Debian's own source package
 * (150 MB to load, 5 to 10 minutes), into a cache folder. Debian's package of it comes without sound.
 */
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { mkdirSync, renameSync } from "node:fs";
import { availableParallelism } from "node:os";
import path from "node:path";
import { showProgress } from "../../scripts/progress.mjs";
import { installDebianPackages, kernelBuildPackages } from "../../scripts/setup.mjs";
import { CommandError, runOrThrow } from "../../scripts/subprocess.mjs";
import { root } from "../../scripts/toolchain.mjs";

const sourcePackage = "linux-source-6.12";
const configFile = path.join(root, "tests/kernel/kernel.config");
const buildTimeoutMs = 40 * 60_000;

/** Changes of one line each; `before` must be there. */
const patches = [
  {
    // The kernel shows programs its pointers by mmap where memory is coherent, as it is here.
    file: "sound/core/pcm_native.c",
    before: "#if defined(CONFIG_X86) || defined(CONFIG_PPC) || defined(CONFIG_ALPHA)",
    after: "#if defined(CONFIG_X86) || defined(CONFIG_UML)",
  },
  {
    // The tick that snd-aloop and snd-pcmtest move their pointers by.
    file: "arch/um/Kconfig",
    before: "config HZ\n\tint\n\tdefault 100\n",
    after: "config HZ\n\tint\n\tdefault 1000\n",
  },
];

async function unpackSource(folder) {
  await runOrThrow("apt-get", ["download", "-q", "-o", "APT::Sandbox::User=root", sourcePackage], {
    cwd: folder,
  });
  const file = readdirSync(folder).find((name) => name.endsWith(".deb"));
  await runOrThrow("dpkg-deb", ["--extract", file, "package"], { cwd: folder });
  const archive = `package/usr/src/${sourcePackage}.tar.xz`;
  await runOrThrow("tar", ["--extract", "--xz", "--file", archive], { cwd: folder });
  rmSync(path.join(folder, "package"), { recursive: true });
  return path.join(folder, sourcePackage);
}

function patchSource(source) {
  for (const { file, before, after } of patches) {
    const name = path.join(source, file);
    const text = readFileSync(name, "utf8");
    if (!text.includes(before)) {
      throw new CommandError(`Cannot patch "${file}" of ${sourcePackage}: it has changed`, before);
    }
    writeFileSync(name, text.replace(before, after));
  }
}

/** Every wanted line must be there: an option whose dependencies are missing vanishes silently. */
function checkConfig(source) {
  const isOption = (line) => line.startsWith("CONFIG_");
  const wanted = readFileSync(configFile, "utf8").split("\n").filter(isOption);
  const taken = new Set(readFileSync(path.join(source, ".config"), "utf8").split("\n"));
  const missing = wanted.filter((line) => !taken.has(line));
  if (missing.length === 0) return;
  throw new CommandError("The kernel does not take its configuration", missing.join("\n"));
}

async function compile(source, image) {
  const make = (...args) =>
    runOrThrow("make", ["--silent", "ARCH=um", "SUBARCH=x86_64", ...args], {
      cwd: source,
      env: { KCONFIG_ALLCONFIG: configFile },
      timeoutMs: buildTimeoutMs,
    });
  await make("allnoconfig");
  checkConfig(source);
  await make(`--jobs=${availableParallelism()}`, "linux", "modules");
  await make("modules_install", `INSTALL_MOD_PATH=${image}`, "INSTALL_MOD_STRIP=1");
  await runOrThrow("strip", ["-o", path.join(image, "linux"), path.join(source, "linux")]);
  cpSync(path.join(source, ".config"), path.join(image, "config"));
}

/** Builds the kernel into a folder that does not exist yet; it is there whole, or not at all. */
export async function buildKernel(image) {
  if (existsSync(image)) return;
  if (!await installDebianPackages(kernelBuildPackages)) {
    throw new CommandError("Cannot build a kernel without these packages", "");
  }
  const work = `${image}.work`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  const unfinished = path.join(work, "image");
  mkdirSync(unfinished);
  await showProgress(`Building a kernel in ${image} (5 to 10 minutes)`, async () => {
    const source = await unpackSource(work);
    patchSource(source);
    await compile(source, unfinished);
  });
  renameSync(unfinished, image);
  rmSync(work, { recursive: true });
}
