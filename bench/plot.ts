/**
 * Draws the curves of a suite.
 *
 * @module
 */

import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import type { Figure } from "./figure.ts";

/** One line of a plot, as far as one row of its suite goes. */
export interface Point {
  /** Which line. */
  readonly series: string;
  /** Where on it. */
  readonly x: number;
  /** What was measured. */
  readonly y: Figure;
}

/** Curves over the rows of a suite. Both axes are logarithmic. */
export interface Plot<Row> {
  /** What it shows; its file is named for it. */
  readonly name: string;
  /** What stands below it. */
  readonly xTitle: string;
  /** What stands beside it. */
  readonly yTitle: string;
  /** The points of a row; one whose figure is not above 0 cannot be shown. */
  readonly points: (row: Row) => readonly Point[];
}

const SIZE = { width: 640, height: 400 } as const;

/** Draws a plot as SVG: medians, and quartiles as bars. */
export async function drawSvg<Row>(
  { xTitle, yTitle, points }: Plot<Row>,
  rows: readonly Row[],
  title: string,
): Promise<string> {
  const values = rows.flatMap(points)
    .map(({ series, x, y }) => ({ series, x, ...y }))
    .filter(({ p25 }) => p25 > 0);
  const scale = { type: "log" } as const;
  const x = { field: "x", type: "quantitative", scale, title: xTitle } as const;
  const y = { type: "quantitative", scale, title: yTitle } as const;
  const color = { field: "series", type: "nominal", title: null } as const;
  const spec: TopLevelSpec = {
    ...SIZE,
    title,
    background: "white",
    data: { values },
    encoding: { x, color },
    layer: [
      { mark: { type: "line", point: true }, encoding: { y: { ...y, field: "median" } } },
      { mark: "rule", encoding: { y: { ...y, field: "p25" }, y2: { field: "p75" } } },
    ],
  };
  return await new View(parse(compile(spec).spec), { renderer: "none" }).toSVG();
}
