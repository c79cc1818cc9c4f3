/**
 * The text of the progress line.
 *
 * @module
 */

import { toDecibels } from "./peak.ts";

/** What the line tells. */
export interface Progress {
  /** Seconds played. */
  readonly seconds: number;
  /** Seconds that there are to play, where that is known. */
  readonly totalSeconds: number | undefined;
  /** Level of what is being written, relative to full scale. */
  readonly peak: number;
  /** How often the device ran dry. */
  readonly xruns: number;
}

const MAX_BAR_COLUMNS = 40;
const MIN_BAR_COLUMNS = 10;

/** Makes a line of fewer than that many columns. */
export function progressText(progress: Progress, columns: number): string {
  const { seconds, totalSeconds, peak, xruns } = progress;
  const total = totalSeconds === undefined ? "" : ` / ${clockText(totalSeconds)}`;
  const level = `${levelText(peak)} dBFS`;
  const text = `${clockText(seconds)}${total}  ${level}  ${xruns} ${
    xruns === 1 ? "xrun" : "xruns"
  }`;
  const room = columns - 1;
  const barColumns = Math.min(MAX_BAR_COLUMNS, room - text.length - "[]  ".length);
  if (totalSeconds === undefined || barColumns < MIN_BAR_COLUMNS) return text.slice(0, room);
  const done = totalSeconds === 0 ? 1 : Math.min(1, seconds / totalSeconds);
  return `${barText(done, barColumns)}  ${text}`;
}

function barText(done: number, columns: number): string {
  return `[${"=".repeat(Math.floor(done * columns)).padEnd(columns)}]`;
}

/** Minutes, seconds and tenths. */
function clockText(seconds: number): string {
  const tenths = Math.floor(seconds * 10);
  const rest = (tenths % 600 / 10).toFixed(1).padStart(4, "0");
  return `${Math.floor(tenths / 600)}:${rest}`;
}

function levelText(peak: number): string {
  const decibels = toDecibels(peak);
  return (decibels === -Infinity ? "-inf" : decibels.toFixed(1)).padStart(6);
}
