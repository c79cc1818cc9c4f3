/**
 * Boots the kernel of the tests, as a program of User Mode Linux, runs a command in it, and waits for
 * its end. It takes about half a second more than the command.
 */
import { copyFileSync, existsSync, readFileSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { run } from "../../scripts/subprocess.mjs";
import { root } from "../../scripts/toolchain.mjs";
import { commandScript } from "./command_script.mjs";

const memoryBytes = 2 ** 30;

/** How time passes: as fast as nobody uses it, not at all while somebody computes, or as it does. */
const clocks = {
  /** When all sleep, the clock jumps to the next timer. */
  virtual: ["time-travel"],
  /** The same, and computing takes no time: what happens depends on the host in nothing. */
  deterministic: ["time-travel=inf-cpu"],
  real: [],
};

/** The guest's memory is a file: on a disk it would be written back. */
function memoryFolder() {
  const hasRoom = (folder) => {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize > memoryBytes;
  };
  return existsSync("/dev/shm") && hasRoom("/dev/shm") ? "/dev/shm" : tmpdir();
}

/**
 * Runs a command, an array of its words, in a fresh kernel. What it writes into the folder `out` is
 * there afterwards, and nothing else.
 *
 * The result is as that of `run()`; `code` is the command's exit code, or null where the kernel did
 * not come to its end.
 */
export async function bootKernel({ image, out, command, clock, timeoutMs }) {
  const init = path.join(out, "init.sh");
  copyFileSync(path.join(root, "tests/kernel/init.sh"), init);
  writeFileSync(path.join(out, "command.sh"), commandScript(command, { HALFLAP_KERNEL: image }));
  const args = [
    ...[`mem=${memoryBytes}`, "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro"],
    ...[`init=${init}`, `OUT=${out}`, "con=null", "con0=null,fd:1", "ssl=null"],
    ...["quiet", "loglevel=1", "panic=-1", `uml_dir=${out}`, ...clocks[clock]],
  ];
  const env = { TMPDIR: memoryFolder(), HOME: out };
  const result = await run(path.join(image, "linux"), args, { env, timeoutMs });
  const exitCode = path.join(out, "exit_code");
  return { ...result, code: existsSync(exitCode) ? Number(readFileSync(exitCode, "utf8")) : null };
}
