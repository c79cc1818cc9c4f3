/** What is checked without running it: form, types, documentation, the generated ABI. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { abiFile, buildDist, generateAbi } from "./artifacts.mjs";
import { describeEnd, run } from "./subprocess.mjs";
import { asOneTest, runStep } from "./test_steps.mjs";
import { deno, root, tsc, zig } from "./toolchain.mjs";

/** Checks by their names; each counts as one test and passes when its command exits with 0. */
const checks = [
  ["deno fmt", [deno, "fmt", "--check"]],
  ["deno lint", [deno, "lint", "--quiet"]],
  ["deno check", [deno, "check", "--quiet"]],
  ["deno doc --lint", [deno, "doc", "--lint", "--quiet", "mod.ts", "lib/testing/mod.ts"]],
  ["zig fmt", [zig, "fmt", "--check", "zig/build.zig", "zig/src", "tests/purity"]],
];

async function runCheck([command, ...args]) {
  const result = await run(command, args);
  return asOneTest(result.code === 0 ? undefined : describeEnd(result), result.output);
}

async function compareAbi() {
  const text = await generateAbi();
  const file = path.join(root, abiFile);
  const isSame = existsSync(file) && readFileSync(file, "utf8") === text;
  const failure = isSame ? undefined : `"${abiFile}" is not what the sources generate`;
  return asOneTest(failure, "Run npm run build and commit the file");
}

/** A program of a user, against the shipped declarations. */
async function checkConsumer() {
  await buildDist();
  return await runCheck([process.execPath, tsc, "--project", "tests/consumer/tsconfig.json"]);
}

/** Runs them all. */
export async function runChecks() {
  for (const [name, command] of checks) await runStep(name, () => runCheck(command));
  // Before the build, which would bring the file up to date.
  await runStep("generated ABI", compareAbi);
  await runStep("declarations for lib es2022", checkConsumer);
}
