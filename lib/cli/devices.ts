/**
 * `halflap devices`.
 *
 * @module
 */

import { listDevices } from "../devices/list_devices.ts";
import { HalflapError } from "../errors.ts";
import { parseArguments, refusePositionals } from "./arguments.ts";
import type { Command } from "./command.ts";
import { devicesText } from "./devices_text.ts";
import { EXIT_OK } from "./exit_code.ts";
import { printResult } from "./output.ts";

const HELP =
  `Lists devices that "halflap play --device" takes: those of sound cards, and names of the
configuration of ALSA.

Usage: halflap devices [--probe] [--json]

Options:
  --probe            ask the hardware what it can do; that opens each free device for a moment
  --json             print what listDevices() returns: devices that only record, too
  -h, --help         print this
`;

/** An error's message is no enumerable property. */
const withMessages = (_: string, value: unknown): unknown =>
  value instanceof HalflapError ? { code: value.code, message: value.message } : value;

/** `halflap devices`. */
export const devicesCommand: Command = {
  summary: "list devices to play on",
  async run(args) {
    const { flags, positionals } = parseArguments(args, { probe: "flag", json: "flag" });
    if (flags.has("help")) {
      await printResult(HELP);
      return EXIT_OK;
    }
    refusePositionals(positionals);
    const devices = await listDevices({ probe: flags.has("probe") });
    const text = flags.has("json")
      ? `${JSON.stringify(devices, withMessages)}\n`
      : devicesText(devices);
    await printResult(text);
    return EXIT_OK;
  },
};
