/** The virtual card as users' own tests see it: its clock, its tap and its limits. */
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { openVirtualCard } from "../lib/testing/mod.ts";
import { openPlayback, silence, tone } from "../mod.ts";
import {
  advanceUntil,
  assertPlayed,
  assertSameBits,
  bytesIn,
  counting,
  countingSamples,
  handled,
  monoSource,
  noise,
  openCard48k,
  sleep,
  test,
  withCode,
} from "./harness.ts";

test("simulated time stands still until it is advanced", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...counting, device: card.device });
  await out.write(countingSamples(2000));
  await sleep(50);
  assert.equal(card.status().timeMs, 0);
  assert.equal(card.status().framesPlayed, 0);
  await card.advance(48);
  assert.equal(card.status().framesPlayed, 48);
  assert.equal(out.stats().framesPlayed, 48);
});

test("calls of advance that overlap add up", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...counting, device: card.device });
  const written = handled(out.write(countingSamples(50_000)));
  await Promise.all([card.advance(100), card.advance(0), card.advanceMs(10), card.advance(2000)]);
  assert.equal(card.status().framesPlayed, 2580);
  await advanceUntil(card, written);
});

test("frames of advance can have another rate", async () => {
  await using card = await openVirtualCard();
  await card.advance(8000, { rate: 8000 });
  assert.equal(card.status().timeMs, 1000);
  await using out = await openPlayback({ ...counting, rate: 96_000, device: card.device });
  await out.write(countingSamples(2000));
  await card.advance(100);
  assert.equal(out.stats().framesPlayed, 100);
  await card.advance(100, { rate: 48_000 });
  assert.equal(out.stats().framesPlayed, 300);
});

test("time can pass frame by frame without losing any of it", async () => {
  await using card = await openVirtualCard();
  const options = { ...counting, rate: 44_100, queueFrames: 4000, device: card.device };
  await using out = await openPlayback(options);
  await out.write(countingSamples(4000));
  for (let frames = 1; frames <= 3000; frames++) {
    await card.advance(1);
    assert.equal(out.stats().framesPlayed, frames);
  }
});

test("advance rejects where there is no clock to move, or no rate", async () => {
  await using simulated = await openVirtualCard();
  await assert.rejects(simulated.advance(1), withCode("ERR_HALFLAP_INVALID_STATE"));
  await using realtime = await openVirtualCard({ clock: "realtime" });
  assert.equal(realtime.clock, "realtime");
  await assert.rejects(realtime.advance(1, { rate: 8000 }), withCode("ERR_HALFLAP_INVALID_STATE"));
  await assert.rejects(realtime.advanceMs(1), withCode("ERR_HALFLAP_INVALID_STATE"));
});

test("an hour passes in simulated time", async () => {
  await using card = await openVirtualCard({ tap: "none" });
  const source = tone({ frequencyHz: 440 });
  const sizes = { rate: 8000, channels: 1, periodFrames: 400, periods: 4 };
  await using out = await openPlayback({ ...sizes, source, device: card.device });
  await card.advanceMs(3_600_000);
  assert.equal(out.stats().framesPlayed, 8000 * 3600);
  assert.equal(out.stats().xruns.count, 0);
  assert.equal(card.status().timeMs, 3_600_000);
});

test("a card that drifts plays faster or slower than its rate", async () => {
  for (const [driftPpm, frames] of [[10_000, 48_480], [-10_000, 47_520]] as const) {
    await using card = await openVirtualCard({ driftPpm });
    await using out = await openPlayback({ ...monoSource, source: silence(), device: card.device });
    await card.advanceMs(1000);
    const { framesPlayed } = out.stats();
    assert.ok(Math.abs(framesPlayed - frames) <= 1, `${framesPlayed} frames at ${driftPpm} ppm`);
  }
});

test("a card without a tap has nothing to tell", async () => {
  await using card = await openVirtualCard({ tap: "none" });
  await using out = await openPlayback({ ...counting, device: card.device });
  await out.write(countingSamples(1000));
  await advanceUntil(card, out.drain());
  assert.throws(() => card.played(), withCode("ERR_HALFLAP_INVALID_STATE"));
  assert.equal(card.status().framesPlayed, 1000);
});

test("played() knows only substreams that were opened", async () => {
  await using card = await openVirtualCard();
  assert.throws(() => card.played(), RangeError);
  assert.equal(card.status().substreams, 0);
  await using out = await openPlayback({ ...counting, device: card.device });
  assert.equal(card.played().length, 0);
  assert.throws(() => card.played(1), RangeError);
  assert.equal(out.state, "prepared");
});

test("every stream gets a substream of its own, also after others were closed", async () => {
  await using card = await openVirtualCard({ substreams: 2 });
  for (let index = 0; index < 5; index++) {
    await using out = await openPlayback({ ...counting, device: card.device });
    await out.write(countingSamples(100 + index));
    await advanceUntil(card, out.drain());
    assert.equal(card.status().substreams, index + 1);
  }
  for (let index = 0; index < 5; index++) {
    assert.equal(card.status(index).framesPlayed, 100 + index);
    assertPlayed(card.played(index), countingSamples(100 + index), counting);
  }
});

test("played() returns a copy of its own", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...counting, device: card.device });
  await out.write(countingSamples(2000));
  await card.advance(500);
  const first = card.played();
  first.fill(-1);
  await card.advance(500);
  assertSameBits(card.played(), countingSamples(1000));
});

test("status tells format, channels and rate", async () => {
  await using card = await openVirtualCard();
  const options = { format: "s24_3", channels: 5, rate: 11_025, device: card.device } as const;
  await using out = await openPlayback(options);
  const { format, channels, rate } = card.status();
  assert.deepEqual({ format, channels, rate }, { format: "s24_3", channels: 5, rate: 11_025 });
  assert.equal(out.granted.rate, 11_025);
});

for (const clock of ["simulated", "realtime"] as const) {
  test(`a WAV file has what was played on the ${clock} clock`, async () => {
    const folder = await mkdtemp(path.join(tmpdir(), "halflap-card-"));
    const file = path.join(folder, "played.wav");
    const samples = noise("s16", 5000, 2) as Int16Array;
    {
      await using card = await openVirtualCard({ clock, tap: { path: file } });
      await using out = await openPlayback({ format: "s16", device: card.device });
      const played = handled(out.write(samples).then(() => out.drain()));
      await (clock === "simulated" ? advanceUntil(card, played) : played);
      card.flush();
      const bytes = await readFile(file);
      assert.equal(bytes.toString("latin1", 0, 4), "RIFF");
      const start = bytes.indexOf("data") + 8;
      assertSameBits(bytes.subarray(start, start + samples.byteLength), bytesIn(samples));
    }
    await rm(folder, { recursive: true });
  });
}
