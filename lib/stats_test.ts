import assert from "node:assert/strict";
import { test } from "node:test";
import type { Distribution } from "./distribution.ts";
import { Group, GROUP_LENGTH, State, Stats, STATS_LENGTH } from "./ffi/abi.generated.ts";
import { type NativeTelemetry, statsFromNative } from "./stats.ts";

/** A distribution that is told from others by its number of values. */
const numbered = (count: number): Distribution => ({
  count,
  p50: 0,
  p99: 0,
  p999: 0,
  p9999: 0,
  max: 0,
});

const group = Float64Array.from({ length: GROUP_LENGTH }, (_, index) => 200 + index);
const telemetry: NativeTelemetry = {
  recent: [],
  distributions: {
    wakeLatenessMs: numbered(1),
    fillMs: numbered(2),
    queueFrames: numbered(3),
    availFrames: numbered(4),
    delayFrames: numbered(5),
  },
  group,
  groupWakeLatenessMs: numbered(6),
  groupRoundMs: numbered(7),
};

/** Each counter is another number. */
function countersOf(state: number): Float64Array {
  const record = Float64Array.from({ length: STATS_LENGTH }, (_, index) => 100 + index);
  record[Stats.state] = state;
  return record;
}

const snakeCase = (name: string): string =>
  name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

test("each counter comes from the field of its name", () => {
  const record = countersOf(State.running);
  const stats = statsFromNative(record, telemetry);
  const counters = Object.entries(stats).filter(([, value]) => typeof value === "number");
  assert.ok(counters.length > 10);
  for (const [name, value] of counters) {
    assert.equal(value, record[Stats[snakeCase(name) as keyof typeof Stats]], name);
  }
  assert.equal(stats.state, "running");
});

test("xruns are counted in all and by cause", () => {
  const record = countersOf(State.xrun);
  const { xruns } = statsFromNative(record, telemetry);
  assert.deepEqual(xruns, {
    count: record[Stats.xruns],
    producer: record[Stats.xruns_producer],
    scheduling: record[Stats.xruns_scheduling],
    processing: record[Stats.xruns_processing],
    device: record[Stats.xruns_device],
    recent: telemetry.recent,
  });
});

test("the group has counters and distributions of its own", () => {
  const stats = statsFromNative(countersOf(State.running), telemetry);
  assert.equal(stats.distributions, telemetry.distributions);
  assert.deepEqual(stats.group, {
    streams: group[Group.streams],
    wakeUps: group[Group.wake_ups],
    darkMs: group[Group.dark_ms],
    wakeLatenessMs: numbered(6),
    roundMs: numbered(7),
  });
});

test("a state that the engine does not have is not hidden", () => {
  assert.throws(() => statsFromNative(countersOf(99), telemetry), /unknown state 99/);
});
