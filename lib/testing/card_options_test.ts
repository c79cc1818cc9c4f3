import assert from "node:assert/strict";
import { test } from "node:test";
import { CardChannelMaps, CardClock, CardOptions, Format, Tap } from "../ffi/abi.generated.ts";
import { checkCardOptions } from "./card_options.ts";

test("a card without options has a simulated clock, a tap in memory and no limits", () => {
  const { clock, record, tapPath } = checkCardOptions(undefined);
  const expected = new Float64Array(record.length);
  expected[CardOptions.clock] = CardClock.simulated;
  expected[CardOptions.tap] = Tap.memory;
  assert.equal(clock, "simulated");
  assert.deepEqual(record, expected);
  assert.equal(tapPath, "");
});

test("limits and words become what the engine knows", () => {
  const { record, tapPath } = checkCardOptions({
    clock: "realtime",
    tap: { path: "out.wav" },
    formats: ["s16", "f64"],
    access: ["write-interleaved"],
    rate: { min: 8000 },
    channels: { max: 2 },
    periods: { min: 2, max: 2 },
    substreams: 3,
    canPause: false,
    batch: true,
    channelMaps: "variable",
  });
  assert.equal(record[CardOptions.clock], CardClock.realtime);
  assert.equal(record[CardOptions.tap], Tap.wav);
  assert.equal(tapPath, "out.wav");
  assert.equal(record[CardOptions.format_mask], 1 << Format.s16 | 1 << Format.f64);
  assert.equal(record[CardOptions.access_mask], 0b100);
  assert.equal(record[CardOptions.rate_min], 8000);
  assert.equal(record[CardOptions.rate_max], 0);
  assert.equal(record[CardOptions.channels_min], 0);
  assert.equal(record[CardOptions.channels_max], 2);
  assert.equal(record[CardOptions.periods_min], 2);
  assert.equal(record[CardOptions.periods_max], 2);
  assert.equal(record[CardOptions.channel_maps], CardChannelMaps.variable);
  assert.equal(record[CardOptions.substreams], 3);
  assert.equal(record[CardOptions.no_pause], 1);
  assert.equal(record[CardOptions.batch], 1);
});

test("wrong options of a card are refused", () => {
  const types = [
    { clock: "atomic" },
    { tap: "disk" },
    { tap: { path: 1 } },
    { tap: null },
    { formats: "s16" },
    { formats: ["S16_LE"] },
    { access: ["mmap"] },
    { rate: 48_000 },
    { rate: { from: 1 } },
    { canPause: 1 },
    { batch: "yes" },
    { colour: "red" },
  ];
  for (const options of types) assert.throws(() => checkCardOptions(options), TypeError);
  const ranges = [
    { tap: { path: "" } },
    { formats: [] },
    { rate: { min: 3999 } },
    { rate: { min: 48_000, max: 44_100 } },
    { channels: { max: 33 } },
    { periodFrames: { min: 15.5 } },
    { substreams: 0 },
    { driftPpm: NaN },
  ];
  for (const options of ranges) assert.throws(() => checkCardOptions(options), RangeError);
});
