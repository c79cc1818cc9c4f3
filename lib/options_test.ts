import assert from "node:assert/strict";
import { test } from "node:test";
import { checkPlaybackOptions } from "./options.ts";
import { clip, silence, tone } from "./source.ts";

test("options that are not given get their defaults", () => {
  assert.deepEqual(checkPlaybackOptions(undefined), {
    device: "default",
    access: "auto",
    rate: 48_000,
    rateExact: false,
    channels: 2,
    channelMap: [],
    format: "f32",
    periodFrames: undefined,
    periods: undefined,
    queueFrames: undefined,
    startThreshold: undefined,
    gain: 1,
    realtime: { priority: 0, lowest: 1, highest: 3, cpus: [], cpuDmaLatencyUs: -1 },
    xrunPolicy: "stop",
    source: undefined,
    signal: undefined,
  });
});

test("a rate that is given is exact", () => {
  const { rate, rateExact } = checkPlaybackOptions({ rate: 48_000 });
  assert.deepEqual({ rate, rateExact }, { rate: 48_000, rateExact: true });
});

test("an option with the value undefined counts as not given", () => {
  assert.deepEqual(
    checkPlaybackOptions({ rate: undefined, device: undefined, source: undefined }),
    checkPlaybackOptions({}),
  );
});

const INTEGERS: readonly [name: string, min: number, max: number][] = [
  ["rate", 4000, 768_000],
  ["channels", 1, 32],
  ["periodFrames", 16, 1_048_576],
  ["periods", 2, 1024],
  ["queueFrames", 16, 16_777_216],
];

for (const [name, min, max] of INTEGERS) {
  test(`"${name}" accepts integers from ${min} to ${max} only`, () => {
    for (const good of [min, max]) checkPlaybackOptions({ [name]: good });
    const range = new RegExp(`^"${name}" must be an integer from ${min} to ${max}: `);
    for (const bad of [min - 1, max + 1, min + 0.5, -1, NaN, -Infinity]) {
      assert.throws(() => checkPlaybackOptions({ [name]: bad }), {
        name: "RangeError",
        message: range,
      });
    }
    for (const bad of [String(min), BigInt(min), null, true, {}, [min], () => min]) {
      assert.throws(() => checkPlaybackOptions({ [name]: bad }), {
        name: "TypeError",
        message: range,
      });
    }
  });
}

test("a message says which value was given", () => {
  assert.throws(() => checkPlaybackOptions({ rate: "48000" }), { message: /is "48000"$/ });
  assert.throws(() => checkPlaybackOptions({ rate: 3 }), { message: /is 3$/ });
  assert.throws(() => checkPlaybackOptions({ rate: new Date(0) }), { message: /is a Date$/ });
});

test('"gain" accepts numbers from 0 to 16 only', () => {
  for (const good of [0, 0.5, 16]) assert.equal(checkPlaybackOptions({ gain: good }).gain, good);
  for (const bad of [-0.1, 16.1, NaN, Infinity]) {
    assert.throws(() => checkPlaybackOptions({ gain: bad }), RangeError);
  }
  assert.throws(() => checkPlaybackOptions({ gain: "1" }), TypeError);
});

test('"startThreshold" accepts integers up to "queueFrames", and Infinity', () => {
  for (const good of [1, 100, Infinity]) {
    const { startThreshold } = checkPlaybackOptions({ startThreshold: good, queueFrames: 100 });
    assert.equal(startThreshold, good);
  }
  for (const bad of [0, 1.5, 101, -Infinity, NaN]) {
    assert.throws(() => checkPlaybackOptions({ startThreshold: bad, queueFrames: 100 }), {
      name: "RangeError",
      message: /^"startThreshold" must be /,
    });
  }
  assert.throws(() => checkPlaybackOptions({ startThreshold: "1" }), TypeError);
});

test("words outside of the list are refused with the list", () => {
  assert.throws(() => checkPlaybackOptions({ access: "dma" }), {
    name: "TypeError",
    message: '"access" must be one of "auto", "mmap", "write": current value is "dma"',
  });
  assert.throws(() => checkPlaybackOptions({ format: "S16_LE" }), TypeError);
  assert.throws(() => checkPlaybackOptions({ format: 1 }), TypeError);
});

test("a device must be text that a C function can take", () => {
  assert.equal(checkPlaybackOptions({ device: "hw:0,0" }).device, "hw:0,0");
  for (const bad of ["", "hw:0\0", "x".repeat(256), "\u00e9".repeat(128)]) {
    assert.throws(() => checkPlaybackOptions({ device: bad }), RangeError);
  }
  assert.throws(() => checkPlaybackOptions({ device: 0 }), TypeError);
});

test("unknown options are refused by name", () => {
  assert.throws(() => checkPlaybackOptions({ sampleRate: 48_000 }), {
    name: "TypeError",
    message: /^There is no option "sampleRate" in the options of openPlayback\(\): /,
  });
  for (const bad of [null, 1, "default", () => {}]) {
    assert.throws(() => checkPlaybackOptions(bad), TypeError);
  }
});

test("a signal must be an AbortSignal", () => {
  const { signal } = new AbortController();
  assert.equal(checkPlaybackOptions({ signal }).signal, signal);
  assert.throws(() => checkPlaybackOptions({ signal: { aborted: false } }), TypeError);
});

test("the queue has no capacity and no threshold where a source plays", () => {
  const source = silence();
  assert.throws(() => checkPlaybackOptions({ source, queueFrames: 100 }), TypeError);
  assert.throws(() => checkPlaybackOptions({ source, startThreshold: 100 }), RangeError);
  assert.throws(() => checkPlaybackOptions({ source, startThreshold: "100" }), TypeError);
  assert.equal(checkPlaybackOptions({ source, startThreshold: Infinity }).startThreshold, Infinity);
});

test("a source must be made by one of the functions", () => {
  for (const bad of [null, "tone", 440, {}, { kind: "render" }, () => {}]) {
    assert.throws(() => checkPlaybackOptions({ source: bad }), TypeError);
  }
  const forged = { kind: "tone", frequencyHz: "440", amplitude: 1 };
  assert.throws(() => checkPlaybackOptions({ source: forged }), TypeError);
});

test("a tone stays below half of the rate", () => {
  checkPlaybackOptions({ source: tone({ frequencyHz: 4000 }), rate: 8000 });
  assert.throws(
    () => checkPlaybackOptions({ source: tone({ frequencyHz: 4001 }), rate: 8000 }),
    RangeError,
  );
});

test("a clip fits the format and the channels of its stream", () => {
  checkPlaybackOptions({ source: clip(new Int16Array(6)), format: "s16", channels: 3 });
  const open = (samples: Parameters<typeof clip>[0]) =>
    checkPlaybackOptions({ source: clip(samples), format: "s16", channels: 3 });
  assert.throws(() => open(new Float32Array(6)), TypeError);
  assert.throws(() => open(new Int16Array(7)), RangeError);
  assert.throws(() => open(new Int16Array(0)), RangeError);
});
