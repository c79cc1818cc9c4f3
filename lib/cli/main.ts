/**
 * The `halflap` command, for Deno and for Bun.
 *
 * @module
 */

import process from "node:process";
import { HalflapError } from "../errors.ts";
import { asoundrcCommand } from "./asoundrc.ts";
import { isStandardInputPending } from "./byte_source.ts";
import type { Command } from "./command.ts";
import { CommandError, UsageError } from "./command_error.ts";
import { devicesCommand } from "./devices.ts";
import { doctorCommand } from "./doctor.ts";
import { EXIT_FAILURE, EXIT_OK, EXIT_SIGNAL, EXIT_USAGE } from "./exit_code.ts";
import { inspectCommand } from "./inspect.ts";
import { leave, leaveErrorsToWriters, printNote, printResult } from "./output.ts";
import { pathCommand } from "./path.ts";
import { playCommand } from "./play.ts";
import { VERSION } from "./version.ts";

/** Subcommands by their names. */
export type Commands = ReadonlyMap<string, Command>;

const COMMANDS: Commands = new Map([
  ["play", playCommand],
  ["devices", devicesCommand],
  ["doctor", doctorCommand],
  ["inspect", inspectCommand],
  ["asoundrc", asoundrcCommand],
  ["path", pathCommand],
]);

function helpText(commands: Commands): string {
  const list = [...commands].map(([name, { summary }]) => `  ${name.padEnd(17)}  ${summary}\n`);
  return `Plays sound through ALSA, with low and known latency.

Usage: halflap COMMAND [ARGUMENTS]

Commands:
${list.join("")}
Options:
  -h, --help         print this, or with a command its options
  --version          print the version

Exit codes: 0 done, 1 failed, 2 wrong arguments, 128 + n stopped by signal n.
`;
}

async function runCommand(
  commands: Commands,
  name: string | undefined,
  args: readonly string[],
): Promise<number> {
  const command = name === undefined ? undefined : commands.get(name);
  if (command !== undefined) return await command.run(args);
  if (name === "--help" || name === "-h") await printResult(helpText(commands));
  else if (name === "--version") await printResult(`${VERSION}\n`);
  else if (name === undefined) throw new UsageError("Which command?");
  else throw new UsageError(`Unknown ${name.startsWith("-") ? "option" : "command"} "${name}"`);
  return EXIT_OK;
}

/** Says what went wrong, where that is no fault of the program; returns the exit code. */
async function reportError(
  error: unknown,
  commands: Commands,
  name: string | undefined,
): Promise<number> {
  if (error instanceof UsageError) {
    const command = commands.has(name ?? "") ? `halflap ${name}` : "halflap";
    await printNote(`${error.message}\nSee: ${command} --help`);
    return EXIT_USAGE;
  }
  if (!(error instanceof CommandError || error instanceof HalflapError)) throw error;
  await printNote(error.message);
  return EXIT_FAILURE;
}

/**
 * Runs the command.
 *
 * @param args What the user gave after its name.
 * @param commands Its subcommands, where they are others.
 * @returns Resolves with the exit code.
 */
export async function main(
  args: readonly string[],
  commands: Commands = COMMANDS,
): Promise<number> {
  leaveErrorsToWriters();
  const [name, ...rest] = args;
  const exitCode = await runCommand(commands, name, rest)
    .catch((error) => reportError(error, commands, name));
  if (exitCode > EXIT_SIGNAL || isStandardInputPending()) leave(exitCode);
  return exitCode;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
