/**
 * `cards`: the sound cards.
 *
 * @module
 */

import { splitLines, type UnknownLines } from "./field_reader.ts";

/** A sound card. */
export interface SoundCard {
  /** Its number, as in `hw:0`. */
  readonly number: number;
  /** Its short name, as in `hw:CARD=PCH`, which stays the same when cards come and go. */
  readonly id: string;
  /** The driver's name. */
  readonly driver: string;
  /** The maker's name for it. */
  readonly name: string;
  /** Its name with where it is attached; empty where the kernel does not tell. */
  readonly longName: string;
}

/** The sound cards that the kernel knows. */
export interface SoundCardList extends UnknownLines {
  /** The cards. */
  readonly cards: readonly SoundCard[];
}

// " 0 [PCH            ]: HDA-Intel - HDA Intel PCH"
const CARD_LINE = /^\s*(\d{1,9}) \[(.*?)\s*\]: (.*?) - (.*)$/;
// The line after it.
const LONG_NAME_LINE = /^ {22}(.*)$/;
const NO_CARDS = "--- no soundcards ---";

/** Parses the file. */
export function parseCards(text: string): SoundCardList {
  const cards: SoundCard[] = [];
  const unknown: string[] = [];
  const { whole, cut } = splitLines(text);
  let isAfterCard = false;
  for (const line of whole) {
    const [, number, id, driver, name] = CARD_LINE.exec(line) ?? [];
    const longName = isAfterCard ? LONG_NAME_LINE.exec(line)?.[1] : undefined;
    isAfterCard = number !== undefined;
    if (number !== undefined) {
      cards.push({ number: Number(number), id: id!, driver: driver!, name: name!, longName: "" });
    } else if (longName !== undefined) cards.push({ ...cards.pop()!, longName });
    else if (line !== NO_CARDS) unknown.push(line);
  }
  return { cards, unknown: [...unknown, ...cut] };
}
