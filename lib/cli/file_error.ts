/**
 * Says in words why a file cannot be read.
 *
 * @module
 */

import { CommandError } from "./command_error.ts";

const REASONS: Readonly<Record<string, string>> = {
  EACCES: "its permissions forbid it",
  EISDIR: "it is a folder",
  ENOENT: "there is no such file",
  ENOTDIR: "a part of its path is no folder",
};

/** Makes the error of a file that cannot be read. */
export function readError(path: string, cause: unknown): CommandError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const reason = REASONS[code ?? ""] ?? message;
  return new CommandError(`Cannot read "${path}": ${reason}`, { cause });
}
