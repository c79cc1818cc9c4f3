/** Gain, its ramps, and the fades of start, pause, resume and drop: no clicks, no wrapping. */
import assert from "node:assert/strict";
import { openVirtualCard, type VirtualCard } from "../lib/testing/mod.ts";
import { openPlayback, type PlaybackQueue, type SampleFormat, tone } from "../mod.ts";
import {
  accesses,
  advanceUntil,
  assertPlayed,
  assertSameBits,
  assertSilence,
  counting,
  formats,
  fromNumbers,
  handled,
  lsbOf,
  monoSource,
  noise,
  openCard48k,
  test,
  toNumbers,
} from "./harness.ts";

const constant = { ...counting, format: "f32", queueFrames: 4000 } as const;
/** 480 frames. */
const rampMs = 10;
const rampFrames = 480;
const level = 0.5;

const levelFrames = (frames: number): Float32Array => new Float32Array(frames).fill(level);

async function playWith(
  format: SampleFormat,
  gain: number,
  samples: ReturnType<typeof noise>,
): Promise<ReturnType<typeof noise>> {
  await using card = await openCard48k();
  const options = { ...counting, format, gain, device: card.device };
  await using out: PlaybackQueue<SampleFormat> = await openPlayback(options);
  assert.equal(out.gain, gain);
  await advanceUntil(card, Promise.all([out.write(samples), out.drain()]));
  assert.equal(out.stats().gain, Math.fround(gain));
  return card.played().subarray(0, samples.length);
}

/** Quiet and loud samples, with both ends of the scale. */
function testNumbers(): number[] {
  const numbers = Array.from({ length: 997 }, (_, index) => Math.sin(index * index) * 0.999);
  return [...numbers, -1, 0, 0.99, -0.99, 0.5, -0.5];
}

/** Largest difference of neighbours. */
function largestStep(numbers: Float64Array): number {
  let largest = 0;
  for (let index = 1; index < numbers.length; index++) {
    largest = Math.max(largest, Math.abs((numbers[index] ?? 0) - (numbers[index - 1] ?? 0)));
  }
  return largest;
}

const betweenSilences = (numbers: Float64Array): Float64Array => Float64Array.of(0, ...numbers, 0);

function assertSmooth(numbers: Float64Array, frames: number, what: string): void {
  const step = largestStep(numbers);
  const allowed = 1.01 * level / frames + 1e-6;
  assert.ok(step <= allowed, `${what}: a step of ${step}, more than ${allowed}`);
}

function assertMonotonic(numbers: Float64Array, direction: 1 | -1): void {
  const wrong = numbers.findIndex((value, index) =>
    index > 0 && direction * (value - (numbers[index - 1] ?? 0)) < 0
  );
  assert.equal(wrong, -1, `Frame ${wrong} goes back`);
}

for (const format of formats) {
  test(`gain 1 leaves ${format} untouched, also when it was set`, async () => {
    await using card = await openCard48k();
    await using out: PlaybackQueue<SampleFormat> = await openPlayback({
      ...counting,
      format,
      gain: 0.3,
      device: card.device,
    });
    await advanceUntil(card, Promise.all([out.write(noise(format, 500, 1, 9)), out.drain()]));
    out.setGain(1);
    const before = card.played().length;
    const samples = noise(format, 3001, 1);
    await advanceUntil(card, Promise.all([out.write(samples), out.drain()]));
    assertPlayed(card.played().subarray(before), samples, { ...counting, format });
  });

  test(`gain 0 makes ${format} silent`, async () => {
    assertSilence(await playWith(format, 0, fromNumbers(testNumbers(), format)), format);
  });

  test(`gain scales ${format} to the nearest value`, async () => {
    for (const gain of [0.5, 0.3, 0.999, 1e-3]) {
      const samples = fromNumbers(testNumbers(), format);
      const before = toNumbers(samples, format);
      const after = toNumbers(await playWith(format, gain, samples), format);
      const tolerance = 1.01 * lsbOf[format] + 2 ** -22;
      for (const [index, value] of after.entries()) {
        const wanted = (before[index] ?? 0) * gain;
        assert.ok(Math.abs(value - wanted) <= tolerance, `${value} for ${wanted}, gain ${gain}`);
      }
    }
  });

  test(`gain above 1 clips integers of ${format}, and never wraps`, async () => {
    for (const gain of [2, 7.77, 16]) {
      const samples = fromNumbers(testNumbers(), format);
      const before = toNumbers(samples, format);
      const after = toNumbers(await playWith(format, gain, samples), format);
      const isFloat = lsbOf[format] === 0;
      const highest = 1 - lsbOf[format];
      const tolerance = 1.01 * lsbOf[format] + 2 ** -19;
      for (const [index, value] of after.entries()) {
        const scaled = (before[index] ?? 0) * gain;
        const wanted = isFloat ? scaled : Math.max(-1, Math.min(highest, scaled));
        assert.ok(Math.abs(value - wanted) <= tolerance, `${value} for ${wanted}, gain ${gain}`);
      }
    }
  });

  test(`a fade of ${format} has no step larger than the ramp allows`, async () => {
    await using card = await openCard48k();
    const options = { ...counting, format, startThreshold: Infinity, device: card.device };
    await using out: PlaybackQueue<SampleFormat> = await openPlayback(options);
    await out.write(fromNumbers(Array.from({ length: 1500 }, () => level), format));
    await out.start({ fadeMs: rampMs });
    await card.advance(1500);
    const numbers = Float64Array.of(0, ...toNumbers(card.played(), format));
    const allowed = 1.01 * level / rampFrames + 1.5 * lsbOf[format] + 1e-6;
    const step = largestStep(numbers);
    assert.ok(step <= allowed, `A step of ${step}, more than ${allowed}`);
    assertMonotonic(numbers, 1);
    assert.equal(numbers.at(-1), level);
  });
}

for (const access of accesses) {
  test(`a gain ramp is linear, monotonic and as long as asked by ${access}`, async () => {
    await using card = await openCard48k();
    await using out = await openPlayback({ ...constant, access, device: card.device });
    const written = handled(out.write(levelFrames(20_000)));
    await card.advance(1000);
    out.setGain(0, { rampMs });
    assert.equal(out.gain, 0);
    await card.advance(2000);
    assert.equal(out.stats().gain, 0);
    out.setGain(1, { rampMs: 2 * rampMs });
    await card.advance(3000);
    assert.equal(out.stats().gain, 1);
    await advanceUntil(card, written.then(() => out.drain()));

    const numbers = toNumbers(card.played(), "f32");
    const down = numbers.findIndex((value) => value !== level);
    const bottom = numbers.indexOf(0);
    const up = numbers.findIndex((value, index) => index > bottom && value !== 0);
    const top = numbers.indexOf(level, up);
    assert.ok(down >= 999, `The ramp begins at frame ${down}`);
    assert.ok(Math.abs(bottom - down - rampFrames) <= 2, `It has ${bottom - down} frames`);
    assert.ok(Math.abs(top - up - 2 * rampFrames) <= 2, `It has ${top - up} frames`);
    assertMonotonic(numbers.subarray(down, bottom), -1);
    assertMonotonic(numbers.subarray(up, top), 1);
    const rest = numbers.subarray(top).find((value) => value !== level);
    assert.equal(rest, undefined, "The gain does not stay at its end");
    assertSmooth(numbers.subarray(0, bottom + 1), rampFrames, "Down");
    assertSmooth(numbers.subarray(up - 1, top + 1), 2 * rampFrames, "Up");
  });
}

test("gain without a ramp changes in one step", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...constant, device: card.device });
  const written = handled(out.write(levelFrames(9000)));
  await card.advance(1000);
  out.setGain(0.25);
  await advanceUntil(card, written.then(() => out.drain()));
  assert.deepEqual(new Set(card.played().subarray(0, 9000)), new Set([level, level / 4]));
});

test("a ramp that replaces another one begins where that one was", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...constant, device: card.device });
  const written = handled(out.write(levelFrames(20_000)));
  await card.advance(1000);
  out.setGain(0, { rampMs });
  await card.advance(240);
  assert.ok(out.stats().gain < 1);
  out.setGain(1, { rampMs });
  await card.advance(100);
  out.setGain(0.5, { rampMs });
  await advanceUntil(card, written.then(() => out.drain()));
  const numbers = toNumbers(card.played(), "f32");
  assertSmooth(numbers.subarray(0, 20_000), rampFrames, "Ramps");
  assert.equal(numbers[19_999], level / 2);
});

test("a ramp waits while the stream is paused", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...constant, device: card.device });
  const written = handled(out.write(levelFrames(9000)));
  await card.advance(1000);
  await out.pause();
  out.setGain(0, { rampMs });
  await card.advance(5000);
  await out.resume();
  await advanceUntil(card, written.then(() => out.drain()));
  const numbers = toNumbers(card.played(), "f32").subarray(0, 9000);
  assertSmooth(numbers, rampFrames, "The ramp");
  assert.equal(numbers.at(-1), 0);
});

type Constant = PlaybackQueue<"f32">;

async function fadeAround(card: VirtualCard, out: Constant): Promise<Float64Array> {
  const written = handled(out.write(levelFrames(30_000)));
  await out.start({ fadeMs: rampMs });
  await card.advance(2000);
  for (let round = 0; round < 3; round++) {
    await advanceUntil(card, out.pause({ fadeMs: rampMs }));
    assert.equal(out.state, "paused");
    await card.advance(1000 + 77 * round);
    await out.resume({ fadeMs: rampMs });
    await card.advance(1500);
  }
  await card.advance(1000);
  const dropped = out.drop({ fadeMs: rampMs });
  await assert.rejects(written);
  await advanceUntil(card, dropped);
  return toNumbers(card.played(), "f32");
}

for (const access of accesses) {
  for (const canPause of [true, false]) {
    const pause = `${canPause ? "with" : "without"} hardware pause`;
    test(`fades of start, pause, resume and drop do not click by ${access} ${pause}`, async () => {
      await using card = await openVirtualCard({ canPause });
      await using out = await openPlayback({
        ...constant,
        access,
        startThreshold: Infinity,
        device: card.device,
      });
      const numbers = await fadeAround(card, out);
      assertSmooth(betweenSilences(numbers), rampFrames, "Fades");
      assert.ok(numbers.includes(level), "It never gets loud");
      assert.equal(
        out.stats().framesAccepted,
        out.stats().framesPlayed + out.stats().framesDropped,
      );
    });
  }
}

test("a pause in the middle of a fade-in does not click", async () => {
  for (const canPause of [true, false]) {
    await using card = await openVirtualCard({ canPause });
    await using out = await openPlayback({
      ...constant,
      startThreshold: Infinity,
      device: card.device,
    });
    await out.write(levelFrames(4000));
    await out.start({ fadeMs: rampMs });
    await card.advance(200);
    await advanceUntil(card, out.pause({ fadeMs: rampMs }));
    await out.resume({ fadeMs: rampMs });
    await card.advance(2000);
    const numbers = Float64Array.of(0, ...toNumbers(card.played(), "f32"));
    assertSmooth(numbers, rampFrames, `canPause ${canPause}`);
    assert.equal(numbers.at(-1), level);
  }
});

test("what comes after a faded drop has its full level", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...constant, device: card.device });
  await out.write(levelFrames(4000));
  await card.advance(1000);
  await advanceUntil(card, out.drop({ fadeMs: rampMs }));
  await advanceUntil(card, Promise.all([out.write(levelFrames(700)), out.drain()]));
  assertSameBits(card.played().subarray(-700), levelFrames(700));
});

test("gain and fade multiply", async () => {
  await using card = await openCard48k();
  const options = { ...constant, gain: 0.5, startThreshold: Infinity, device: card.device };
  await using out = await openPlayback(options);
  await out.write(levelFrames(2000));
  await out.start({ fadeMs: rampMs });
  await card.advance(2000);
  const numbers = toNumbers(card.played(), "f32");
  assertMonotonic(numbers, 1);
  assert.equal(numbers.at(-1), level / 2);
  assert.ok(largestStep(Float64Array.of(0, ...numbers)) <= 1.01 * level / 2 / rampFrames + 1e-6);
});

test("a tone fades in and out", async () => {
  await using card = await openCard48k();
  const options = { ...monoSource, format: "f64", device: card.device } as const;
  const source = tone({ frequencyHz: 100, amplitude: 1 });
  await using out = await openPlayback({ ...options, source, startThreshold: Infinity });
  await out.start({ fadeMs: 100 });
  await card.advance(10_000);
  await advanceUntil(card, out.drop({ fadeMs: 100 }));
  const numbers = toNumbers(card.played(), "f64");
  const allowed = 2 * Math.PI * 100 / 48_000 + 1 / 4800 + 1e-6;
  assert.ok(largestStep(betweenSilences(numbers)) <= allowed);
  assert.ok(Math.abs(numbers[120] ?? 1) < 0.03, "It is loud at once");
});
