import assert from "node:assert/strict";
import { test } from "node:test";
import { Xrun as Field, XrunCause, XrunPolicy } from "./ffi/abi.generated.ts";
import { type XrunCause as Cause, xrunFromNative, xrunRecord } from "./xrun.ts";

type Fields = Partial<Record<keyof typeof Field, number>>;

function recordOf(fields: Fields): Float64Array {
  const record = xrunRecord();
  for (const [name, value] of Object.entries(fields)) record[Field[name as keyof Fields]] = value;
  return record;
}

/** The advice on an xrun of a cause. */
function adviceOn(cause: Cause, fields: Fields, isRealtime = true): string {
  const record = recordOf({ cause: XrunCause[cause], ...fields });
  return xrunFromNative(1, record, 0, { isRealtime, isRendered: false }).advice;
}

const realtime = { isRealtime: true, isRendered: false };

test("who renders too late is not told to write earlier", () => {
  const record = recordOf({ cause: XrunCause.producer });
  assert.match(xrunFromNative(1, record, 0, realtime).advice, /queueFrames/);
  const rendered = { isRealtime: true, isRendered: true };
  const { advice } = xrunFromNative(1, record, 0, rendered);
  assert.match(advice, /callback/);
  assert.doesNotMatch(advice, /queueFrames/);
});

test("a record becomes an xrun, its time one of the realm", () => {
  const record = recordOf({
    cause: XrunCause.device,
    policy: XrunPolicy.repeat,
    began_ms: 1000,
    duration_ms: 2,
    is_over: 1,
    position_frames: 3,
    lost_frames: 4,
    queue_frames: 5,
    left_frames: 6,
    lateness_ms: 7,
    processing_ms: 8,
    off_cpu_ms: 9,
    run_queue_ms: 10,
    involuntary_switches: 11,
    minor_faults: 12,
    major_faults: 13,
  });
  const { advice, ...xrun } = xrunFromNative(14, record, -400, realtime);
  assert.match(advice, /kernel's log/);
  assert.deepEqual(xrun, {
    number: 14,
    cause: "device",
    policy: "repeat",
    timeMs: 600,
    durationMs: 2,
    isOver: true,
    position: 3,
    lostFrames: 4,
    evidence: {
      queueFrames: 5,
      leftFrames: 6,
      latenessMs: 7,
      processingMs: 8,
      offCpuMs: 9,
      runQueueMs: 10,
      involuntarySwitches: 11,
      minorFaults: 12,
      majorFaults: 13,
    },
  });
});

test("an xrun that goes on is not over, and what the kernel does not tell is undefined", () => {
  const { isOver, evidence } = xrunFromNative(1, recordOf({ run_queue_ms: -1 }), 0, realtime);
  assert.equal(isOver, false);
  assert.equal(evidence.runQueueMs, undefined);
});

test("each cause has an advice of its own", () => {
  const causes = Object.keys(XrunCause) as Cause[];
  const advices = causes.map((cause) => adviceOn(cause, {}));
  assert.equal(new Set(advices).size, causes.length);
  for (const advice of advices) assert.match(advice, /^[A-Z].*\.$/);
});

test("a thread that waited for a CPU is to become realtime, or the system is to be looked at", () => {
  const waited = { lateness_ms: 30, run_queue_ms: 29.5 };
  assert.match(adviceOn("scheduling", waited, false), /not realtime: allow SCHED_FIFO/);
  assert.match(adviceOn("scheduling", waited), /run halflap doctor/);
});

test("a realtime thread that waited for the disk lacks memory", () => {
  const waited = { lateness_ms: 30, run_queue_ms: 0, major_faults: 1 };
  assert.match(adviceOn("scheduling", waited), /free some memory/);
});

test("lateness without a wait for a CPU is told with its numbers, realtime or not", () => {
  const stopped = { lateness_ms: 300.488, run_queue_ms: 0.25 };
  for (const isRealtime of [true, false]) {
    const advice = adviceOn("scheduling", stopped, isRealtime);
    assert.match(advice, /ran 300\.5 ms late, and waited for a CPU only 0\.3 ms of that: /);
    assert.match(advice, /the process was stopped, or a hypervisor or firmware had the CPU/);
  }
});

test("a hypervisor is blamed neither for little, nor for the smaller part, nor on no evidence", () => {
  for (
    const fields of [
      { lateness_ms: 0.9, run_queue_ms: 0 },
      { lateness_ms: 30, run_queue_ms: 15 },
      { lateness_ms: 30, run_queue_ms: 0, off_cpu_ms: 31 },
      { lateness_ms: 30, run_queue_ms: -1 },
      // The count covers more time than the lateness.
      { lateness_ms: 30, run_queue_ms: 40 },
    ]
  ) {
    assert.match(adviceOn("scheduling", fields), /run halflap doctor/, JSON.stringify(fields));
  }
});
