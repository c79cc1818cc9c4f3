/**
 * Subcommands that print a text and take no arguments.
 *
 * @module
 */

import { parseArguments, refusePositionals } from "./arguments.ts";
import type { Command } from "./command.ts";
import { EXIT_OK } from "./exit_code.ts";
import { printResult } from "./output.ts";

/** What such a command is. */
export interface TextCommandOptions {
  /** What it does, in a few words. */
  readonly summary: string;
  /** The text of `--help`. */
  readonly help: string;
  /** Makes the text. */
  text(): string;
}

/** Makes such a command. */
export function textCommand({ summary, help, text }: TextCommandOptions): Command {
  return {
    summary,
    async run(args) {
      const { flags, positionals } = parseArguments(args, {});
      if (!flags.has("help")) refusePositionals(positionals);
      await printResult(flags.has("help") ? help : text());
      return EXIT_OK;
    },
  };
}
