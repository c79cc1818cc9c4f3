/** What is played comes out of snd-aloop's other end bit for bit. */
import assert from "node:assert/strict";
import { type Access, openPlayback, type SamplesOf } from "../../mod.ts";
import {
  accesses,
  assertSameBits,
  counting,
  countingSamples,
  framesOf,
  handled,
  noise,
  sleep,
  test,
  withoutZeros,
} from "../harness.ts";
import {
  type alsaFormats,
  loadDriver,
  record,
  type Recorded,
  withoutSilenceAround,
} from "./guest.ts";

await loadDriver("snd-aloop");

const device = "hw:Loopback,0,0";
const formats = ["s16", "s24", "s24_3", "s32", "f32"] as const satisfies readonly (
  keyof typeof alsaFormats
)[];

interface Take extends Partial<Recorded> {
  readonly access: Access;
  readonly frames?: number;
  readonly periodFrames?: number;
  readonly periods?: number;
  /** Frames of each write, over and over. */
  readonly chunk?: number;
  readonly queueFrames?: number;
}

async function playBitExactly({ frames = 5003, chunk = frames, ...options }: Take): Promise<void> {
  const { format = "s16", channels = 2, rate = 48_000 } = options;
  const given = noise(format, frames, channels, frames + channels);
  const recording = await record({ format, channels, rate }, async () => {
    await using out = await openPlayback({ ...options, format, channels, rate, device });
    assert.equal(out.granted.access, options.access);
    const { periodFrames, bufferFrames } = out.granted;
    assert.equal(periodFrames, options.periodFrames ?? periodFrames);
    assert.equal(bufferFrames, periodFrames * (options.periods ?? 4));
    for (let first = 0; first < frames; first += chunk) {
      const end = Math.min(frames, first + chunk);
      await out.write(framesOf(given, format, channels, first, end) as SamplesOf<typeof format>);
    }
    await out.drain();
    assert.equal(out.stats().framesPlayed, frames);
    const { xruns } = out.stats();
    assert.equal(xruns.count, 0, JSON.stringify(xruns.recent));
  });
  assertSameBits(withoutSilenceAround(recording), withoutSilenceAround(given));
}

for (const access of accesses) {
  for (const format of formats) {
    test(`${format} is bit-exact with 1, 2, 8 and 32 channels by ${access}`, async () => {
      for (const channels of [1, 2, 8, 32]) await playBitExactly({ access, format, channels });
    });
  }

  test(`every rate is bit-exact by ${access}`, async () => {
    for (const rate of [8000, 11_025, 44_100, 96_001, 192_000, 768_000]) {
      await playBitExactly({ access, rate, format: "s24_3", frames: rate / 4 | 0 });
    }
  });

  test(`odd periods and buffers are bit-exact by ${access}`, async () => {
    const sizes = [[61, 3], [101, 5], [333, 7], [1021, 3], [64, 64], [4096, 2], [97, 2]];
    for (const [periodFrames = 0, periods = 0] of sizes) {
      await playBitExactly({ access, channels: 3, periodFrames, periods, frames: 12_345 });
    }
  });

  test(`ten seconds in small writes are bit-exact by ${access}`, async () => {
    // Deno's thread of JavaScript can sleep for 255 ms: for 1, 2, 4 … 128 ms.
    const queueFrames = 24_000;
    await playBitExactly({ access, format: "s32", frames: 480_000, chunk: 311, queueFrames });
  });

  test(`pauses, drains and xruns lose and repeat nothing by ${access}`, async () => {
    const given = countingSamples(60_000);
    const recording = await record(counting, async () => {
      await using out = await openPlayback({ ...counting, access, device });
      const written = handled(out.write(given.subarray(0, 40_000)));
      for (const ms of [7, 31, 100]) {
        await sleep(ms);
        await out.pause();
        await sleep(20);
        await out.resume();
      }
      await written;
      await out.drain();
      // snd-aloop moves by 1 ms; from the middle of one it would play some old frames.
      await out.write(given.subarray(40_000, 49_600));
      await sleep(500);
      assert.equal(out.stats().xruns.producer, 1);
      await out.write(given.subarray(49_600));
      await out.drain();
      assert.equal(out.stats().framesPlayed, given.length);
    });
    assertSameBits(Int32Array.from(withoutZeros(recording)), given);
  });

  test(`what was dropped is not heard, and all before it is, by ${access}`, async () => {
    const given = countingSamples(20_000);
    const heard = await record(counting, async () => {
      await using out = await openPlayback({ ...counting, access, device });
      handled(out.write(given));
      await sleep(200);
      await out.drop();
      await out.write(Int32Array.of(-1, -2, -3));
      await out.drain();
    });
    const samples = withoutZeros(heard);
    const first = samples.slice(0, -3);
    assert.deepEqual(samples.slice(-3), [-1, -2, -3]);
    assertSameBits(Int32Array.from(first), given.subarray(0, first.length));
    assert.ok(Math.abs(first.length - 9600) <= counting.periodFrames, `${first.length} frames`);
  });
}
