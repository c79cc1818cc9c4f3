/**
 * Takes the hint off the message of an error.
 *
 * @module
 */

import type { HalflapError } from "../../errors.ts";

/** What went wrong, and what to do about it. */
export interface SplitMessage {
  /** The message without the hint. */
  readonly message: string;
  /** The hint, where there is one. */
  readonly hint: string | undefined;
}

/** Takes the hint, which the message ends with, off it. */
export function splitHint({ message, hint }: HalflapError): SplitMessage {
  const tail = `; ${hint}`;
  return { message: message.endsWith(tail) ? message.slice(0, -tail.length) : message, hint };
}
