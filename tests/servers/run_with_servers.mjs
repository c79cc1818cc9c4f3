/** Runs a command in a world of its own for sound servers, and ends what it left running there. */
import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";
import { run } from "../../scripts/subprocess.mjs";
import { withTemporaryFolder } from "../../scripts/temporary_folder.mjs";
import { makeEnvironment } from "./environment.mjs";

const gone = ["ENOENT", "ESRCH"];
const notOurs = ["EACCES", "EPERM"];

function endIfOf(folder, pid) {
  try {
    const variables = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
    if (variables.includes(`HALFLAP_SERVERS=${folder}`)) process.kill(pid, "SIGKILL");
  } catch (error) {
    if (![...gone, ...notOurs].includes(error.code)) throw error;
  }
}

/** A test that crashed cannot end its servers. */
function endWhatIsLeft(folder) {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  for (const pid of pids) endIfOf(folder, Number(pid));
}

/** Runs an array of a program and its arguments; the result is that of `run()`. */
export function runWithServers({ packages, command, ordinaryClients, timeoutMs }) {
  const [program, ...args] = command;
  return withTemporaryFolder(async (folder) => {
    const env = makeEnvironment(packages, folder, ordinaryClients);
    try {
      return await run(program, args, { env, timeoutMs });
    } finally {
      endWhatIsLeft(folder);
    }
  });
}
