/**
 * Writes to the standard streams, and ends the process when that must not wait for anything.
 *
 * @module
 */

import process from "node:process";
import { CommandError } from "./command_error.ts";

type Stream = NodeJS.WritableStream;

/** Keeps errors of the standard streams from ending the process: whoever writes gets them. */
export function leaveErrorsToWriters(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
}

function write(stream: Stream, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(text, (error) => error ? reject(error) : resolve());
  });
}

/** Writes results; resolves with whether anybody still reads them. */
export async function printResult(text: string): Promise<boolean> {
  try {
    await write(process.stdout, text);
    return true;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // Whoever read the results has seen enough, as "head" has.
    if (code === "EPIPE") return false;
    throw new CommandError(`Cannot write to standard output: ${message}`, { cause: error });
  }
}

/** Writes what a person should know. */
export async function printNote(text: string): Promise<void> {
  // Where standard error is closed there is nobody left to tell; the exit code says it as well.
  await write(process.stderr, `${text}\n`).catch(() => {});
}

/** Ends the process although something keeps it alive. What was printed must have been awaited. */
export function leave(exitCode: number): never {
  process.exit(exitCode);
}
