/**
 * Reads the name of a PCM as ALSA has it: `hw:0,3`, `hw:CARD=PCH,DEV=3`, `hw:0,3,1`.
 *
 * @module
 */

import { UsageError } from "../command_error.ts";

/** Which PCM is meant. */
export interface PcmArgument {
  /** Number or id of the card. */
  readonly card: number | string;
  /** Number of the device. */
  readonly device: number;
  /** Number of the substream; undefined: all. */
  readonly substream: number | undefined;
}

const PREFIX = /^(?:plug)?hw:/;
const KEYS = ["CARD", "DEV", "SUBDEV"];
const NUMBER = /^\d{1,4}$/;

function wrong(text: string): UsageError {
  const shown = JSON.stringify(text);
  return new UsageError(`"PCM" must be like "hw:0,0" or "hw:CARD=PCH,DEV=0": it is ${shown}`);
}

/** The arguments of a PCM by their keys; each can be given by its place as well. */
function splitArguments(text: string): Map<string, string> {
  const found = new Map<string, string>();
  const list = text.replace(PREFIX, "").split(",");
  for (const [index, argument] of list.entries()) {
    const [, key = KEYS[index], value = ""] = /^(?:([A-Z]+)=)?(.*)$/.exec(argument) ?? [];
    if (key === undefined || !KEYS.includes(key) || found.has(key)) throw wrong(text);
    found.set(key, value);
  }
  return found;
}

/** Reads the name of a PCM. */
export function parsePcmArgument(text: string): PcmArgument {
  if (!PREFIX.test(text)) throw wrong(text);
  const given = splitArguments(text);
  const card = given.get("CARD") ?? "";
  const numbers = ["DEV", "SUBDEV"].map((key) => given.get(key));
  const isWrong = numbers.some((number) => number !== undefined && !NUMBER.test(number));
  if (card === "" || isWrong) throw wrong(text);
  const [device, substream] = numbers;
  return {
    card: NUMBER.test(card) ? Number(card) : card,
    device: Number(device ?? 0),
    substream: substream === undefined ? undefined : Number(substream),
  };
}
