import assert from "node:assert/strict";
import { test } from "node:test";
import { distributionFromNative } from "./distribution.ts";
import { Distribution, DISTRIBUTION_LENGTH } from "./ffi/abi.generated.ts";

function recordOf(fields: Readonly<Record<keyof typeof Distribution, number>>): Float64Array {
  const record = new Float64Array(DISTRIBUTION_LENGTH);
  for (const [name, index] of Object.entries(Distribution)) {
    record[index] = fields[name as keyof typeof fields];
  }
  return record;
}

test("values are converted to the public unit, and their number is not", () => {
  const record = recordOf({ count: 7, p50: 1e6, p99: 2e6, p999: 3e6, p9999: 4e6, max: 5e6 });
  assert.deepEqual(distributionFromNative(record, 1e6), {
    count: 7,
    p50: 1,
    p99: 2,
    p999: 3,
    p9999: 4,
    max: 5,
  });
});

test("a distribution without values is all 0", () => {
  const values = distributionFromNative(new Float64Array(DISTRIBUTION_LENGTH), 1e6);
  assert.deepEqual(Object.values(values), Array(6).fill(0));
});
