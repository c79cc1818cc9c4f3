/**
 * Where a PCM is: card, device and direction; and where that is in /proc/asound.
 *
 * @module
 */

import { HalflapError } from "../errors.ts";
import { parseCards, type SoundCard } from "../procfs/cards.ts";
import { parsePcms } from "../procfs/pcms.ts";
import type { AsoundFolder } from "./asound_folder.ts";

/** Which way sound goes through a PCM. */
export type PcmDirection = "playback" | "capture";

/** Where a PCM is. */
export interface PcmPlace {
  /** Its card. */
  readonly card: SoundCard;
  /** Number of the device on the card. */
  readonly device: number;
  /** Its direction. */
  readonly direction: PcmDirection;
}

const PCM_FOLDER = /^pcm(\d+)([pc])$/;
const CARDS_FILE = "cards";
const PCMS_FILE = "pcm";

/** The folder of a card. */
export function cardFolder({ number }: SoundCard): string {
  return `card${number}`;
}

/** The folder of a PCM. */
export function pcmFolder({ card, device, direction }: PcmPlace): string {
  return `${cardFolder(card)}/pcm${device}${direction === "playback" ? "p" : "c"}`;
}

/** The name of a PCM for ALSA. */
export function pcmName({ card, device }: PcmPlace): string {
  return `hw:${card.number},${device}`;
}

/** The text of the file that lists the cards; throws where the kernel has no ALSA. */
export async function readCardsText(folder: AsoundFolder): Promise<string> {
  const text = await folder.readText(CARDS_FILE);
  if (text !== undefined) return text;
  throw new HalflapError(`There is no "${folder.path}/${CARDS_FILE}": this kernel has no ALSA`, {
    code: "ERR_HALFLAP_UNSUPPORTED_KERNEL",
    hint: 'load the driver of a sound card, as by "modprobe snd-dummy"; a container sees what ' +
      "its host has loaded",
  });
}

function describeCards(cards: readonly SoundCard[]): string {
  if (cards.length === 0) return "there is none at all";
  return `there are ${cards.map(({ number, id }) => `${number} "${id}"`).join(", ")}`;
}

/** Finds a card by its number or id. */
export async function findCard(folder: AsoundFolder, wanted: number | string): Promise<SoundCard> {
  const { cards } = parseCards(await readCardsText(folder));
  const found = cards.find(({ number, id }) => number === wanted || id === wanted);
  if (found !== undefined) return found;
  throw new HalflapError(`There is no sound card ${JSON.stringify(wanted)}`, {
    code: "ERR_HALFLAP_DEVICE_NOT_FOUND",
    hint: describeCards(cards),
  });
}

/** The PCMs of a card that have a folder, playback before capture. */
export async function listPcms(folder: AsoundFolder, card: SoundCard): Promise<PcmPlace[]> {
  const names = await folder.list(cardFolder(card)) ?? [];
  const places = names.flatMap((name): PcmPlace[] => {
    const [, device, letter] = PCM_FOLDER.exec(name) ?? [];
    if (device === undefined) return [];
    return [{ card, device: Number(device), direction: letter === "p" ? "playback" : "capture" }];
  });
  return places.sort((a, b) =>
    a.device - b.device ||
    (a.direction === "playback" ? 0 : 1) - (b.direction === "playback" ? 0 : 1)
  );
}

/** The error of a PCM that has no folder. */
export async function pcmNotFound(folder: AsoundFolder, place: PcmPlace): Promise<HalflapError> {
  const { card, device, direction } = place;
  const places = await listPcms(folder, card);
  const { pcms } = parsePcms(await folder.readText(PCMS_FILE) ?? "");
  const isListed = pcms.some((pcm) =>
    pcm.card === card.number && pcm.device === device &&
    (direction === "playback" ? pcm.playbackSubstreams : pcm.captureSubstreams) > 0
  );
  if (isListed && places.length === 0) {
    return new HalflapError(`The kernel does not show its PCMs in "${folder.path}"`, {
      code: "ERR_HALFLAP_UNSUPPORTED_KERNEL",
      hint: "it takes one with CONFIG_SND_VERBOSE_PROCFS",
    });
  }
  const list = places.map((other) => `${pcmName(other)} for ${other.direction}`).join(", ");
  return new HalflapError(`There is no ${pcmName(place)} for ${direction}`, {
    code: "ERR_HALFLAP_DEVICE_NOT_FOUND",
    hint: places.length === 0 ? "the card has no PCM" : `the card has ${list}`,
  });
}
