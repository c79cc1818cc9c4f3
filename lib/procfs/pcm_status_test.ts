import assert from "node:assert/strict";
import { test } from "node:test";
import { linux61, linux612, sample } from "../../tests/asound_samples.ts";
import { parsePcmStatus } from "./pcm_status.ts";

test("status of a stream that runs", () => {
  assert.deepEqual(parsePcmStatus(sample(linux612, "card0/pcm0p/sub0/status")), {
    state: "running",
    ownerPid: 51,
    clock: "monotonic",
    triggerTimeMs: 437.001152,
    timestampMs: 3074.000064,
    delayFrames: 2475,
    availFrames: 1621,
    maxAvailFrames: 2062,
    hwPtr: 126_576,
    applPtr: 129_051,
    xruns: 0,
    unknown: [],
  });
});

test("status after an xrun, from a kernel that does not count xruns", () => {
  const status = parsePcmStatus(sample(linux61, "card4/pcm0p/sub0/status"));
  assert.equal(status?.state, "xrun");
  assert.equal(status?.availFrames, 4352);
  assert.equal(status?.xruns, undefined);
  assert.equal(status?.timestampMs, undefined);
});

test("status of a stream without parameters", () => {
  const status = parsePcmStatus(sample(linux612, "card1/pcm1p/sub0/status"));
  assert.equal(status?.state, "open");
  assert.equal(status?.clock, undefined);
  assert.equal(status?.triggerTimeMs, undefined);
});

test("a closed stream has no status", () => {
  assert.equal(parsePcmStatus("closed\n"), undefined);
});

test("times since 1970 are told from times since the start", () => {
  const status = parsePcmStatus("trigger_time: 1700000000.500000000\n");
  assert.equal(status?.clock, "realtime");
  assert.equal(status?.triggerTimeMs, 1_700_000_000_500);
});

test("delay of a stream that the hardware has overtaken is negative", () => {
  assert.equal(parsePcmStatus("delay       : -256\n")?.delayFrames, -256);
});

test("states that halflap does not know, and errors of the kernel, are unknown lines", () => {
  for (const line of ["state: (null)", "state: RESONATING", "state: running", "error -19"]) {
    const status = parsePcmStatus(`${line}\n`);
    assert.equal(status?.state, undefined);
    assert.deepEqual(status?.unknown, [line]);
  }
});
