/**
 * What a suite is, and its result as text.
 *
 * @module
 */

import type { Figure } from "./figure.ts";
import type { Plot } from "./plot.ts";
import type { Scale } from "./scale.ts";

/** One column of a suite's table. */
export interface Column<Row> {
  /** What stands above it. */
  readonly heading: string;
  /** What a row shows in it. */
  readonly text: (row: Row) => string;
}

/** One kind of measurement. Its name is that of its file in suites/. */
export interface Suite<Row> {
  /** What it measures, in one line. */
  readonly title: string;
  /** The columns of its table: what a row is about, ratios, absolute figures. */
  readonly columns: readonly Column<Row>[];
  /** Its curves, where it has some. */
  readonly plots?: readonly Plot<Row>[];
  /** Measures; the rows are what `--json` prints. */
  readonly measure: (scale: Scale) => Promise<Row[]>;
}

/** The machine lacks what a suite needs; the message says what, and how to get it. */
export class CannotMeasureError extends Error {
  override readonly name = "CannotMeasureError";
}

/** Shows a figure's median, with three significant digits. */
export function short({ median }: Figure): string {
  return Math.abs(median) >= 100 ? median.toFixed(0) : median.toPrecision(3);
}

/** Shows a ratio: its median, and its quartiles behind it. */
export function ratio({ median, p25, p75 }: Figure): string {
  const digits = median >= 10 ? 1 : 2;
  return `${median.toFixed(digits)} (${p25.toFixed(digits)}-${p75.toFixed(digits)})`;
}

/** Lays out rows below their headings: the first column to the left, the others to the right. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const lines = [
    columns.map(({ heading }) => heading),
    ...rows.map((row) => columns.map(({ text }) => text(row))),
  ];
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const laidOut = lines.map((line) =>
    line
      .map((text, column) =>
        column === 0 ? text.padEnd(widths[0]!) : text.padStart(widths[column]!)
      )
      .join("  ")
      .trimEnd()
  );
  return laidOut.join("\n") + "\n";
}
