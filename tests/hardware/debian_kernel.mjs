/**
 * The kernel of the machine with the emulated sound card: Debian's own, as its users have it. It is
 * unpacked into a cache folder, and only what the machine needs of it is kept.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { showProgress } from "../../scripts/progress.mjs";
import { CommandError, run, runOrThrow } from "../../scripts/subprocess.mjs";
import { cacheFolder } from "../kernel/find_kernel.mjs";

/** The package that depends on the newest kernel. */
const metaPackage = "linux-image-amd64";

/** Drivers by what needs them: a folder of the host's, and the sound card. */
const drivers = [
  ...["virtio_pci", "9pnet_virtio", "9p"],
  // The card looks for its codec's driver just once, where nobody can load it later.
  ...["snd-hda-codec-generic", "snd-hda-intel"],
];

async function findPackage() {
  const { output } = await run("apt-cache", ["depends", "--important", metaPackage]);
  const name = /Depends: (linux-image-\S+)/.exec(output)?.[1];
  if (name !== undefined) return name;
  throw new CommandError(`Cannot find "${metaPackage}": run "apt-get update" as root`, output);
}

async function unpackPackage(work) {
  const name = await findPackage();
  await runOrThrow("apt-get", ["download", "-q", "-o", "APT::Sandbox::User=root", name], {
    cwd: work,
  });
  const file = readdirSync(work).find((entry) => entry.endsWith(".deb"));
  await runOrThrow("dpkg-deb", ["--extract", file, "package"], { cwd: work });
  return path.join(work, "package");
}

/** Files of the drivers, and of those that they need, in the order in which they are loaded. */
async function findModules(unpacked, release) {
  await runOrThrow("depmod", [`--basedir=${unpacked}`, release]);
  const options = [`--dirname=${unpacked}`, `--set-version=${release}`, "--show-depends"];
  const files = [];
  for (const driver of drivers) {
    const { stdout } = await runOrThrow("modprobe", [...options, driver]);
    files.push(...[...stdout.matchAll(/^insmod (\S+)/gm)].map(([, file]) => file));
  }
  return [...new Set(files)];
}

async function unpackKernel(work) {
  const unpacked = await unpackPackage(work);
  const [release] = readdirSync(path.join(unpacked, "lib/modules"));
  const modules = path.join(work, "kernel/modules");
  mkdirSync(modules, { recursive: true });
  const files = await findModules(unpacked, release);
  for (const file of files) cpSync(file, path.join(modules, path.basename(file)));
  const order = files.map((file) => `${path.basename(file)}\n`).join("");
  writeFileSync(path.join(modules, "order"), order);
  cpSync(path.join(unpacked, "boot", `vmlinuz-${release}`), path.join(work, "kernel/vmlinuz"));
  writeFileSync(path.join(work, "kernel/release"), release);
}

/** The folder of the kernel, with `vmlinuz`, `release` and `modules/`; loads it where it is not there. */
export async function findOrLoadDebianKernel() {
  const folder = cacheFolder("debian-kernel", ["tests/hardware/debian_kernel.mjs"]);
  if (existsSync(folder)) return folder;
  const work = `${folder}.work`;
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  await showProgress(`Loading Debian's kernel into ${folder} (70 MB)`, () => unpackKernel(work));
  renameSync(path.join(work, "kernel"), folder);
  rmSync(work, { recursive: true });
  return folder;
}
