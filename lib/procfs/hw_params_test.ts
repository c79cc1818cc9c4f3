import assert from "node:assert/strict";
import { test } from "node:test";
import { linux61, sample } from "../../tests/asound_samples.ts";
import { parseHwParams } from "./hw_params.ts";

test("parameters of a stream that runs", () => {
  assert.deepEqual(parseHwParams(sample(linux61, "card0/pcm0p/sub0/hw_params")), {
    access: "RW_INTERLEAVED",
    format: "S16_LE",
    subformat: "STD",
    channels: 2,
    rate: 48_000,
    exactRate: 48_000,
    periodFrames: 6000,
    bufferFrames: 24_000,
    unknown: [],
  });
});

test("a stream that is closed or not set up has no parameters", () => {
  assert.equal(parseHwParams("closed\n"), undefined);
  assert.equal(parseHwParams("no setup\n"), undefined);
});

test("a rate that the hardware's clock does not divide evenly", () => {
  const params = parseHwParams("rate: 44099 (24576000/557)\n");
  assert.equal(params?.rate, 44_099);
  assert.equal(params?.exactRate, 24_576_000 / 557);
});

test("values that make no sense are unknown lines", () => {
  const lines = [
    ...["rate: 48000", "rate: 48000 (48000/0)", "rate: -1 (1/1)", "rate: NaN (1/1)"],
    ...["channels: 0", "channels: -2", "channels: 2.5", "period_size: 0x400", "buffer_size: "],
    ...["format:", `channels: ${"9".repeat(21)}`],
  ];
  for (const line of lines) {
    const { unknown, ...fields } = parseHwParams(`${line}\n`)!;
    assert.deepEqual(unknown, [line]);
    assert.ok(Object.values(fields).every((value) => value === undefined), line);
  }
});
