/**
 * The root of the machine with the emulated sound card: all that a test needs is in its memory, for
 * while it waits for files of the host its clock leaps.
 */
import { cpSync } from "node:fs";
import path from "node:path";
import { runOrThrow } from "../../scripts/subprocess.mjs";
import { hostTarget, libraryPath, root } from "../../scripts/toolchain.mjs";

/** What the tests start besides their runtime, and what libasound reads. */
const programs = ["/usr/bin/aplay"];
const asoundFolder = "/usr/share/alsa";

/** Of the project; the library is there besides. */
const projectFiles = [
  ...["mod.ts", "package.json", "deno.json", "lib", "scripts/fail_on_uncaught.mjs"],
  ...["tests/harness.ts", "tests/programs.ts", "tests/kernel", "tests/hardware"],
];

/** A program with the libraries that it is linked with. */
async function withLibraries(program) {
  const { stdout } = await runOrThrow("ldd", [program]);
  return [program, ...[...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, library]) => library)];
}

async function filesOfHost(runtime) {
  const linked = await Promise.all([runtime, ...programs].map(withLibraries));
  const project = projectFiles.map((name) => path.join(root, name));
  return new Set([...linked.flat(), ...project, libraryPath(hostTarget), asoundFolder]);
}

/** Packs the root for tests of a runtime into a file, with the folder `work` for it. */
export async function packRamDisk({ kernel, runtime, work, file }) {
  const copy = (from, to) =>
    cpSync(from, path.join(work, to), { recursive: true, dereference: true });
  for (const name of await filesOfHost(runtime)) copy(name, name);
  copy("/bin/busybox", "bin/busybox");
  copy(path.join(kernel, "modules"), "modules");
  copy(path.join(root, "tests/hardware/attach_out.sh"), "attach_out.sh");
  copy(path.join(root, "tests/hardware/init.sh"), "init");
  const script = 'busybox chmod +x init && busybox find . | busybox cpio -o -H newc >"$0"';
  await runOrThrow("sh", ["-c", script, file], { cwd: work });
}
