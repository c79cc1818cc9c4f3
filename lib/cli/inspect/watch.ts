/**
 * Prints a text over and over.
 *
 * @module
 */

import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { EXIT_OK, signalExitCode } from "../exit_code.ts";
import { Interrupt, Interrupted } from "../interrupt.ts";
import { printResult } from "../output.ts";

/** What is printed, and how often. */
export interface WatchOptions {
  /** Time between two texts. */
  readonly intervalMs: number;
  /** Whether a terminal shows each text in the place of the last one. */
  readonly isRedrawn: boolean;
  /** Makes the text. */
  text(): Promise<string>;
}

const HOME = "\x1b[H";
const CLEAR_LINE = "\x1b[K";
const CLEAR_BELOW = "\x1b[J";
const CLEAR_SCREEN = "\x1b[2J";

/** The text over what a terminal shows, without the flicker of an empty screen. */
function redrawn(text: string): string {
  return `${HOME}${text.replaceAll("\n", `${CLEAR_LINE}\n`)}${CLEAR_BELOW}`;
}

/** Prints until a signal comes or nobody reads it any more; resolves with the exit code. */
export async function watch({ intervalMs, isRedrawn, text }: WatchOptions): Promise<number> {
  const isTerminal = isRedrawn && process.stdout.isTTY === true;
  const interrupt = new Interrupt();
  try {
    if (isTerminal) await printResult(CLEAR_SCREEN);
    for (;;) {
      const next = await interrupt.race(text());
      if (!await printResult(isTerminal ? redrawn(next) : next)) return EXIT_OK;
      await interrupt.race(sleep(intervalMs));
    }
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    return signalExitCode(error.signal);
  } finally {
    interrupt.stop();
  }
}
