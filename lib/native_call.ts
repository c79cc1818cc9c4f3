/**
 * Results and texts of the engine's functions.
 *
 * @module
 */

import { engine } from "./ffi/engine.ts";
import { nativeError } from "./errors.ts";

const TEXT_BYTES = 1024;
const textBuffer = new Uint8Array(TEXT_BYTES);
const decoder = new TextDecoder();

/** Reads a text of the engine: the function gets a buffer and returns the bytes it wrote. */
export function readText(read: (buffer: Uint8Array, bytes: number) => number): string {
  const bytes = check(read(textBuffer, TEXT_BYTES));
  return decoder.decode(textBuffer.subarray(0, bytes));
}

/** Returns the result of an engine function, if it is none of the errors. */
export function check(result: number): number {
  if (result >= 0) return result;
  const bytes = engine().native.halflap_error_text(textBuffer, TEXT_BYTES);
  const text = decoder.decode(textBuffer.subarray(0, Math.max(bytes, 0)));
  throw nativeError({ result, text });
}
