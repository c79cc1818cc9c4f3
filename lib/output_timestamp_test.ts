import assert from "node:assert/strict";
import { test } from "node:test";
import { Stats, STATS_LENGTH } from "./ffi/abi.generated.ts";
import type { Native } from "./ffi/backend.ts";
import { outputTimestamp, performanceOffsetMs } from "./output_timestamp.ts";

test("a position becomes seconds, its time a time of the realm", () => {
  const stats = new Float64Array(STATS_LENGTH);
  stats[Stats.timestamp_frames] = 24_000;
  stats[Stats.timestamp_ms] = 1000;
  assert.deepEqual(outputTimestamp(stats, 48_000, -400), {
    contextTime: 0.5,
    performanceTime: 600,
  });
});

test("the offset between the clocks lies within the span of a sample", () => {
  const ahead = 5_000_000;
  const before = performance.now();
  const native = { halflap_now_ms: () => performance.now() + ahead } as unknown as Native;
  const offset = performanceOffsetMs(native);
  const span = performance.now() - before;
  assert.ok(Math.abs(offset + ahead) <= span);
});
