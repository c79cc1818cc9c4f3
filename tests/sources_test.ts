/** Native sources: tone, clip and silence, in every format. */
import assert from "node:assert/strict";
import { openVirtualCard, type VirtualCardOptions } from "../lib/testing/mod.ts";
import {
  clip,
  mix,
  openPlayback,
  type PlaybackOptions,
  type SampleFormat,
  silence,
  type Source,
  tone,
} from "../mod.ts";
import {
  accesses,
  advanceUntil,
  assertPlayed,
  assertSameBits,
  assertSilence,
  formats,
  frameElements,
  framesOf,
  lsbOf,
  monoSource,
  noise,
  openCard48k,
  test,
  toNumbers,
  withCode,
  within,
} from "./harness.ts";

interface Take {
  readonly source: Source;
  readonly format?: SampleFormat;
  readonly access?: "mmap" | "write";
  readonly channels?: number;
  readonly rate?: number;
  readonly frames?: number;
  readonly card?: VirtualCardOptions;
  readonly advanceFrames?: number;
}

/** Plays a source for so many frames, in steps, and returns what was played. */
async function playSource(take: Take): Promise<ReturnType<typeof noise>> {
  const { card: cardOptions, frames = 9001, advanceFrames = 1237, ...options } = take;
  await using card = await openVirtualCard(cardOptions);
  await using out = await openPlayback({ ...monoSource, ...options, device: card.device });
  for (let first = 0; first < frames; first += advanceFrames) {
    await card.advance(Math.min(advanceFrames, frames - first));
  }
  assert.equal(out.stats().framesPlayed, frames);
  assert.equal(out.stats().xruns.count, 0);
  const played = card.played();
  const { format, channels } = out.granted;
  assert.equal(played.length, frames * frameElements(format, channels));
  return played;
}

function assertTone(
  numbers: Float64Array,
  { frequencyHz, amplitude, rate, tolerance, first = 0 }: {
    readonly frequencyHz: number;
    readonly amplitude: number;
    readonly rate: number;
    readonly tolerance: number;
    readonly first?: number;
  },
): void {
  for (const [index, value] of numbers.entries()) {
    // The fraction of a period, so that the angle is exact after a long time.
    const turns = (frequencyHz * (first + index) / rate) % 1;
    const expected = amplitude * Math.sin(2 * Math.PI * turns);
    const isNear = Math.abs(value - expected) <= tolerance;
    assert.ok(isNear, `Frame ${first + index} is ${value}, not ${expected}`);
  }
}

function risingZeroCrossings(numbers: Float64Array): number {
  let count = 0;
  for (let index = 1; index < numbers.length; index++) {
    if ((numbers[index - 1] ?? 0) < 0 && (numbers[index] ?? 0) >= 0) count++;
  }
  return count;
}

for (const format of formats) {
  for (const access of accesses) {
    test(`a tone as ${format} by ${access} is a sine of the right phase everywhere`, async () => {
      const source = tone({ frequencyHz: 997.3, amplitude: 0.8 });
      const played = await playSource({ source, format, access });
      const tolerance = 1.5 * lsbOf[format] + 1e-5;
      const wanted = { frequencyHz: 997.3, amplitude: 0.8, rate: 48_000, tolerance };
      assertTone(toNumbers(played, format), wanted);
    });
  }

  test(`a tone of full amplitude as ${format} does not wrap`, async () => {
    const source = tone({ frequencyHz: 441, amplitude: 1 });
    const numbers = toNumbers(await playSource({ source, format }), format);
    const tolerance = 2.5 * lsbOf[format] + 1e-5;
    assertTone(numbers, { frequencyHz: 441, amplitude: 1, rate: 48_000, tolerance });
  });

  test(`silence as ${format} is silent`, async () => {
    for (const channels of [1, 3]) {
      const played = await playSource({ source: silence(), format, channels });
      assertSilence(played, format, "Silence");
    }
  });

  test(`a clip as ${format} is played once, bit for bit`, async () => {
    for (const channels of [1, 3]) {
      await using card = await openCard48k();
      const samples = noise(format, 3001, channels, channels);
      const options = { ...monoSource, format, channels, device: card.device };
      await using out = await openPlayback({ ...options, source: clip(samples) });
      await advanceUntil(card, out.drain());
      assertPlayed(card.played(), samples, out.granted);
      assert.equal(out.stats().xruns.count, 0);
    }
  });

  test(`a clip as ${format} loops without a gap`, async () => {
    for (const [clipFrames, channels] of [[1, 1], [7, 2], [100, 1], [777, 3], [5003, 2]] as const) {
      const samples = noise(format, clipFrames, channels, clipFrames);
      const source = clip(samples, { loop: true });
      const played = await playSource({ source, format, channels, frames: 11_000 });
      for (let first = 0; first < 11_000; first += clipFrames) {
        const lap = framesOf(played, format, channels, first, first + clipFrames);
        const elements = frameElements(format, channels);
        const expected = framesOf(samples, format, channels, 0, lap.length / elements);
        assertSameBits(lap, expected, `Lap at frame ${first}`);
      }
    }
  });
}

test("a tone has its frequency and amplitude", async () => {
  for (const frequencyHz of [50, 440, 1000.5, 7919]) {
    const source = tone({ frequencyHz, amplitude: 0.5 });
    const played = await playSource({ source, format: "f32", frames: 96_000 });
    const numbers = toNumbers(played, "f32");
    const crossings = risingZeroCrossings(numbers);
    assert.ok(Math.abs(crossings - 2 * frequencyHz) <= 1.5, `${crossings} zero crossings`);
    const peak = numbers.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    assert.ok(peak <= 0.500_01 && peak >= 0.49, `The peak is ${peak}`);
    const power = numbers.reduce((sum, value) => sum + value * value, 0) / numbers.length;
    assert.ok(Math.abs(power - 0.125) < 1e-3, `The mean square is ${power}`);
  }
});

test("a tone keeps its phase for minutes", async () => {
  await using card = await openVirtualCard();
  const options = { ...monoSource, format: "f64", rate: 8000, device: card.device } as const;
  const source = tone({ frequencyHz: 1234.567, amplitude: 1 });
  await using out = await openPlayback({ ...options, source });
  await card.advanceMs(300_000);
  assert.equal(out.stats().framesPlayed, 2_400_000);
  const wanted = { frequencyHz: 1234.567, amplitude: 1, rate: 8000, tolerance: 1e-5 };
  const played = toNumbers(card.played().subarray(-8000), "f64");
  assertTone(played, { ...wanted, first: 2_400_000 - 8000 });
});

test("a tone is the same on all channels, interleaved or not", async () => {
  const cards: VirtualCardOptions[] = accesses.flatMap((access) => [
    { access: [`${access}-interleaved`] },
    { access: [`${access}-noninterleaved`] },
  ]);
  for (const card of cards) {
    const source = tone({ frequencyHz: 440 });
    const played = await playSource({ source, format: "f32", channels: 5, card });
    for (let frame = 0; frame < played.length / 5; frame++) {
      const samples = new Set(played.subarray(5 * frame, 5 * frame + 5));
      assert.equal(samples.size, 1, `Frame ${frame}`);
    }
    const first = toNumbers(played, "f32").filter((_, index) => index % 5 === 4);
    const wanted = { frequencyHz: 440, amplitude: 0.25, rate: 48_000, tolerance: 1e-5 };
    assertTone(first, wanted);
  }
});

test("a tone of amplitude 0 is silent, and one of half the rate is allowed", async () => {
  const quiet = await playSource({ source: tone({ frequencyHz: 440, amplitude: 0 }) });
  assertSilence(quiet, "s32");
  const highest = tone({ frequencyHz: 24_000, amplitude: 1 });
  const numbers = toNumbers(await playSource({ source: highest, format: "f64" }), "f64");
  assertTone(numbers, { frequencyHz: 24_000, amplitude: 1, rate: 48_000, tolerance: 1e-5 });
});

for (const canPause of [true, false]) {
  const pause = `${canPause ? "with" : "without"} hardware pause`;
  test(`a looping clip goes on where it was paused ${pause}`, async () => {
    await using card = await openVirtualCard({ canPause });
    const lap = Int32Array.from({ length: 997 }, (_, index) => index + 1);
    const options = { ...monoSource, device: card.device, source: clip(lap, { loop: true }) };
    await using out = await openPlayback(options);
    for (const frames of [10, 700, 1303]) {
      await card.advance(frames);
      await advanceUntil(card, out.pause());
      await card.advance(5000);
      await out.resume();
    }
    await card.advance(2000);
    const heard = card.played().filter((sample) => sample !== 0);
    const wrong = heard.findIndex((sample, index) => sample !== lap[index % lap.length]);
    assert.equal(wrong, -1, `Frame ${wrong} is not the next one of the clip`);
    assert.equal(out.stats().framesPlayed, heard.length);
  });
}

test("a source starts as soon as the stream is open", async () => {
  await using card = await openCard48k();
  const source = tone({ frequencyHz: 440 });
  await using out = await openPlayback({ ...monoSource, device: card.device, source });
  await card.advance(100);
  assert.equal(out.state, "running");
  assert.equal(out.stats().framesPlayed, 100);
});

test("a source with a start threshold of Infinity waits for start()", async () => {
  await using card = await openCard48k();
  const options = { ...monoSource, device: card.device, startThreshold: Infinity };
  await using out = await openPlayback({ ...options, source: tone({ frequencyHz: 440 }) });
  assert.equal(out.granted.startThreshold, Infinity);
  await card.advance(5000);
  assert.equal(out.state, "prepared");
  assert.equal(out.stats().framesPlayed, 0);
  await out.start();
  await card.advance(100);
  assert.equal(out.state, "running");
  assert.equal(out.stats().framesPlayed, 100);
});

test("a source in real time starts by itself", async () => {
  await using card = await openVirtualCard({ clock: "realtime" });
  const samples = noise("s32", 4000, 1) as Int32Array;
  await using out = await openPlayback({
    ...monoSource,
    // All of it in the ring: a machine that is busy cannot make it crackle.
    periodFrames: 1250,
    device: card.device,
    source: clip(samples),
  });
  await within(out.drain(), "drain()", 10_000);
  assertPlayed(card.played(), samples, out.granted);
});

test("a clip is copied when the stream is opened", async () => {
  await using card = await openCard48k();
  const samples = noise("s32", 2000, 1) as Int32Array;
  const given = samples.slice();
  const options = { ...monoSource, device: card.device, source: clip(samples) };
  await using out = await openPlayback(options);
  samples.fill(-1);
  await advanceUntil(card, out.drain());
  assertPlayed(card.played(), given, out.granted);
});

test("a clip that ends without a drain is no xrun, and only silence follows", async () => {
  for (const frames of [1, 99, 399, 400, 401, 2001]) {
    await using card = await openCard48k();
    const samples = noise("s32", frames, 1) as Int32Array;
    const options = { ...monoSource, device: card.device, source: clip(samples) };
    await using out = await openPlayback(options);
    await card.advance(20_000);
    const played = card.played();
    assertSameBits(played.subarray(0, frames), samples);
    assertSilence(played.subarray(frames), "s32");
    assert.equal(out.stats().xruns.count, 0);
  }
});

test("a tone that the granted rate is too low for is an error", async () => {
  await using card = await openVirtualCard({ rate: { max: 8000 } });
  const high = tone({ frequencyHz: 4001 });
  for (const source of [high, mix([{}, { source: high }])]) {
    const opening = openPlayback({ device: card.device, source } as PlaybackOptions);
    await assert.rejects(opening, withCode("ERR_HALFLAP_UNSUPPORTED_RATE"));
  }
  const source = mix([{ source: tone({ frequencyHz: 4000 }) }]);
  await using out = await openPlayback({ device: card.device, source });
  assert.equal(out.granted.rate, 8000);
});

test("drain ends a tone, a looping clip and silence", async () => {
  const lap = noise("s32", 333, 1);
  for (const source of [tone({ frequencyHz: 440 }), clip(lap, { loop: true }), silence()]) {
    await using card = await openCard48k();
    await using out = await openPlayback({ ...monoSource, device: card.device, source });
    await card.advance(1000);
    await advanceUntil(card, out.drain());
    assert.equal(out.state, "prepared");
    const { framesPlayed } = out.stats();
    await card.advance(5000);
    assert.equal(out.stats().framesPlayed, framesPlayed);
  }
});

test("drop stops a tone, and start() plays it again", async () => {
  await using card = await openCard48k();
  const source = tone({ frequencyHz: 440 });
  await using out = await openPlayback({ ...monoSource, device: card.device, source });
  await card.advance(500);
  await out.drop();
  await card.advance(5000);
  assert.equal(out.stats().framesPlayed, 500);
  await out.start();
  await card.advance(700);
  assert.equal(out.stats().framesPlayed, 1200);
});
