/**
 * Makes texts of the kernel safe to print. Sound cards bring names with them, and a terminal obeys
 * control characters.
 *
 * @module
 */

// deno-lint-ignore no-control-regex -- Control characters are what it is about.
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/g;

/** The text with control characters written out. */
export function printable(text: string): string {
  const written = (character: string): string =>
    `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`;
  return text.replace(CONTROL, written);
}
