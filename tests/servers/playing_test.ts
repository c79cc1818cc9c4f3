/** Playing on sound servers: in real time, every frame once, and bit for bit. */
import assert from "node:assert/strict";
import {
  clip,
  openPlayback,
  type PlaybackQueue,
  type SampleFormat,
  type SamplesOf,
} from "../../mod.ts";
import {
  assertSameBits,
  assertSilence,
  eventually,
  handled,
  noise,
  sleep,
  test,
  toNumbers,
  withCode,
} from "../harness.ts";
import { accessesOf, serverNames, SoundServer } from "./sound_server.ts";

const rate = 48_000;
const limitMs = 60_000;
/** Long enough for a machine that is busy. */
const roomy = { rate, channels: 2, periodFrames: 2400, periods: 4, queueFrames: rate } as const;

/** A second: a recording stands no xrun. */
const patient = { ...roomy, periodFrames: 12_000 } as const;

/** Noise that comes through a server's 32-bit floats unchanged. */
function exactNoise(format: "s16" | "s32" | "f32", frames: number): SamplesOf<SampleFormat> {
  if (format === "s16") return noise("s16", frames, 2);
  const integers = noise("s24", frames, 2);
  if (format === "s32") return Int32Array.from(integers, (sample) => sample << 8);
  return Float32Array.from(integers, (sample) => sample / 2 ** 23);
}

const arrays = { s16: Int16Array, s32: Int32Array, f32: Float32Array } as const;

/** PulseAudio's monitor misses what its sink, woken by a stream, plays again from the start. */
const leadFrames = { pipewire: 0, pulseaudio: rate / 4 } as const;

/** Plays noise, and compares what the monitor heard. */
async function playAndCompare(
  server: SoundServer,
  access: "mmap" | "write",
  format: "s16" | "s32" | "f32",
): Promise<void> {
  const samples = exactNoise(format, rate);
  const heard = await server.record(async () => {
    const options = { ...patient, device: server.device, access, format };
    await using out: PlaybackQueue<SampleFormat> = await openPlayback(options);
    await out.write(new arrays[format](2 * leadFrames[server.name]));
    await out.write(samples);
    await out.drain({ timeoutMs: 10_000 });
    assert.deepEqual(out.stats().xruns.recent, []);
  });
  const given = Float32Array.from(toNumbers(samples, format));
  const start = heard.findIndex((sample) => sample !== 0);
  assertSameBits(heard.subarray(start, start + given.length), given, "What was heard");
  assertSilence(heard.subarray(start + given.length), "f32");
}

/** On a busy machine a server or its recorder loses a piece now and then: three tries, all told. */
async function heardBitForBit(...what: Parameters<typeof playAndCompare>): Promise<void> {
  for (const next of ["second", "third"]) {
    try {
      return await playAndCompare(...what);
    } catch (error) {
      if (!(error instanceof assert.AssertionError)) throw error;
      const [{ name }, access, format] = what;
      console.log(`| AGAIN: ${name} by ${access}, ${format}, ${next} try | ${error.message} |`);
    }
  }
  await playAndCompare(...what);
}

for (const name of serverNames) {
  test(`${name}: "auto" takes what the PCM grants, and says why`, async () => {
    await using server = await SoundServer.start(name);
    await using out = await openPlayback({ device: server.device });
    const { access, accessReason, pcmType, clock } = out.granted;
    const [best] = accessesOf[name];
    assert.equal(access, best);
    const why = best === "mmap" ? "the PCM grants mmap" : "the PCM does not grant mmap";
    assert.equal(accessReason, why);
    assert.equal(pcmType, "ioplug");
    assert.equal(clock, "device");
    if (best === "mmap") return;
    await assert.rejects(
      openPlayback({ device: server.device, access: "mmap" }),
      withCode("ERR_HALFLAP_UNSUPPORTED_ACCESS"),
    );
  }, limitMs);

  for (const access of accessesOf[name]) {
    const where = `${name} by ${access}`;

    test(`${where}: plays in real time, and a drain ends with the last frame`, async () => {
      await using server = await SoundServer.start(name);
      await using out = await openPlayback({ ...roomy, device: server.device, access });
      const startMs = performance.now();
      const written = handled(out.write(new Float32Array(2 * 3 * rate).fill(0.25)));
      await sleep(2000);
      const { contextTime, performanceTime } = out.getOutputTimestamp();
      const behindMs = performanceTime - startMs - contextTime * 1000;
      assert.ok(behindMs > -5 && behindMs < 1000, `${behindMs} ms behind the clock`);
      await sleep(500);
      const later = out.getOutputTimestamp();
      const playedMs = (later.contextTime - contextTime) * 1000;
      const passedMs = later.performanceTime - performanceTime;
      assert.ok(Math.abs(playedMs - passedMs) < 250, `${playedMs} ms played in ${passedMs} ms`);
      await written;
      await out.drain({ timeoutMs: 10_000 });
      const elapsedMs = performance.now() - startMs;
      assert.ok(elapsedMs > 2995 && elapsedMs < 6000, `3 s took ${elapsedMs} ms`);
      assert.equal(out.stats().framesPlayed, 3 * rate);
      assert.equal(out.state, "prepared");
    }, limitMs);

    test(`${where}: pauses, resumes, drops and plays again`, async () => {
      await using server = await SoundServer.start(name);
      await using out = await openPlayback({ ...roomy, device: server.device, access });
      const written = handled(out.write(new Float32Array(2 * 2 * rate).fill(0.25)));
      await eventually("The sound", () => out.stats().framesPlayed > 0);
      await out.pause();
      const before = out.stats();
      await sleep(500);
      const after = out.stats();
      assert.equal(after.framesPlayed, before.framesPlayed);
      assert.equal(after.wakeUps, before.wakeUps);
      await out.resume();
      await written;
      await out.drain({ timeoutMs: 10_000 });
      assert.equal(out.stats().framesPlayed, 2 * rate);
      const dropped = handled(out.write(new Float32Array(2 * 2 * rate)));
      await eventually("The start", () => out.state === "running");
      await out.drop();
      await assert.rejects(dropped, withCode("ERR_HALFLAP_CANCELLED"));
      await out.write(new Float32Array(2 * 4800));
      await out.drain({ timeoutMs: 10_000 });
      const { framesAccepted, framesPlayed, framesDropped } = out.stats();
      assert.equal(framesPlayed + framesDropped, framesAccepted);
    }, limitMs);

    test(`${where}: a clip in a small buffer ends by itself`, async () => {
      await using server = await SoundServer.start(name);
      const source = clip(new Float32Array(2 * rate).fill(0.25));
      await using out = await openPlayback({ device: server.device, access, rate, source });
      await eventually("The start", () => out.state === "running");
      await eventually("The end of the clip", () => out.state === "prepared");
      const { framesPlayed, xruns } = out.stats();
      const lostFrames = xruns.recent.reduce((sum, { lostFrames }) => sum + lostFrames, 0);
      assert.equal(framesPlayed + lostFrames, rate);
    }, limitMs);

    for (const format of ["s16", "s32", "f32"] as const) {
      test(`${where}: the monitor hears ${format} bit for bit`, async () => {
        await using server = await SoundServer.start(name);
        await heardBitForBit(server, access, format);
      }, limitMs);
    }
  }
}
