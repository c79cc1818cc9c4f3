/** Runs the test files of this folder, each in a kernel of its own. */
import process from "node:process";
import { installDebianPackages, kernelPackages } from "../../scripts/setup.mjs";
import { beginTestFile, runTestFile } from "../../scripts/test_files.mjs";
import { noteNotRun, runSteps } from "../../scripts/test_steps.mjs";
import { bootKernel } from "./boot_kernel.mjs";
import { findKernel, findOrBuildKernel, hasOption } from "./find_kernel.mjs";

/** None takes more than half a minute, except where the machine is very busy. */
const timeoutMs = 100_000;
/** What a test file needs of its kernel besides ALSA. */
const kernelOptions = { "tests/kernel/suspend_test.ts": "CONFIG_SUSPEND" };

/**
 * A thread that spins until another one gets on stops the time of this kernel, and with it the
 * scheduler that would let the other one on. What did not end runs once more, and is told.
 */
async function runTwiceIfStuck(image, runtime, file) {
  const boot = (command, out) =>
    bootKernel({ image, out, command, clock: "deterministic", timeoutMs });
  const result = await runTestFile(runtime, file, boot);
  if (!result.timedOut) return result;
  const seconds = timeoutMs / 1000;
  process.stdout.write(`AGAIN ${file} (${runtime}): it did not end within ${seconds} s\n`);
  return await runTestFile(runtime, file, boot);
}

/** Under both runtimes side by side: no kernel notices how busy the machine is. */
export async function runKernelTests(files, { buildsKernel }) {
  await installDebianPackages(kernelPackages);
  const image = buildsKernel ? await findOrBuildKernel() : findKernel();
  if (image === undefined) {
    noteNotRun("tests/kernel/", "no kernel is ready; npm run test:kernel builds one");
    return;
  }
  for (const file of files) {
    const option = kernelOptions[file];
    if (option !== undefined && !hasOption(image, option)) {
      noteNotRun(file, `the kernel in ${image} was built without ${option}`);
      continue;
    }
    await runSteps(beginTestFile(file, (runtime) => runTwiceIfStuck(image, runtime, file)));
  }
}
