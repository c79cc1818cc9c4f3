/**
 * The values of fields in files of the kernel. What cannot be parsed is undefined.
 *
 * @module
 */

const MS_PER_S = 1000;
const NS_PER_MS = 1e6;

/** A text, unless it is empty. */
export function parseText(text: string): string | undefined {
  return text === "" ? undefined : text;
}

/** An integer; what is beyond 2^53 becomes the nearest number. */
export function parseInteger(text: string): number | undefined {
  // No integer of the kernel has more than 20 digits.
  return /^-?\d{1,20}$/.test(text) ? Number(text) : undefined;
}

/** An integer that is not negative. */
export function parseCount(text: string): number | undefined {
  return text.startsWith("-") ? undefined : parseInteger(text);
}

/** An integer above 0. */
export function parsePositive(text: string): number | undefined {
  return parseCount(text) || undefined;
}

/** Seconds and nanoseconds as in `1.602000000`, as milliseconds. */
export function parseSeconds(text: string): number | undefined {
  const parts = /^(\d{1,19})\.(\d{9})$/.exec(text);
  return parts === null ? undefined : Number(parts[1]) * MS_PER_S + Number(parts[2]) / NS_PER_MS;
}

/** One of some words, which the kernel writes in capitals. */
export function parseWord<Word extends string>(
  words: readonly Word[],
): (text: string) => Word | undefined {
  return (text) => words.find((word) => word.toUpperCase() === text);
}
