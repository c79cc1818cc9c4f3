import assert from "node:assert/strict";
import { test } from "node:test";
import type { SampleFormat } from "../format.ts";
import { LevelMeter } from "./level_meter.ts";
import { peakOf } from "./peak.ts";

const bytesIn = (view: ArrayBufferView): Uint8Array =>
  new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

test("peak is relative to full scale in every format", () => {
  const half: Readonly<Record<SampleFormat, ArrayBufferView>> = {
    u8: Uint8Array.of(128, 64),
    s16: Int16Array.of(0, -16_384),
    s24: Int32Array.of(0, 0x55c0_0000),
    s24_3: Uint8Array.of(0, 0, 0, 0, 0, 0xc0),
    s32: Int32Array.of(0, 2 ** 30),
    f32: Float32Array.of(0, -0.5),
    f64: Float64Array.of(0, 0.5),
  };
  for (const [format, samples] of Object.entries(half)) {
    assert.equal(peakOf(format as SampleFormat, bytesIn(samples)), 0.5, format);
  }
  assert.equal(peakOf("u8", Uint8Array.of(128)), 0);
  assert.equal(peakOf("s16", bytesIn(Int16Array.of(-32_768))), 1);
});

test("samples of any alignment are measured", () => {
  const bytes = new Uint8Array(9);
  new DataView(bytes.buffer).setFloat64(1, -0.25, true);
  assert.equal(peakOf("f64", bytes.subarray(1)), 0.25);
});

test("level is told when its samples are heard, not when they are written", () => {
  const meter = new LevelMeter({ format: "f32", rate: 1000, channels: 1 });
  meter.measure(bytesIn(new Float32Array(100).fill(0.25)));
  meter.measure(bytesIn(new Float32Array(100).fill(0.75)));
  assert.equal(meter.peakUntil(0), 0);
  assert.equal(meter.peakUntil(50), 0.25);
  assert.equal(meter.peakUntil(100), 0.25);
  assert.equal(meter.peakUntil(101), 0.75);
  assert.equal(meter.peakUntil(10_000), 0.75);
});
