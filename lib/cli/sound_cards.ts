/**
 * The sound cards that the kernel knows, as it lists them in /proc/asound.
 *
 * @module
 */

import { readFile } from "node:fs/promises";
import { isPermissionError, isPermitted } from "../ffi/permission.ts";

/** A PCM by its ALSA name. */
export interface Device {
  /** What `--device` takes. */
  readonly name: string;
  /** What it is. */
  readonly description: string;
}

/** Sound cards, or that the runtime does not permit to look for them. */
export type SoundCards = readonly Device[] | "not permitted";

/** A sound card. */
export interface Card {
  /** Its short name, as in `hw:CARD=id`. */
  readonly id: string;
  /** Its maker's name for it. */
  readonly name: string;
}

const CARDS_FILE = "/proc/asound/cards";
const PCM_FILE = "/proc/asound/pcm";

// " 0 [PCH            ]: HDA-Intel - HDA Intel PCH"
const CARD_LINE = /^\s*(\d+) \[(.*?)\s*\]: .*? - (.*)$/gm;
// "00-03: HDMI 0 : HDMI 0 : playback 1 : capture 1"
const PCM_LINE = /^(\d+)-(\d+): .*? : (.*?) :(.*)$/gm;

/** Lists the PCMs of sound cards that can play. */
export async function listSoundCards(): Promise<SoundCards> {
  const texts = await Promise.all([readProcFile(CARDS_FILE), readProcFile(PCM_FILE)]);
  const [cards, pcms] = texts;
  return cards === undefined || pcms === undefined ? "not permitted" : parseSoundCards(cards, pcms);
}

/** The cards in the text of /proc/asound/cards, by their numbers. */
export function parseCards(text: string): Map<number, Card> {
  const cards = new Map<number, Card>();
  for (const [, number, id, name] of text.matchAll(CARD_LINE)) {
    cards.set(Number(number), { id: id!, name: name! });
  }
  return cards;
}

/** Makes the list from the two files' text. */
export function parseSoundCards(cardsText: string, pcmText: string): Device[] {
  const cards = parseCards(cardsText);
  const devices: Device[] = [];
  for (const [, cardNumber, deviceNumber, pcmName, directions] of pcmText.matchAll(PCM_LINE)) {
    const card = cards.get(Number(cardNumber));
    if (card === undefined || !directions!.includes(" playback ")) continue;
    const address = `CARD=${card.id},DEV=${Number(deviceNumber)}`;
    const description = `${card.name}, ${pcmName}`;
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
