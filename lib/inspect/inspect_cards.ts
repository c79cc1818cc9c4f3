/**
 * Looks at all sound cards, as the kernel shows them in /proc/asound.
 *
 * @module
 */

import { HalflapError } from "../errors.ts";
import { parseCards, type SoundCard } from "../procfs/cards.ts";
import { parseDevices, type SoundDevice } from "../procfs/devices.ts";
import { parseTimers, type SoundTimer } from "../procfs/timers.ts";
import { AsoundFolder } from "./asound_folder.ts";
import { inspectPlace, type PcmInspection } from "./inspect_pcm.ts";
import { listPcms, type PcmPlace, readCardsText } from "./pcm_place.ts";

/** The sound cards, and what the kernel has for them. */
export interface CardsInspection {
  /** Version of ALSA in the kernel, as in `k6.12.94`; undefined where it is not told. */
  readonly driverVersion: string | undefined;
  /** The cards, each with its PCMs. */
  readonly cards: readonly CardInspection[];
  /** The device files below /dev/snd. */
  readonly devices: readonly SoundDevice[];
  /** ALSA's timers. */
  readonly timers: readonly SoundTimer[];
  /** Lines of all these files that halflap cannot read, as the kernel wrote them. */
  readonly unknown: readonly string[];
}

/** A sound card and its PCMs. */
export interface CardInspection extends SoundCard {
  /** Its PCMs, playback before capture. */
  readonly pcms: readonly PcmInspection[];
}

const VERSION = /Version (\S+?)\.?\s*$/;

/** Looks at a PCM, which can go away meanwhile with its card. */
async function inspectIfThere(folder: AsoundFolder, place: PcmPlace): Promise<PcmInspection[]> {
  try {
    return [await inspectPlace(folder, place)];
  } catch (error) {
    if (error instanceof HalflapError && error.code === "ERR_HALFLAP_DEVICE_NOT_FOUND") return [];
    throw error;
  }
}

async function inspectCard(folder: AsoundFolder, card: SoundCard): Promise<CardInspection> {
  const pcms: PcmInspection[] = [];
  for (const place of await listPcms(folder, card)) {
    pcms.push(...await inspectIfThere(folder, place));
  }
  return { ...card, pcms };
}

/** `inspectCards()` in any folder. */
export async function inspectCardsIn(folder: AsoundFolder): Promise<CardsInspection> {
  const list = parseCards(await readCardsText(folder));
  const { devices, unknown: unknownDevices } = parseDevices(await folder.readText("devices") ?? "");
  const { timers, unknown: unknownTimers } = parseTimers(await folder.readText("timers") ?? "");
  const version = await folder.readText("version") ?? "";
  const cards: CardInspection[] = [];
  for (const card of list.cards) cards.push(await inspectCard(folder, card));
  return {
    driverVersion: VERSION.exec(version)?.[1],
    cards,
    devices,
    timers,
    unknown: [...list.unknown, ...unknownDevices, ...unknownTimers],
  };
}

/**
 * Looks at all sound cards, at their PCMs as {@linkcode inspectPcm} does, and at the timers.
 *
 * @returns What is there. A kernel with ALSA and without cards is no error.
 * @throws HalflapError with `ERR_HALFLAP_UNSUPPORTED_KERNEL` where the kernel has no ALSA, and with
 * `ERR_HALFLAP_PERMISSION_DENIED` where system or runtime forbid to read /proc/asound.
 */
export async function inspectCards(): Promise<CardsInspection> {
  return await inspectCardsIn(new AsoundFolder());
}
