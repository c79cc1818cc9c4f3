/**
 * Sinks without a clock of their own, which take anything at once: ALSA's `null` and `file`. The
 * engine must pace them, or a program would be played in no time and burn a processor.
 */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Access, openPlayback, type Playback, tone } from "../mod.ts";
import {
  accesses,
  assertSameBits,
  assertSilence,
  bytesIn,
  counting,
  countingSamples,
  formats,
  monoSource,
  noise,
  openCard48k,
  sleep,
  test,
  within,
} from "./harness.ts";

/** Seconds that a sink may be ahead of the clock: the device buffer, or the time to find out. */
const ahead = { buffer: 0.03, found: 0.5 } as const;

async function assertPaced(out: Playback, openedMs: number, aheadSeconds: number): Promise<void> {
  await sleep(1500);
  const { framesPlayed, wakeUps } = out.stats();
  const seconds = (performance.now() - openedMs) / 1000;
  const playedSeconds = framesPlayed / out.granted.rate;
  assert.ok(
    playedSeconds <= seconds + aheadSeconds,
    `${playedSeconds} s were played in ${seconds} s`,
  );
  assert.ok(playedSeconds > 0, "Nothing was played");
  const periods = framesPlayed / out.granted.periodFrames;
  assert.ok(wakeUps <= 2 * periods + 10, `${wakeUps} wake-ups for ${periods} periods`);
}

async function openTone(device: string, access: Access): Promise<Playback> {
  return await openPlayback({ device, access, rate: 48_000, source: tone({ frequencyHz: 440 }) });
}

test("the null device is filled when one of its four periods is left", async () => {
  await using out = await openPlayback({
    device: "null",
    rate: 16_000,
    channels: 1,
    format: "s16",
    periodFrames: 320,
    periods: 4,
    source: tone({ frequencyHz: 440 }),
  });
  await sleep(1500);
  const { framesPlayed, wakeUps, xruns } = out.stats();
  const { periodFrames } = out.granted;
  assert.ok(wakeUps <= framesPlayed / (3 * periodFrames) + 5, `${wakeUps} wake-ups`);
  assert.equal(xruns.producer + xruns.processing + xruns.device, 0);
});

for (const access of accesses) {
  test(`the null device is played at its rate by ${access}`, async () => {
    const openedMs = performance.now();
    await using out = await openTone("null", access);
    assert.equal(out.granted.clock, "self");
    assert.equal(out.granted.access, access);
    await assertPaced(out, openedMs, ahead.buffer);
  });

  test(`a sink behind a plug is not played faster than its rate by ${access}`, async () => {
    const openedMs = performance.now();
    await using out = await openTone("plug:null", access);
    await assertPaced(out, openedMs, ahead.found);
  });

  test(`a file is bit-exact by ${access}`, async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "halflap-file-"));
    try {
      for (const format of formats) {
        const file = path.join(folder, `${format}.raw`);
        const options = { access, format, channels: 3, rate: 48_000 } as const;
        await using out = await openPlayback({ ...options, device: `file:${file},raw` });
        assert.equal(out.granted.clock, "self");
        const samples = noise(format, 4001, 3);
        const played = out.write(samples).then(() => out.drain());
        await within(played, "drain()", 5000);
        assert.equal(out.stats().framesPlayed, 4001);
        await out.close();
        const bytes = new Uint8Array(await readFile(file));
        const given = bytesIn(samples);
        assertSameBits(bytes.subarray(0, given.length), given, format);
        const quiet = bytes.subarray(given.length);
        assertSilence(quiet, format === "u8" ? "u8" : "s24_3", `The rest of ${format}`);
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}

test("a device that plays 1.4 times its rate is found to have no clock", async () => {
  await using card = await openCard48k();
  const source = tone({ frequencyHz: 440 });
  await using out = await openPlayback({ ...monoSource, device: card.device, source });
  for (let i = 0; i < 100; i++) {
    card.injectFault({ kind: "pointer-jump", frames: 40 });
    await card.advance(100);
  }
  assert.equal(out.stats().clockDemotions, 1);
});

test("a self-clocked sink can pause, resume and drop", async () => {
  const sizes = { periodFrames: 1000, queueFrames: 6000 };
  await using out = await openPlayback({ ...counting, ...sizes, device: "null" });
  const written = out.write(countingSamples(6000));
  await sleep(20);
  await within(out.pause(), "pause()", 5000);
  const { framesPlayed } = out.stats();
  await sleep(200);
  assert.equal(out.stats().framesPlayed, framesPlayed);
  await within(out.resume(), "resume()", 5000);
  await within(written.then(() => out.drain()), "drain()", 5000);
  assert.equal(out.stats().framesPlayed, 6000);
  assert.equal(out.stats().xruns.count, 0);
  await out.write(countingSamples(2000));
  await within(out.drop(), "drop()", 5000);
  const { framesAccepted, framesDropped, framesPlayed: heard } = out.stats();
  assert.equal(framesAccepted, heard + framesDropped);
});
