/**
 * The exit codes of the `halflap` command.
 *
 * @module
 */

import { constants } from "node:os";

/** What was asked for was done. */
export const EXIT_OK = 0;
/** It failed while running: a device, a file, a permission. */
export const EXIT_FAILURE = 1;
/** The arguments make no sense. */
export const EXIT_USAGE = 2;
/** A signal stopped it: this plus the signal's number. */
export const EXIT_SIGNAL = 128;

/** The signals that end a command cleanly. */
export type StopSignal = "SIGHUP" | "SIGINT" | "SIGTERM";

/** The exit code of a command that a signal ended, as shells give it. */
export function signalExitCode(signal: StopSignal): number {
  return EXIT_SIGNAL + constants.signals[signal];
}
