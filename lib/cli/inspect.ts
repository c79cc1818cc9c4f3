/**
 * `halflap inspect`.
 *
 * @module
 */

import { checkWord } from "../check.ts";
import { AsoundFolder } from "../inspect/asound_folder.ts";
import { inspectCardsIn } from "../inspect/inspect_cards.ts";
import { findPcm, inspectPlace, type PcmInspection } from "../inspect/inspect_pcm.ts";
import { listPcms, type PcmDirection, type PcmPlace } from "../inspect/pcm_place.ts";
import { setXrunDebugAt } from "../inspect/set_xrun_debug.ts";
import { XRUN_DEBUG_FLAGS, type XrunDebugFlag } from "../procfs/xrun_debug.ts";
import { parseArguments, parseInteger } from "./arguments.ts";
import type { Command } from "./command.ts";
import { asUsage, UsageError } from "./command_error.ts";
import { HostSystem } from "./doctor/host_system.ts";
import { describeOwner } from "./doctor/processes.ts";
import type { System } from "./doctor/system.ts";
import { EXIT_OK } from "./exit_code.ts";
import { cardsText } from "./inspect/cards_text.ts";
import { parsePcmArgument, type PcmArgument } from "./inspect/pcm_argument.ts";
import { pcmText } from "./inspect/pcm_text.ts";
import { watch } from "./inspect/watch.ts";
import { printResult } from "./output.ts";

const DEFAULT_INTERVAL_MS = 500;
const MIN_INTERVAL_MS = 20;
const MAX_INTERVAL_MS = 3_600_000;
const DIRECTIONS = ["playback", "capture"] as const;
const NO_FLAGS = "none";

const HELP = `Shows what the kernel knows of sound cards and of the programs that use them.

Usage: halflap inspect [PCM] [OPTIONS]

Without PCM: all cards, their PCMs, and who uses them. With one, as "hw:0,0" or
"hw:CARD=PCH,DEV=3" ("hw:0,0,1" for one substream): its parameters, pointers and how full its ring
is, and what all that means. It changes nothing, unless "--xrun-debug" is given. In Deno it takes
--allow-all, by which Deno guards /proc.

Options:
  --direction WORD   playback or capture; both if left out
  --xrun-debug LIST  first set what the kernel logs of the PCM (see "dmesg"), as root; "none", or
                     with commas between them:
                       basic         each xrun and each impossible pointer
                       stack         the kernel's stack with it
                       jiffies       check pointers against time
                       periodupdate, hwptrupdate, log, logonce
                                     pointers; Linux 2.6.31 to 3.18 alone
  --watch            show it again and again until Ctrl-C
  --interval MS      time between two looks, ${MIN_INTERVAL_MS} to ${MAX_INTERVAL_MS}; default ${DEFAULT_INTERVAL_MS}
  --json             print an object with all cards, or an array with the PCM's directions; with
                     "--watch" one a line
  -h, --help         print this

Exit codes: 0 done, 1 failed, 2 wrong arguments, 128 + n stopped by signal n.
`;

interface InspectOptions {
  readonly pcm: PcmArgument | undefined;
  readonly direction: PcmDirection | undefined;
  readonly flags: readonly XrunDebugFlag[] | undefined;
  readonly watches: boolean;
  readonly intervalMs: number;
  readonly json: boolean;
}

/** What the command looks at; another one for tests. */
export interface InspectedSystem {
  /** The folder /proc/asound. */
  readonly folder: AsoundFolder;
  /** Names the processes. */
  readonly system: System;
}

function parseFlags(text: string): XrunDebugFlag[] {
  if (text === NO_FLAGS) return [];
  return text.split(",").map((name) =>
    asUsage(() => checkWord("--xrun-debug", name, XRUN_DEBUG_FLAGS))
  );
}

/** Returns undefined where help is asked for. */
function parseOptions(args: readonly string[]): InspectOptions | undefined {
  const { values, flags, positionals: [pcm, ...others] } = parseArguments(args, {
    direction: "value",
    "xrun-debug": "value",
    watch: "flag",
    interval: "value",
    json: "flag",
  });
  if (flags.has("help")) return undefined;
  const { direction, interval, "xrun-debug": xrunDebug } = values;
  if (others.length > 0) throw new UsageError(`Unexpected argument "${others[0]}"`);
  for (const name of ["direction", "xrun-debug"] as const) {
    if (values[name] !== undefined && pcm === undefined) {
      throw new UsageError(`"--${name}" needs a PCM`);
    }
  }
  if (interval !== undefined && !flags.has("watch")) {
    throw new UsageError(`"--interval" needs "--watch"`);
  }
  return asUsage(() => ({
    pcm: pcm === undefined ? undefined : parsePcmArgument(pcm),
    direction: direction === undefined
      ? undefined
      : checkWord("--direction", direction, DIRECTIONS),
    flags: xrunDebug === undefined ? undefined : parseFlags(xrunDebug),
    watches: flags.has("watch"),
    intervalMs: interval === undefined
      ? DEFAULT_INTERVAL_MS
      : parseInteger("--interval", interval, MIN_INTERVAL_MS, MAX_INTERVAL_MS),
    json: flags.has("json"),
  }));
}

/** The PCM in the directions that it has, or in the one that is asked for. */
async function findPlaces(
  folder: AsoundFolder,
  { card, device }: PcmArgument,
  direction: PcmDirection | undefined,
): Promise<PcmPlace[]> {
  const place = await findPcm(folder, { card, device, direction });
  if (direction !== undefined) return [place];
  const places = (await listPcms(folder, place.card)).filter((other) => other.device === device);
  // One that is not there is for whoever looks at it to tell.
  return places.length > 0 ? places : [place];
}

async function inspectPcms(
  folder: AsoundFolder,
  pcm: PcmArgument,
  direction: PcmDirection | undefined,
): Promise<PcmInspection[]> {
  const pcms: PcmInspection[] = [];
  for (const place of await findPlaces(folder, pcm, direction)) {
    pcms.push(await inspectPlace(folder, place, pcm.substream));
  }
  return pcms;
}

async function makeText(
  { folder, system }: InspectedSystem,
  { pcm, direction, json }: InspectOptions,
): Promise<string> {
  const owner = (thread: number): string => describeOwner(system, thread);
  if (pcm === undefined) {
    const cards = await inspectCardsIn(folder);
    return json ? `${JSON.stringify(cards)}\n` : cardsText(cards, owner);
  }
  const pcms = await inspectPcms(folder, pcm, direction);
  if (json) return `${JSON.stringify(pcms)}\n`;
  return pcms.map((found) => pcmText(found, owner)).join("\n");
}

async function inspect(inspected: InspectedSystem, options: InspectOptions): Promise<number> {
  const { pcm, direction, flags, watches, intervalMs, json } = options;
  if (pcm !== undefined && flags !== undefined) {
    for (const place of await findPlaces(inspected.folder, pcm, direction)) {
      await setXrunDebugAt(inspected.folder, place, flags);
    }
  }
  const text = (): Promise<string> => makeText(inspected, options);
  if (watches) return await watch({ intervalMs, isRedrawn: !json, text });
  await printResult(await text());
  return EXIT_OK;
}

/** Makes the command for what it is to look at. */
export function makeInspectCommand(
  inspected: InspectedSystem = { folder: new AsoundFolder(), system: new HostSystem() },
): Command {
  return {
    summary: "show what the kernel knows of sound cards and who uses them",
    async run(args) {
      const options = parseOptions(args);
      if (options !== undefined) return await inspect(inspected, options);
      await printResult(HELP);
      return EXIT_OK;
    },
  };
}

/** `halflap inspect`. */
export const inspectCommand: Command = makeInspectCommand();
