import assert from "node:assert/strict";
import { test } from "node:test";
import { linux612, sample } from "../../tests/asound_samples.ts";
import { parseSwParams } from "./sw_params.ts";

const boundary = 2 ** 62;

test("parameters of a stream that never stops at an underrun", () => {
  assert.deepEqual(parseSwParams(sample(linux612, "card0/pcm0p/sub0/sw_params")), {
    timestamps: true,
    periodStep: 1,
    availMin: 1024,
    startThreshold: boundary,
    stopThreshold: boundary,
    silenceThreshold: 0,
    silenceSize: boundary,
    boundary,
    unknown: [],
  });
});

test("a stream that is closed or not set up has no parameters", () => {
  assert.equal(parseSwParams("closed\n"), undefined);
  assert.equal(parseSwParams("no setup\n"), undefined);
});

test("the largest number that the kernel has is a threshold like others", () => {
  const params = parseSwParams("stop_threshold: 18446744073709551615\n");
  assert.equal(params?.stopThreshold, 2 ** 64);
});

test("timestamp mode of a later kernel is unknown", () => {
  const params = parseSwParams("tstamp_mode: ALWAYS\nboundary: 0\n");
  assert.equal(params?.timestamps, undefined);
  assert.deepEqual(params?.unknown, ["tstamp_mode: ALWAYS", "boundary: 0"]);
});
