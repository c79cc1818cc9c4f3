/**
 * `halflap devices`.
 *
 * @module
 */

import { parseArguments, refusePositionals } from "./arguments.ts";
import type { Command } from "./command.ts";
import { EXIT_OK } from "./exit_code.ts";
import { printNote, printResult } from "./output.ts";
import { type Device, listSoundCards } from "./sound_cards.ts";

const HELP = `Lists devices that "halflap play --device" takes.

Usage: halflap devices [--json]

Any other name of an ALSA PCM will do as well; "aplay -L" lists those of the configuration files.
In Deno, sound cards are listed with --allow-all only: it guards /proc by that.

Options:
  --json             print an array of objects with name and description
  -h, --help         print this
`;

const COMMON_DEVICES: readonly Device[] = [
  { name: "default", description: "The system's default: its sound server or its first card" },
  { name: "virtual", description: "A virtual card, which needs no hardware and can be recorded" },
];

function asTable(devices: readonly Device[]): string {
  const width = Math.max(...devices.map(({ name }) => name.length));
  return devices.map(({ name, description }) => `${name.padEnd(width)}  ${description}\n`).join("");
}

async function listDevices(json: boolean): Promise<void> {
  const cards = await listSoundCards();
  const devices = [...COMMON_DEVICES, ...(cards === "not permitted" ? [] : cards)];
  await printResult(json ? `${JSON.stringify(devices)}\n` : asTable(devices));
  if (cards === "not permitted") {
    await printNote(
      "Deno does not permit to read /proc/asound, where sound cards are listed; run with --allow-all",
    );
  }
}

/** `halflap devices`. */
export const devicesCommand: Command = {
  summary: "list devices to play on",
  async run(args) {
    const { flags, positionals } = parseArguments(args, { json: "flag" });
    if (flags.has("help")) {
      await printResult(HELP);
      return EXIT_OK;
    }
    refusePositionals(positionals);
    await listDevices(flags.has("json"));
    return EXIT_OK;
  },
};
