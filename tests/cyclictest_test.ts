/**
 * What the benchmark of wake-ups reads from the output of `cyclictest`.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCyclictest } from "../bench/cyclictest.ts";

/** Output of `cyclictest --verbose --nsecs` about a thread of that priority. */
function output(nanoseconds: readonly number[], priority = 3): string {
  const values = nanoseconds.map((value, cycle) => `       0:${cycle}:${value}`.padEnd(26));
  return [
    "Max CPUs = 2",
    "Thread 0 Interval: 1500",
    ...values,
    `T: 0 ( 7045) P:${priority} I:1000 C:${values.length} Min:  1 Act:  2 Avg:  2 Max:  3`,
  ].join("\n");
}

test("quantiles are those of the wake-ups, in microseconds, in whatever order they came", () => {
  const nanoseconds = Array.from({ length: 1000 }, (_, index) => (index * 7 % 1000 + 1) * 1000);
  const lateness = parseCyclictest(output(nanoseconds), 3);
  assert.deepEqual(lateness, { p50: 500, p99: 990, p999: 999, max: 1000 });
});

test("a single wake-up is all quantiles at once", () => {
  const lateness = parseCyclictest(output([27_121]), 3);
  assert.deepEqual(lateness, { p50: 27.121, p99: 27.121, p999: 27.121, max: 27.121 });
});

test("a priority that was not asked for is refused: it would be another comparison", () => {
  const expected = { message: "cyclictest ran at priority 2 instead of 0" };
  assert.throws(() => parseCyclictest(output([1000], 2), 0), expected);
});

test("output without wake-ups is refused", () => {
  assert.throws(() => parseCyclictest(output([]), 3), { message: "cyclictest printed no values" });
});
