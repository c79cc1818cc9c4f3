/**
 * The sound cards that the kernel knows, as it lists them in /proc/asound.
 *
 * @module
 */

import { readFile } from "node:fs/promises";
import { isPermissionError, isPermitted } from "../ffi/permission.ts";
import { parseCards } from "../procfs/cards.ts";
import { parsePcms } from "../procfs/pcms.ts";

/** A PCM by its ALSA name. */
export interface Device {
  /** What `--device` takes. */
  readonly name: string;
  /** What it is. */
  readonly description: string;
}

/** Sound cards, or that the runtime does not permit to look for them. */
export type SoundCards = readonly Device[] | "not permitted";

const CARDS_FILE = "/proc/asound/cards";
const PCM_FILE = "/proc/asound/pcm";

/** Lists the PCMs of sound cards that can play. */
export async function listSoundCards(): Promise<SoundCards> {
  const texts = await Promise.all([readProcFile(CARDS_FILE), readProcFile(PCM_FILE)]);
  const [cards, pcms] = texts;
  return cards === undefined || pcms === undefined ? "not permitted" : parseSoundCards(cards, pcms);
}

/** Makes the list from the two files' text. */
export function parseSoundCards(cardsText: string, pcmText: string): Device[] {
  const { cards } = parseCards(cardsText);
  const devices: Device[] = [];
  for (const pcm of parsePcms(pcmText).pcms) {
    const card = cards.find(({ number }) => number === pcm.card);
    if (card === undefined || pcm.playbackSubstreams === 0) continue;
    const address = `CARD=${card.id},DEV=${pcm.device}`;
    const description = `${card.name}, ${pcm.name}`;
    devices.push({ name: `hw:${address}`, description: `${description}: the hardware itself` });
    devices.push({ name: `plughw:${address}`, description: `${description}, with conversions` });
  }
  return devices;
}

// Empty where ALSA's kernel modules are not loaded, undefined where the runtime forbids to read.
async function readProcFile(path: string): Promise<string | undefined> {
  if (!isPermitted({ name: "read", path })) return undefined;
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    // Deno asks for more than permission to read where it comes to /proc.
    if (isPermissionError(error)) return undefined;
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}
