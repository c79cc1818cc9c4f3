/** Runs the test files of this folder, each in an emulated machine of its own. */
import { hardwarePackages, installDebianPackages } from "../../scripts/setup.mjs";
import { CommandError } from "../../scripts/subprocess.mjs";
import { beginTestFile, runTestFile } from "../../scripts/test_files.mjs";
import { runSteps } from "../../scripts/test_steps.mjs";
import { bootMachine } from "./boot_machine.mjs";
import { findOrLoadDebianKernel } from "./debian_kernel.mjs";

/** None takes more than a minute, except where the machine is very busy. */
const timeoutMs = 10 * 60_000;

/** Under both runtimes side by side: no machine notices how busy the real one is. */
export async function runHardwareTests(files) {
  if (!await installDebianPackages(hardwarePackages)) {
    throw new CommandError("Cannot emulate a machine without these packages", "");
  }
  const kernel = await findOrLoadDebianKernel();
  const boot = (command, out) => bootMachine({ kernel, out, command, timeoutMs });
  for (const file of files) {
    await runSteps(beginTestFile(file, (runtime) => runTestFile(runtime, file, boot)));
  }
}
