import assert from "node:assert/strict";
import { test } from "node:test";
import {
  Granted,
  GRANTED_LENGTH,
  Realtime,
  STREAM_OPTIONS_LENGTH,
  StreamOptions,
} from "./ffi/abi.generated.ts";
import { checkRealtime, realtimeFromNative, recordRealtime } from "./realtime.ts";

test("words and priorities become the engine's numbers", () => {
  const priorityOf = (value: unknown) => checkRealtime(value).priority;
  assert.equal(priorityOf(undefined), 0);
  assert.equal(priorityOf("auto"), 0);
  assert.equal(priorityOf({}), 0);
  assert.equal(priorityOf("off"), -1);
  assert.equal(priorityOf({ priority: 42 }), 42);
});

test("a range, CPUs and a latency reach the engine's record", () => {
  const record = new Float64Array(STREAM_OPTIONS_LENGTH);
  recordRealtime(record, checkRealtime(undefined));
  assert.deepEqual([...record.slice(StreamOptions.realtime, StreamOptions.realtime + 7)], [
    ...[0, 1, 3],
    ...[0, 0, 0, 0],
  ]);
  assert.equal(record[StreamOptions.cpu_dma_latency_us], -1);
  const cpus = [127, 1, 0, 31, 64, 1];
  const checked = checkRealtime({ priorityRange: [10, 20], cpus, cpuDmaLatencyUs: 50 });
  recordRealtime(record.fill(0), checked);
  assert.equal(record[StreamOptions.realtime_lowest], 10);
  assert.equal(record[StreamOptions.realtime_highest], 20);
  assert.equal(record[StreamOptions.cpus_0], 0x8000_0003);
  assert.equal(record[StreamOptions.cpus_32], 0);
  assert.equal(record[StreamOptions.cpus_64], 1);
  assert.equal(record[StreamOptions.cpus_96], 0x8000_0000);
  assert.equal(record[StreamOptions.cpu_dma_latency_us], 50);
  assert.deepEqual(checked.cpus, [0, 1, 31, 64, 127]);
});

test("anything else is refused", () => {
  const wrong = [
    ...["on", 3, null, true, { priority: "3" }, { priority: 3, policy: "rr" }],
    ...[{ priorityRange: 3 }, { priorityRange: [1] }, { cpus: [] }, { cpus: 1 }, { cpus: ["0"] }],
    { cpuDmaLatencyUs: "0" },
  ];
  for (const bad of wrong) assert.throws(() => checkRealtime(bad), TypeError);
  for (const priority of [0, 100, 1.5, NaN, -1]) {
    assert.throws(() => checkRealtime({ priority }), RangeError);
    assert.throws(() => checkRealtime({ priorityRange: [1, priority] }), RangeError);
  }
  for (const cpu of [-1, 128, 0.5, NaN]) {
    assert.throws(() => checkRealtime({ cpus: [cpu] }), RangeError);
  }
  assert.throws(() => checkRealtime({ priorityRange: [3, 2] }), RangeError);
  assert.throws(() => checkRealtime({ cpuDmaLatencyUs: -1 }), RangeError);
});

test("every outcome has a reason, and a denial says how to mend it", () => {
  for (const [name, value] of Object.entries(Realtime)) {
    const record = new Float64Array(GRANTED_LENGTH);
    record[Granted.realtime] = value;
    const { reason, mend } = realtimeFromNative(record);
    assert.ok(reason.length > 0);
    assert.equal(mend !== undefined, name === "denied");
  }
});

test("a denial tells the limits, and whether RealtimeKit is there", () => {
  const record = new Float64Array(GRANTED_LENGTH);
  record[Granted.realtime] = Realtime.denied;
  record[Granted.memlock_limit] = 8192;
  const mend = () => realtimeFromNative(record).mend!;
  assert.match(mend(), /rtprio is 0 and memlock 8192 bytes/);
  assert.doesNotMatch(mend(), /RealtimeKit/);
  record[Granted.memlock_limit] = -1;
  record[Granted.has_rtkit] = 1;
  assert.match(mend(), /memlock unlimited, .*RealtimeKit is installed/);
});

test("the CPUs and the latency are those that the engine grants", () => {
  const record = new Float64Array(GRANTED_LENGTH);
  record[Granted.cpu_dma_latency_us] = -1;
  const nothing = realtimeFromNative(record);
  assert.deepEqual([nothing.cpus, nothing.cpuDmaLatencyUs], [undefined, undefined]);
  record[Granted.cpus_0] = 0x8000_0003;
  record[Granted.cpus_64] = 1;
  record[Granted.cpus_96] = 0x8000_0000;
  record[Granted.cpu_dma_latency_us] = 0;
  const { cpus, cpuDmaLatencyUs } = realtimeFromNative(record);
  assert.deepEqual(cpus, [0, 1, 31, 64, 127]);
  assert.equal(cpuDmaLatencyUs, 0);
});
