/**
 * Bytes of files and of standard input, in chunks.
 *
 * @module
 */

import { open } from "node:fs/promises";
import process from "node:process";
import { UsageError } from "./command_error.ts";
import { readError } from "./file_error.ts";
import { requireRead } from "./require_read.ts";

/** Stands for standard input on the command line. */
export const STANDARD_INPUT = "-";

const CHUNK_BYTES = 65_536;

/** The bytes of a file, which is opened when the first chunk is asked for. */
async function* fileBytes(path: string): AsyncGenerator<Uint8Array, void, void> {
  requireRead(path);
  const file = await open(path).catch((error) => {
    throw readError(path, error);
  });
  try {
    for (;;) {
      const chunk = new Uint8Array(CHUNK_BYTES);
      const { bytesRead } = await file.read(chunk, 0, CHUNK_BYTES, null).catch((error) => {
        throw readError(path, error);
      });
      if (bytesRead === 0) return;
      yield chunk.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

let standardInputPending = false;

async function* standardInputBytes(): AsyncGenerator<Uint8Array, void, void> {
  standardInputPending = true;
  yield* process.stdin as AsyncIterable<Uint8Array>;
  standardInputPending = false;
}

/**
 * Whether standard input was read, but not to its end. In Deno such a read keeps the process alive,
 * and can neither be cancelled nor abandoned.
 */
export function isStandardInputPending(): boolean {
  return standardInputPending;
}

/** The bytes of a file, or of standard input for `-`. */
export function bytesOf(path: string): AsyncGenerator<Uint8Array, void, void> {
  if (path !== STANDARD_INPUT) return fileBytes(path);
  if (process.stdin.isTTY) {
    throw new UsageError('"-" reads standard input, which is a terminal: pipe audio into it');
  }
  return standardInputBytes();
}

/** What messages call a file, or standard input for `-`. */
export function nameOf(path: string): string {
  return path === STANDARD_INPUT ? "standard input" : `"${path}"`;
}
