/**
 * `halflap doctor`.
 *
 * @module
 */

import { parseArguments, refusePositionals } from "./arguments.ts";
import type { Command } from "./command.ts";
import { examineSystem } from "./doctor/examine.ts";
import { HostSystem } from "./doctor/host_system.ts";
import { reportText } from "./doctor/report.ts";
import { EXIT_FAILURE, EXIT_OK } from "./exit_code.ts";
import { printNote, printResult } from "./output.ts";

const HELP = `Says what of this system stands in the way of sound, and how to mend it.

Usage: halflap doctor [--json]

It changes nothing, and plays silence on the card "virtual" to try realtime scheduling. In Deno it
sees everything with --allow-all only: it guards /proc, /sys and /dev by that.

Options:
  --json             print an array of objects with:
                       id       the check, as a fixed word
                       area     what it belongs to
                       title    its name for people
                       status   ok; advice: sound plays and could be safer; problem: sound plays
                                badly or not at all; unknown: it could not be found out
                       found    what was found, or why it is unknown
                       meaning  what it has to do with sound
                       mend     what to do; left out where there is nothing to be done
  -h, --help         print this

Exit codes: 0 no problem, 1 at least one problem, 2 wrong arguments.
`;

async function examine(json: boolean): Promise<number> {
  const system = new HostSystem();
  const checks = await examineSystem(system);
  await printResult(json ? `${JSON.stringify(checks)}\n` : reportText(checks));
  if (system.isRestricted) {
    await printNote("Deno does not permit to read /proc, /sys and /dev; run with --allow-all");
  }
  return checks.some(({ status }) => status === "problem") ? EXIT_FAILURE : EXIT_OK;
}

/** `halflap doctor`. */
export const doctorCommand: Command = {
  summary: "say what of this system stands in the way of sound",
  async run(args) {
    const { flags, positionals } = parseArguments(args, { json: "flag" });
    if (flags.has("help")) {
      await printResult(HELP);
      return EXIT_OK;
    }
    refusePositionals(positionals);
    return await examine(flags.has("json"));
  },
};
