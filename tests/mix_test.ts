/** What is heard of a mix: sums, clipping, gains, clips that come and go, inputs that run dry. */
import assert from "node:assert/strict";
import {
  type CardAccess,
  engineCounters,
  openVirtualCard,
  type VirtualCard,
} from "../lib/testing/mod.ts";
import {
  clip,
  mix,
  type MixInputOptions,
  openPlayback,
  type SampleFormat,
  type SamplesOf,
  tone,
} from "../mod.ts";
import {
  accesses,
  advanceUntil,
  assertSameBits,
  assertSilence,
  eventually,
  formats,
  frameElements,
  framesOf,
  fromNumbers,
  handled,
  lsbOf,
  monoSource,
  noise,
  openCard48k,
  test,
  toNumbers,
} from "./harness.ts";

const held = { ...monoSource, startThreshold: Infinity } as const;
const cardAccesses: readonly CardAccess[] = accesses.flatMap((access): CardAccess[] => [
  `${access}-interleaved`,
  `${access}-noninterleaved`,
]);
const integerFormats = formats.filter((format) => lsbOf[format] > 0);

/** Small numbers that every format holds exactly, and their sums too; another row for each seed. */
const exactNumbers = (count: number, seed: number): number[] =>
  Array.from({ length: count }, (_, index) => ((index * (2 * seed + 7)) % 31 - 15) / 128);

const sumOf = (rows: readonly (readonly number[])[]): number[] =>
  (rows[0] ?? []).map((_, index) => rows.reduce((sum, row) => sum + (row[index] ?? 0), 0));

/** Plays what clips give in the first frames. */
async function playMix(
  inputs: readonly MixInputOptions[],
  { frames, channels = 1, format, card: cardOptions = {} }: {
    readonly frames: number;
    readonly channels?: number;
    readonly format: SampleFormat;
    readonly card?: Parameters<typeof openVirtualCard>[0];
  },
): Promise<SamplesOf<SampleFormat>> {
  await using card = await openVirtualCard(cardOptions);
  const options = { ...monoSource, format, channels, device: card.device };
  await using out = await openPlayback({ ...options, source: mix(inputs) });
  for (let first = 0; first < frames; first += 777) {
    await card.advance(Math.min(777, frames - first));
  }
  assert.equal(out.stats().xruns.count, 0);
  const played = card.played();
  assert.equal(played.length, frames * frameElements(format, channels));
  return played;
}

for (const format of formats) {
  for (const access of cardAccesses) {
    test(`queues and clips in ${format} by ${access} are summed exactly`, async () => {
      await using card = await openVirtualCard({ access: [access] });
      const channels = 3;
      const rows = [0, 1, 2, 3].map((seed) => exactNumbers(1999 * channels, seed));
      const [one, two, three, four] = rows.map((row) => fromNumbers(row, format));
      assert.ok(one && two && three && four);
      const source = mix([{ queueFrames: 2500 }, { source: clip(two) }, {
        queueFrames: 2500,
      }, { source: clip(four) }]);
      await using out = await openPlayback({
        ...held,
        format: format as SampleFormat,
        channels,
        device: card.device,
        source,
      });
      const [first, , third] = out.inputs;
      await Promise.all([first.write(one), third.write(three)]);
      await out.start();
      for (let frames = 0; frames < 1999; frames += 199) await card.advance(199);
      const played = card.played().subarray(0, one.length);
      assertSameBits(played, fromNumbers(sumOf(rows), format).subarray(0, played.length));
      assert.equal(out.stats().xruns.count, 0);
    });
  }

  test(`one input alone at gain 1 is played bit for bit in ${format}`, async () => {
    for (const channels of [1, 2]) {
      const samples = noise(format, 2003, channels);
      const quiet = tone({ frequencyHz: 440 });
      const idle = { source: clip(samples), autoplay: false };
      const inputs = [{}, { source: clip(samples) }, { source: quiet, gain: 0 }, idle];
      const played = await playMix(inputs, { frames: 3000, channels, format });
      assertSameBits(framesOf(played, format, channels, 0, 2003), samples);
      assertSilence(framesOf(played, format, channels, 2003), format);
    }
  });

  test(`one input among silent ones that sound is exact in ${format}`, async () => {
    const numbers = exactNumbers(1500, 5);
    const zeros = fromNumbers(numbers.map(() => 0), format);
    const samples = fromNumbers(numbers, format);
    const inputs = [{ source: clip(zeros) }, { source: clip(samples) }, { source: clip(zeros) }];
    assertSameBits(await playMix(inputs, { frames: 1500, format }), samples);
  });

  test(`a tone alone in a mix is the tone in ${format}`, async () => {
    await using card = await openCard48k();
    const source = tone({ frequencyHz: 997, amplitude: 0.9 });
    await using out = await openPlayback({ ...monoSource, format, device: card.device, source });
    for (let step = 0; step < 5; step++) await card.advance(777);
    const played = await playMix([{}, { source }], { frames: 5 * 777, format });
    assertSameBits(played, card.played());
    assert.equal(out.stats().framesPlayed, 5 * 777);
  });

  test(`tones in ${format} are summed on all channels`, async () => {
    const inputs = [300, 700, 1100].map((frequencyHz) => ({
      source: tone({ frequencyHz, amplitude: 0.5 }),
      gain: 0.5,
    }));
    const played = toNumbers(await playMix(inputs, { frames: 4000, channels: 2, format }), format);
    for (let frame = 0; frame < 4000; frame++) {
      const expected = [300, 700, 1100].reduce(
        (sum, hz) => sum + 0.25 * Math.sin(2 * Math.PI * ((hz * frame / 48_000) % 1)),
        0,
      );
      for (const value of played.subarray(2 * frame, 2 * frame + 2)) {
        assert.ok(Math.abs(value - expected) <= 2 * lsbOf[format] + 1e-5, `${frame}: ${value}`);
      }
    }
  });
}

for (const format of integerFormats) {
  test(`a sum beyond full scale of ${format} is clipped, and never wraps`, async () => {
    const row = Array.from({ length: 1000 }, (_, index) => Math.sin(index) * 0.99);
    const samples = fromNumbers(row, format);
    const inputs = Array.from({ length: 3 }, () => ({ source: clip(samples) }));
    const played = toNumbers(await playMix(inputs, { frames: 1000, format }), format);
    for (const [index, value] of toNumbers(samples, format).entries()) {
      assert.equal(played[index], Math.max(-1, Math.min(1 - lsbOf[format], 3 * value)));
    }
  });

  test(`intermediate sums beyond full scale of ${format} do no harm`, async () => {
    const loud = fromNumbers(Array.from({ length: 500 }, () => 0.75), format);
    const low = fromNumbers(Array.from({ length: 500 }, () => -0.75), format);
    const sources = [loud, loud, loud, low, low].map((samples) => ({ source: clip(samples) }));
    assertSameBits(await playMix(sources, { frames: 500, format }), loud);
  });
}

test("floats beyond full scale are left to the device", async () => {
  const inputs = [2, 3].map((gain) => ({ source: clip(new Float32Array(500).fill(0.5)), gain }));
  const played = await playMix(inputs, { frames: 500, format: "f32" });
  assertSameBits(played, new Float32Array(500).fill(2.5));
});

for (const format of formats) {
  test(`each input of ${format} has its gain`, async () => {
    const rows = [0, 1].map((seed) => exactNumbers(1200, seed).map((value) => 4 * value));
    const [one, two] = rows.map((row) => fromNumbers(row, format));
    assert.ok(one && two);
    const inputs = [{ source: clip(one), gain: 0.5 }, { source: clip(two), gain: 0.25 }];
    const expected = sumOf([
      (rows[0] ?? []).map((value) => value * 0.5),
      (rows[1] ?? []).map((value) => value * 0.25),
    ]);
    assertSameBits(await playMix(inputs, { frames: 1200, format }), fromNumbers(expected, format));
  });
}

for (const access of accesses) {
  test(`a gain ramp of one input is linear by ${access}, and the other inputs stay`, async () => {
    await using card = await openCard48k();
    const half = clip(new Float32Array(97).fill(0.5), { loop: true });
    const quarter = clip(new Float32Array(31).fill(0.25), { loop: true });
    const options = { ...monoSource, format: "f32", access, device: card.device } as const;
    await using out = await openPlayback({
      ...options,
      source: mix([{ source: half }, { source: quarter }]),
    });
    const [first, second] = out.inputs;
    await card.advance(1000);
    first.setGain(0, { rampMs: 10 });
    assert.equal(first.gain, 0);
    await card.advance(250);
    assert.ok(first.stats().gain > 0 && first.stats().gain < 1);
    assert.equal(second.stats().gain, 1);
    await card.advance(2000);
    assert.equal(first.stats().gain, 0);
    const played = toNumbers(card.played(), "f32");
    const down = played.findIndex((value) => value !== 0.75);
    const bottom = played.indexOf(0.25);
    assert.equal(bottom - down, 479, `From ${down} to ${bottom}`);
    for (let frame = 0; frame <= 480; frame++) {
      const expected = 0.25 + 0.5 * (1 - frame / 480);
      const value = played[down - 1 + frame] ?? NaN;
      assert.ok(Math.abs(value - expected) < 1e-6, `Frame ${frame} is ${value}`);
    }
    assert.ok(played.subarray(bottom).every((value) => value === 0.25));
  });
}

test("a tone is muted and comes back in its phase", async () => {
  await using card = await openCard48k();
  const source = tone({ frequencyHz: 1000, amplitude: 0.5 });
  const options = { ...monoSource, format: "f32", device: card.device } as const;
  await using out = await openPlayback({ ...options, source: mix([{ source }]) });
  const [input] = out.inputs;
  await card.advance(1000);
  input.setGain(0);
  await card.advance(2000);
  input.setGain(1);
  await card.advance(2000);
  const played = toNumbers(card.played(), "f32");
  const muted = played.findIndex((value, index) => value === 0 && played[index + 1] === 0);
  const back = played.findIndex((value, index) => index > muted + 1 && value !== 0);
  assert.ok(muted >= 1000 && muted < 1500 && back > 3000 && back < 3500, `${muted} to ${back}`);
  for (let frame = back; frame < 5000; frame++) {
    const expected = 0.5 * Math.sin(2 * Math.PI * ((1000 * frame / 48_000) % 1));
    assert.ok(Math.abs((played[frame] ?? NaN) - expected) < 1e-5, `Frame ${frame}`);
  }
});

test("the gain of the stream comes after the sum", async () => {
  await using card = await openCard48k();
  const source = mix([0.5, 0.25].map((value) => ({
    source: clip(new Float32Array(50).fill(value), { loop: true }),
  })));
  const options = { ...monoSource, format: "f32", gain: 0.5, device: card.device } as const;
  await using out = await openPlayback({ ...options, source });
  await card.advance(1000);
  assert.ok(card.played().every((value) => value === 0.375));
  assert.equal(out.gain, 0.5);
});

for (const [count, access] of [[200, "mmap"], [256, "write"]] as const) {
  test(`${count} inputs on one stream by ${access} are all in the sum`, async () => {
    await using card = await openCard48k();
    const frames = 1500;
    const inputs = Array.from({ length: count }, () => ({ queueFrames: 2000 }));
    const options = { ...held, access, channels: 2, device: card.device };
    await using out = await openPlayback({ ...options, source: mix(inputs) });
    assert.equal(out.inputs.length, count);
    const row = (input: number) =>
      Int32Array.from({ length: 2 * frames }, (_, index) => (index + 1) * (input + 1));
    await Promise.all(out.inputs.map((input, index) => input.write(row(index))));
    await out.start();
    await advanceUntil(card, out.drain());
    const factor = count * (count + 1) / 2;
    const sum = Int32Array.from({ length: 2 * frames }, (_, index) => (index + 1) * factor);
    assertSameBits(card.played().subarray(0, 2 * frames), sum);
    for (const input of out.inputs) assert.equal(input.stats().framesMixed, frames);
  });
}

test("200 inputs play in real time", async () => {
  await using card = await openVirtualCard({ clock: "realtime", tap: "none" });
  const lap = clip(new Float32Array(480).fill(0.001), { loop: true });
  const inputs = Array.from({ length: 200 }, (_, index) => index % 2 ? { source: lap } : {});
  await using out = await openPlayback({ device: card.device, source: mix(inputs) });
  const queues = out.inputs.filter((input) => input.kind === "queue");
  const written = queues.map((input) => input.write(new Float32Array(2 * 4800)));
  await eventually("Playing", () => out.stats().framesPlayed > 9600);
  await Promise.all(written);
  for (const input of out.inputs) assert.ok(input.stats().framesMixed > 0);
});

const beat = Int32Array.from({ length: 700 }, (_, index) => 1000 + index);

async function openAlarm(
  card: VirtualCard,
  { loop = false, autoplay = false }: { loop?: boolean; autoplay?: boolean },
) {
  const inputs = [{}, { source: clip(beat, { loop }), autoplay }] as const;
  return await openPlayback({ ...monoSource, device: card.device, source: mix(inputs) });
}

/** Frames of silence, and then what follows. */
function afterSilence(played: SamplesOf<SampleFormat>): [number, SamplesOf<SampleFormat>] {
  const start = played.findIndex((sample) => sample !== 0);
  return [start, played.subarray(start)];
}

test("a clip that waits is played when it is told to, once each time", async () => {
  await using card = await openCard48k();
  await using out = await openAlarm(card, {});
  const [, alarm] = out.inputs;
  await card.advance(1000);
  assert.equal(alarm.playing, false);
  alarm.play();
  assert.equal(alarm.playing, true);
  await card.advance(3000);
  assert.equal(alarm.playing, false);
  alarm.play();
  await card.advance(3000);
  const [start, sound] = afterSilence(card.played());
  assert.ok(start >= 1000 && start <= 1400, `It starts at ${start}`);
  assertSameBits(sound.subarray(0, 700), beat);
  const [pause, again] = afterSilence(sound.subarray(700));
  assert.ok(pause > 2000);
  assertSameBits(again.subarray(0, 700), beat);
  assertSilence(again.subarray(700), "s32");
  assert.equal(alarm.stats().framesMixed, 1400);
});

test("a clip that plays already begins again", async () => {
  await using card = await openCard48k();
  await using out = await openAlarm(card, { autoplay: true });
  const [, alarm] = out.inputs;
  await card.advance(200);
  alarm.play();
  await card.advance(2000);
  const played = card.played();
  const again = played.indexOf(1000, 1);
  assert.ok(again >= 200 && again <= 600, `It begins again at ${again}`);
  assertSameBits(played.subarray(0, again), beat.subarray(0, again));
  assertSameBits(played.subarray(again, again + 700), beat);
  assertSilence(played.subarray(again + 700), "s32");
});

test("a clip in a loop plays without a seam until it is stopped", async () => {
  await using card = await openCard48k();
  await using out = await openAlarm(card, { loop: true, autoplay: true });
  const [, alarm] = out.inputs;
  await card.advance(10_000);
  alarm.stop();
  assert.equal(alarm.playing, false);
  await card.advance(2000);
  const played = card.played();
  const end = Array.from(played).findLastIndex((sample) => sample !== 0) + 1;
  assert.ok(end >= 10_000 && end <= 10_400, `It ends at ${end}`);
  const laps = Int32Array.from({ length: end }, (_, index) => 1000 + index % 700);
  assertSameBits(played.subarray(0, end), laps);
  alarm.play();
  await card.advance(1000);
  const [, sound] = afterSilence(card.played().subarray(end));
  assertSameBits(sound.subarray(0, 600), beat.subarray(0, 600));
});

test("a clip fades in and out without a step", async () => {
  await using card = await openCard48k();
  const lap = clip(new Float32Array(77).fill(0.5), { loop: true });
  const options = { ...monoSource, format: "f32", device: card.device } as const;
  const source = mix([{ source: lap, autoplay: false }]);
  await using out = await openPlayback({ ...options, source });
  const [alarm] = out.inputs;
  alarm.play({ fadeMs: 10 });
  await card.advance(2000);
  alarm.stop({ fadeMs: 20 });
  assert.equal(alarm.playing, true);
  await card.advance(2000);
  assert.equal(alarm.playing, false);
  const played = toNumbers(card.played(), "f32");
  let largest = 0;
  for (const [index, value] of played.entries()) {
    largest = Math.max(largest, Math.abs(value - (played[index - 1] ?? 0)));
  }
  assert.ok(largest <= 0.5 / 480 + 1e-6, `A step of ${largest}`);
  const loud = played.indexOf(0.5);
  const last = played.lastIndexOf(0.5);
  const end = played.findIndex((value, index) => index > last && value === 0);
  assert.equal(loud, played.findIndex((value) => value > 0) + 479);
  assert.equal(end - last, 960);
  assert.ok(played.subarray(end).every((value) => value === 0));
});

test("a clip that fades out ends with the clip where that is shorter", async () => {
  await using card = await openCard48k();
  await using out = await openAlarm(card, { autoplay: true });
  const [, alarm] = out.inputs;
  alarm.stop({ fadeMs: 1000 });
  await card.advance(2000);
  assert.equal(alarm.playing, false);
  assert.equal(alarm.stats().framesMixed, 700);
  alarm.play();
  await card.advance(2000);
  assertSameBits(afterSilence(card.played().subarray(1200))[1].subarray(0, 700), beat);
});

test("inputs that play the same array share its memory, each at a place of its own", async () => {
  await using card = await openCard48k();
  const samples = new Int32Array(500_000).fill(7);
  const inputs = Array.from({ length: 50 }, () => ({ source: clip(samples), autoplay: false }));
  const before = engineCounters().bytes;
  const options = { ...monoSource, device: card.device, source: mix(inputs) };
  await using out = await openPlayback(options);
  assert.ok(engineCounters().bytes - before < 2 * samples.byteLength);
  const [first, second] = out.inputs;
  assert.ok(first && second);
  first.play();
  await card.advance(1000);
  second.play();
  await card.advance(1000);
  assert.ok(first.stats().framesMixed > second.stats().framesMixed);
  assert.equal(card.played().at(-1), 14);
});

test("a queue that runs dry is silent and counts it, and the device does not run dry", async () => {
  await using card = await openCard48k();
  const lap = new Int32Array(100).fill(5);
  const source = mix([{}, { source: clip(lap, { loop: true }) }]);
  await using out = await openPlayback({ ...held, device: card.device, source });
  const [queue] = out.inputs;
  assert.equal(queue.stats().framesStarved, 0);
  await queue.write(Int32Array.from({ length: 600 }, () => 1000));
  await out.start();
  await card.advance(2000);
  const dry = queue.stats();
  assert.equal(dry.starvations, 1);
  assert.ok(dry.framesStarved >= 1400 && dry.framesStarved <= 1800, `${dry.framesStarved}`);
  await queue.write(Int32Array.from({ length: 600 }, () => 2000));
  await card.advance(2000);
  const stats = queue.stats();
  assert.equal(stats.starvations, 2);
  assert.equal(stats.framesMixed, 1200);
  const played = card.played();
  assert.ok(played.every((sample) => sample === 5 || sample === 1005 || sample === 2005));
  assert.equal(played.filter((sample) => sample === 1005).length, 600);
  assert.equal(played.filter((sample) => sample === 2005).length, 600);
  const between = played.indexOf(2005) - played.lastIndexOf(1005) - 1;
  const after = played.length - played.lastIndexOf(2005) - 1;
  const inRing = stats.framesStarved - between - after;
  assert.ok(inRing >= 0 && inRing <= 400, `${stats.framesStarved}: ${between}, ${after}`);
  assert.equal(out.stats().xruns.count, 0);
});

test("a queue that was never written to, or was drained, does not starve", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({
    ...monoSource,
    device: card.device,
    source: mix([{}, {}]),
  });
  const [never, drained] = out.inputs;
  await card.advance(1000);
  await drained.write(new Int32Array(300).fill(7));
  await advanceUntil(card, drained.drain());
  await card.advance(1000);
  assert.equal(never.stats().framesStarved, 0);
  assert.equal(drained.stats().framesStarved, 0);
  assert.equal(drained.stats().starvations, 0);
  await drained.write(new Int32Array(300).fill(7));
  await card.advance(1000);
  assert.equal(drained.stats().starvations, 1);
});

for (const canPause of [true, false]) {
  test(`a pause ${canPause ? "with" : "without"} the hardware's loses nothing`, async () => {
    await using card = await openVirtualCard({ canPause });
    const rows = [1, 1000].map((step) => Int32Array.from({ length: 3000 }, (_, at) => at * step));
    const source = mix(rows.map((row) => ({ source: clip(row) })));
    await using out = await openPlayback({ ...monoSource, device: card.device, source });
    await card.advance(700);
    await advanceUntil(card, out.pause());
    const wakeUps = out.stats().wakeUps;
    await card.advance(5000);
    assert.equal(out.stats().wakeUps, wakeUps);
    await out.resume();
    await card.advance(4000);
    const heard = card.played().filter((sample) => sample !== 0);
    assertSameBits(heard, Int32Array.from({ length: 2999 }, (_, at) => (at + 1) * 1001));
  });
}

test("an xrun of the device loses nothing of the inputs", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({
    ...monoSource,
    device: card.device,
    source: mix([{ queueFrames: 4000 }, { queueFrames: 4000 }]),
  });
  const [one, two] = out.inputs;
  const rows = [1, 1000].map((step) =>
    Int32Array.from({ length: 3000 }, (_, at) => (at + 1) * step)
  );
  const written = handled(Promise.all([one.write(rows[0]!), two.write(rows[1]!)]));
  await card.advance(700);
  card.injectFault({ kind: "late-wake-up", ms: 30 });
  await card.advance(6000);
  await written;
  assert.equal(out.stats().xruns.count, 1);
  const heard = card.played().filter((sample) => sample !== 0);
  assertSameBits(heard, Int32Array.from({ length: 3000 }, (_, at) => (at + 1) * 1001));
});
