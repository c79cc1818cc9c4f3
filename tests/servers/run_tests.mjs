/** Runs the test files of this folder, with sound servers from Debian's packages. */
import process from "node:process";
import { CommandError } from "../../scripts/subprocess.mjs";
import { beginTestFile, runTestFile } from "../../scripts/test_files.mjs";
import { noteNotRun, runSteps } from "../../scripts/test_steps.mjs";
import { installServers } from "./install_servers.mjs";
import { runWithServers } from "./run_with_servers.mjs";

const timeoutMs = 5 * 60_000;
/** Nothing in it but waiting: it runs beside all the others. */
const longest = "tests/servers/minute_test.ts";
/** Where the servers' own libraries must make none of their threads realtime. */
const withOrdinaryClients = ["tests/servers/scheduling_test.ts"];

/** The folder of the servers, or undefined where they cannot be had and need not be. */
async function findServers(mustRun) {
  try {
    return await installServers();
  } catch (error) {
    if (mustRun || !(error instanceof CommandError)) throw error;
    if (error.output) process.stderr.write(`${error.output.trimEnd()}\n`);
    noteNotRun("tests/servers/", error.message);
  }
}

/** One file after the other, but the longest; each under both runtimes side by side. */
export async function runServerTests(files, { mustRun }) {
  const packages = await findServers(mustRun);
  if (packages === undefined) return;
  const begin = (file) => {
    const ordinaryClients = withOrdinaryClients.includes(file);
    const execute = (command) => runWithServers({ packages, command, ordinaryClients, timeoutMs });
    return beginTestFile(file, (runtime) => runTestFile(runtime, file, execute));
  };
  const beside = files.includes(longest) ? begin(longest) : [];
  for (const file of files.filter((file) => file !== longest)) await runSteps(begin(file));
  await runSteps(beside);
}
