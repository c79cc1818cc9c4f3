/**
 * Distributions of what a stream measures.
 *
 * @module
 */

import { Distribution as Field } from "./ffi/abi.generated.ts";

/**
 * How a quantity was distributed since the stream was opened. Percentiles come from a log-scaled
 * histogram and are right within 7 %, durations of less than a microsecond within 64 ns. Values above
 * 4.3 s or 2^20 frames are not told apart: a percentile among them is `max`, which is exact. All are 0
 * while `count` is.
 */
export interface Distribution {
  /** Number of values. */
  readonly count: number;
  /** Half of the values are not above this. */
  readonly p50: number;
  /** 99 % of them are not above this. */
  readonly p99: number;
  /** 99.9 % of them are not above this. */
  readonly p999: number;
  /** 99.99 % of them are not above this. */
  readonly p9999: number;
  /** The greatest value. */
  readonly max: number;
}

/** Makes the public form of the engine's record; `unit` is the public unit in the engine's units. */
export function distributionFromNative(record: Float64Array, unit: number): Distribution {
  const value = (index: number): number => record[index]! / unit;
  return {
    count: record[Field.count]!,
    p50: value(Field.p50),
    p99: value(Field.p99),
    p999: value(Field.p999),
    p9999: value(Field.p9999),
    max: value(Field.max),
  };
}
