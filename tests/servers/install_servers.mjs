/**
 * Where the sound servers of the tests are: Debian's packages, unpacked into a cache folder. The
 * machine stays as it is; two of the packages could not even be installed side by side.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import process from "node:process";
import { showProgress } from "../../scripts/progress.mjs";
import { CommandError, run, runOrThrow } from "../../scripts/subprocess.mjs";
import { root } from "../../scripts/toolchain.mjs";

/**
 * pipewire-alsa conflicts with pulseaudio: they are resolved one after the other. Each package
 * whose files are named somewhere is here, so that it comes also where it is installed; what else
 * they depend on comes where the machine lacks it.
 */
const packageSets = [
  [
    ...["pipewire", "pipewire-bin", "pipewire-alsa", "wireplumber", "libpipewire-0.3-0"],
    ...["libpipewire-0.3-modules", "libspa-0.2-modules", "libwireplumber-0.4-0"],
  ],
  ["pulseaudio", "pulseaudio-utils", "libasound2-plugins", "libpulse0"],
];

/** A folder of its own for each state of this file. */
function cacheFolder() {
  const file = path.join(root, "tests/servers/install_servers.mjs");
  const hash = createHash("sha256").update(readFileSync(file)).digest("hex");
  const cache = process.env.XDG_CACHE_HOME || path.join(homedir(), ".cache");
  return path.join(cache, "halflap", `servers-${hash.slice(0, 16)}`);
}

/** Into the folder, with locks and lists of its own or only read: root is not needed. */
async function download(names, folder) {
  const options = [
    ...["-o", `Dir::Cache::Archives=${folder}`, "-o", "Debug::NoLocking=1"],
    ...[
      "-o",
      "APT::Sandbox::User=",
      "-o",
      "Dir::Cache::pkgcache=",
      "-o",
      "Dir::Cache::srcpkgcache=",
    ],
  ];
  const what = ["install", "--quiet", "--yes", "--no-install-recommends"];
  return await run("apt-get", [...what, "--reinstall", "--download-only", ...options, ...names]);
}

/** The lists of a fresh container are empty, and those of an old machine name what is gone. */
async function downloadOrUpdate(names, folder) {
  const first = await download(names, folder);
  if (first.code === 0) return;
  const advice = "Cannot download the sound servers";
  if (process.getuid() !== 0) {
    throw new CommandError(`${advice}; try again after: sudo apt-get update`, first.output);
  }
  await runOrThrow("apt-get", ["update", "--quiet"]);
  const second = await download(names, folder);
  if (second.code !== 0) throw new CommandError(advice, second.output);
}

async function unpack(archives, folder) {
  for (const name of readdirSync(archives).filter((name) => name.endsWith(".deb"))) {
    await runOrThrow("dpkg-deb", ["--extract", path.join(archives, name), folder]);
  }
}

async function needDebian() {
  for (const program of ["apt-get", "dpkg-deb"]) {
    await run(program, ["--version"]).catch((error) => {
      const names = packageSets.flat().join(" ");
      const what = `The sound servers are unpacked from Debian's packages (${names})`;
      throw new CommandError(`${what}: ${error.message}`, "");
    });
  }
}

/** The folder that the packages are unpacked in, there whole or not at all. */
export async function installServers() {
  const folder = cacheFolder();
  if (existsSync(folder)) return folder;
  await needDebian();
  const work = `${folder}.work-${process.pid}`;
  const archives = path.join(work, "archives");
  const unpacked = path.join(work, "root");
  mkdirSync(path.join(archives, "partial"), { recursive: true });
  try {
    await showProgress("Downloading PipeWire and PulseAudio from Debian (5 MB)", async () => {
      for (const names of packageSets) await downloadOrUpdate(names, archives);
      await unpack(archives, unpacked);
    });
    if (!existsSync(folder)) renameSync(unpacked, folder);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  return folder;
}
