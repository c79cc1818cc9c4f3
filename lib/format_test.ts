import assert from "node:assert/strict";
import { test } from "node:test";
import {
  allocateSamples,
  bytesPerSample,
  checkFrames,
  formatFromNative,
  isSamplesOf,
  nativeFormat,
  SAMPLE_FORMATS,
  type SampleFormat,
} from "./format.ts";

const ARRAYS: Record<SampleFormat, [bytes: number, array: string]> = {
  u8: [1, "Uint8Array"],
  s16: [2, "Int16Array"],
  s24: [4, "Int32Array"],
  s24_3: [3, "Uint8Array"],
  s32: [4, "Int32Array"],
  f32: [4, "Float32Array"],
  f64: [8, "Float64Array"],
};

test("every format has its typed array and its size", () => {
  assert.deepEqual([...SAMPLE_FORMATS].sort(), Object.keys(ARRAYS).sort());
  for (const format of SAMPLE_FORMATS) {
    const samples = allocateSamples(format, 6);
    assert.deepEqual([bytesPerSample(format), samples.constructor.name], ARRAYS[format]);
    assert.equal(samples.byteLength, 6 * bytesPerSample(format));
    assert.equal(isSamplesOf(format, samples), true);
    assert.equal(checkFrames(format, 3, samples), 2);
  }
});

test("a format survives the way to the engine and back", () => {
  for (const format of SAMPLE_FORMATS) {
    assert.equal(formatFromNative(nativeFormat(format)), format);
  }
  assert.throws(() => formatFromNative(99));
});

test("samples in another array are a TypeError that names both arrays", () => {
  assert.throws(() => checkFrames("s16", 1, new Float32Array(2)), {
    name: "TypeError",
    message:
      'Samples of the format "s16" must be a Int16Array: current value is of type Float32Array',
  });
  for (
    const bad of [undefined, null, [1, 2], new ArrayBuffer(4), new DataView(new ArrayBuffer(4))]
  ) {
    assert.throws(() => checkFrames("s16", 1, bad), TypeError);
  }
});

test("incomplete frames are a RangeError", () => {
  assert.throws(() => checkFrames("s16", 2, new Int16Array(3)), RangeError);
  assert.throws(() => checkFrames("s24_3", 1, new Uint8Array(4)), RangeError);
});

test("no samples are no frames", () => {
  assert.equal(checkFrames("f32", 8, new Float32Array(0)), 0);
});

test("Node's Buffer holds samples of one byte", () => {
  assert.equal(checkFrames("u8", 2, Buffer.alloc(4)), 2);
});
