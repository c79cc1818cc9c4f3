import assert from "node:assert/strict";
import { test } from "node:test";
import { clip, silence, tone } from "./source.ts";

test("sources describe what they play", () => {
  const samples = new Int16Array(4);
  assert.deepEqual(tone({ frequencyHz: 440 }), { kind: "tone", frequencyHz: 440, amplitude: 0.25 });
  assert.deepEqual(clip(samples), { kind: "clip", samples, loop: false });
  assert.deepEqual(clip(samples, { loop: true }), { kind: "clip", samples, loop: true });
  assert.deepEqual(silence(), { kind: "silence" });
});

test("sources refuse options outside of their ranges", () => {
  for (const frequencyHz of [0, -1, NaN, Infinity, 400_000]) {
    assert.throws(() => tone({ frequencyHz }), RangeError);
  }
  for (const amplitude of [-0.1, 1.1, NaN]) {
    assert.throws(() => tone({ frequencyHz: 440, amplitude }), RangeError);
  }
});

test("sources refuse options of the wrong type", () => {
  const wrong = [undefined, {}, { frequencyHz: "440" }, { frequencyHz: 440, volume: 1 }];
  for (const options of wrong) {
    assert.throws(() => tone(options as unknown as Parameters<typeof tone>[0]), TypeError);
  }
  assert.throws(() => clip([1, 2] as unknown as Int16Array), TypeError);
  assert.throws(() => clip(new Int16Array(2), { loop: 1 as unknown as boolean }), TypeError);
});
