/**
 * The sound cards that the kernel knows.
 *
 * @module
 */

import { parseCards, type SoundCard } from "../../procfs/cards.ts";
import type { Examination } from "./check.ts";
import { isContainer } from "./container.ts";
import { Inaccessible } from "./inaccessible.ts";
import type { System } from "./system.ts";

const CARDS_FILE = "/proc/asound/cards";
const VERSION_FILE = "/proc/asound/version";
const DRIVER_VERSION = /Version (\S+?)\.?\s*$/;

/** Reads the cards; there are none where the kernel has no ALSA or hides it. */
export function readCards(system: System): readonly SoundCard[] | Inaccessible {
  const text = system.readText(CARDS_FILE);
  if (text instanceof Inaccessible) return text.reason === "missing" ? [] : text;
  const { cards, unknown } = parseCards(text);
  const isKnown = cards.length > 0 || unknown.length === 0;
  return isKnown ? cards : new Inaccessible(CARDS_FILE, "malformed", text);
}

/** The sound cards that the kernel knows. */
export const soundCards: Examination = {
  id: "sound-cards",
  title: "Sound cards",
  meaning:
    'Without a sound card there is nothing to be heard; the card "virtual" still works, and ' +
    "what it plays can be recorded.",
  examine(system) {
    const cards = readCards(system);
    if (cards instanceof Inaccessible) return cards;
    const version = system.readText(VERSION_FILE);
    const driver = version instanceof Inaccessible ? undefined : DRIVER_VERSION.exec(version)?.[1];
    if (cards.length > 0) {
      const names = cards.map(({ number, id }) => `${number} ${id}`).join(", ");
      return { status: "ok", found: driver === undefined ? names : `${names} (ALSA ${driver})` };
    }
    const mend = isContainer(system)
      ? 'start the container with "--device /dev/snd" where the host has a card'
      : 'plug one in; see "dmesg" where one is there but not found';
    return { status: "advice", found: 'none; the card "virtual" works without', mend };
  },
};
