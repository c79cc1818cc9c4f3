/**
 * Figures: what is left of many noisy measurements.
 *
 * @module
 */

/** The median of a measurement over all rounds, and its quartiles. */
export interface Figure {
  /** Half of the rounds were below. */
  readonly median: number;
  /** A quarter of the rounds was below. */
  readonly p25: number;
  /** Three quarters of the rounds were below. */
  readonly p75: number;
}

/** The quantile of sorted values, interpolated linearly between the two next to it. */
function quantile(sorted: readonly number[], fraction: number): number {
  const position = fraction * (sorted.length - 1);
  const below = sorted[Math.floor(position)]!;
  const above = sorted[Math.ceil(position)]!;
  return below + (above - below) * (position - Math.floor(position));
}

/** Makes a figure of the values of all rounds. */
export function figureOf(values: readonly number[]): Figure {
  if (values.length === 0) throw new RangeError("A figure needs at least one value");
  const sorted = values.toSorted((a, b) => a - b);
  return {
    median: quantile(sorted, 0.5),
    p25: quantile(sorted, 0.25),
    p75: quantile(sorted, 0.75),
  };
}

/** Divides round by round, so that what slowed down a whole round cancels. */
export function ratioOf(values: readonly number[], bases: readonly number[]): Figure {
  return figureOf(values.map((value, round) => value / bases[round]!));
}

/** Multiplies a figure by a constant. */
export function scaled({ median, p25, p75 }: Figure, factor: number): Figure {
  return { median: median * factor, p25: p25 * factor, p75: p75 * factor };
}
