/**
 * A line on the terminal that is drawn over and over while something plays.
 *
 * @module
 */

import process from "node:process";
import { clearInterval, setInterval } from "node:timers";
import { type Progress, progressText } from "./progress_text.ts";

const INTERVAL_MS = 100;
const DEFAULT_COLUMNS = 80;
const CLEAR_LINE = "\r\x1b[K";
const HIDE_CURSOR = "\x1b[?25l";
const SHOW_CURSOR = "\x1b[?25h";

/** Whether there is a terminal to draw on. */
export function canDrawProgress(): boolean {
  return process.stderr.isTTY === true;
}

/** Draws until the function it returns is called, which leaves the terminal as it was. */
export function drawProgress(current: () => Progress): () => void {
  const draw = (): void => {
    const columns = process.stderr.columns || DEFAULT_COLUMNS;
    process.stderr.write(`${CLEAR_LINE}${progressText(current(), columns)}`);
  };
  const timer = setInterval(draw, INTERVAL_MS);
  const stop = (): void => {
    clearInterval(timer);
    process.off("exit", stop);
    process.stderr.write(`${CLEAR_LINE}${SHOW_CURSOR}`);
  };
  process.on("exit", stop);
  process.stderr.write(HIDE_CURSOR);
  draw();
  return stop;
}
