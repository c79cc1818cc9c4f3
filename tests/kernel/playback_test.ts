/** Start, pause, drain, drop and close on the kernel's own PCMs, by mmap and by write. */
import assert from "node:assert/strict";
import { engineCounters } from "../../lib/testing/mod.ts";
import { clip, openPlayback, type PlaybackQueue, tone } from "../../mod.ts";
import {
  accesses,
  countingSamples,
  eventually,
  handled,
  sleep,
  statesOf,
  test,
  watch,
  withCode,
} from "../harness.ts";
import { addAsoundConf, loadDriver, look } from "./guest.ts";

await loadDriver("snd-dummy");
await loadDriver("snd-aloop");
addAsoundConf(`
pcm.sync_ptr {
  type hw
  card Loopback
  device 0
  sync_ptr_ioctl true
}
`);

/** The PCMs by what they are; `sync_ptr` asks the kernel for its pointers instead of mapping them. */
const pcms = [
  { device: "hw:Dummy,0", card: "Dummy", format: "s16" },
  { device: "hw:Loopback,0", card: "Loopback", format: "s32" },
  { device: "sync_ptr", card: "Loopback", format: "s32" },
] as const;

const sizes = { rate: 48_000, channels: 1, periodFrames: 480, periods: 4 } as const;
const bufferFrames = sizes.periodFrames * sizes.periods;

for (const { device, card, format } of pcms) {
  for (const access of accesses) {
    const where = `on ${device} by ${access}`;
    const options = { ...sizes, device, access, queueFrames: 4800 } as const;
    const given = (frames: number): Int16Array & Int32Array => {
      const samples = countingSamples(frames);
      return (format === "s16" ? Int16Array.from(samples) : samples) as Int16Array & Int32Array;
    };
    type Stream = PlaybackQueue<"s16"> | PlaybackQueue<"s32">;
    const open = (more = {}): Promise<Stream> =>
      format === "s16"
        ? openPlayback({ ...options, ...more, format })
        : openPlayback({ ...options, ...more, format });
    const write = (out: Stream, frames: number): Promise<void> => out.write(given(frames));

    test(`a stream starts by itself at its threshold, and not before, ${where}`, async () => {
      await using out = await open({ startThreshold: 1000 });
      await write(out, 999);
      await sleep(100);
      assert.equal(out.state, "prepared");
      assert.equal((await look(card)).state, "prepared");
      await write(out, 1);
      await eventually("The start", () => out.state === "running");
      assert.equal((await look(card)).state, "running");
      await out.drain();
      assert.equal(out.stats().framesPlayed, 1000);
    });

    test(`a stream whose threshold is Infinity waits for start() ${where}`, async () => {
      await using out = await open({ startThreshold: Infinity });
      await write(out, 4800);
      await sleep(500);
      assert.equal((await look(card)).state, "prepared");
      await out.start();
      assert.equal((await look(card)).state, "running");
      await out.drain();
      assert.equal(out.stats().framesPlayed, 4800);
    });

    test(`a drain ends when the last frame was heard, for every length, ${where}`, async () => {
      await using out = await open();
      let played = 0;
      for (const frames of [1, 479, 480, 481, 1919, 1920, 1921, 4800, 48_000]) {
        const startMs = performance.now();
        await write(out, frames);
        await out.drain();
        const elapsedMs = performance.now() - startMs;
        played += frames;
        assert.equal(out.stats().framesPlayed, played);
        const leastMs = frames / sizes.rate * 1000;
        assert.ok(elapsedMs >= leastMs - 1, `${frames} frames in ${elapsedMs} ms`);
        assert.ok(elapsedMs <= leastMs + 25, `${frames} frames in ${elapsedMs} ms`);
        assert.equal(out.state, "prepared");
      }
      assert.equal(out.stats().xruns.count, 0);
    });

    test(`a drain that times out goes on ${where}`, async () => {
      await using out = await open();
      await write(out, 4800);
      await assert.rejects(out.drain({ timeoutMs: 50 }), withCode("ERR_HALFLAP_TIMEOUT"));
      assert.equal(out.state, "draining");
      await out.drain();
      assert.equal(out.stats().framesPlayed, 4800);
    });

    test(`a pause stands still, costs nothing and loses nothing ${where}`, async () => {
      await using out = await open();
      const written = handled(write(out, 24_000));
      for (const ms of [3, 50, 111]) {
        await sleep(ms);
        await out.pause();
        const before = out.stats();
        const { status, state } = await look(card);
        assert.equal(state, out.granted.canPause ? "paused" : "prepared");
        await sleep(5000);
        const after = out.stats();
        assert.equal(after.framesPlayed, before.framesPlayed);
        assert.equal(after.wakeUps, before.wakeUps);
        assert.equal((await look(card)).status?.hwPtr, status?.hwPtr);
        await out.resume();
        assert.equal(out.state, "running");
      }
      await written;
      await out.drain();
      assert.equal(out.stats().framesPlayed, 24_000);
      assert.equal(out.stats().xruns.count, 0);
    });

    test(`a drop ends at once and accounts for every frame ${where}`, async () => {
      await using out = await open();
      const written = watch(out.write(given(24_000)));
      await sleep(100);
      const draining = handled(out.drain());
      await out.drop();
      assert.equal((await look(card)).state, "prepared");
      await assert.rejects(draining, withCode("ERR_HALFLAP_CANCELLED"));
      await eventually("The end of the write", () => written.state === "rejected");
      const { framesAccepted, framesPlayed, framesDropped } = out.stats();
      assert.equal(framesPlayed + framesDropped, framesAccepted);
      await write(out, 4800);
      await out.drain();
      assert.equal(out.stats().framesPlayed, framesPlayed + 4800);
    });

    test(`a fade into a pause and out of it loses nothing ${where}`, async () => {
      await using out = await open();
      const written = handled(write(out, 24_000));
      await sleep(100);
      await out.pause({ fadeMs: 20 });
      assert.equal(out.state, "paused");
      await out.resume({ fadeMs: 20 });
      await written;
      await out.drain();
      assert.equal(out.stats().framesPlayed, 24_000);
      assert.equal(out.stats().xruns.count, 0);
    });

    test(`a late producer gets one xrun each time ${where}`, async () => {
      await using out = await open();
      for (let round = 1; round <= 3; round++) {
        await write(out, 3000);
        await sleep(500);
        assert.equal(out.stats().xruns.producer, round);
      }
      await write(out, 3000);
      await out.drain();
      const { framesPlayed, xruns } = out.stats();
      assert.equal(framesPlayed, 12_000);
      assert.equal(xruns.count, 3);
    });

    test(`a clip and a tone play by themselves ${where}`, async () => {
      const source = clip(given(10_000));
      {
        await using out = await openPlayback({ ...sizes, device, access, format, source });
        const states = statesOf(out);
        await eventually("The end of the clip", () => states.includes("prepared"));
        assert.equal(states.at(-2), "draining");
        assert.equal(out.stats().framesPlayed, 10_000);
      }
      const endless = tone({ frequencyHz: 440 });
      await using out = await openPlayback({ ...sizes, device, access, format, source: endless });
      await sleep(10_000);
      const { framesPlayed, xruns } = out.stats();
      assert.ok(Math.abs(framesPlayed - 480_000) <= bufferFrames, `${framesPlayed} frames`);
      assert.equal(xruns.count, 0);
    });

    test(`the output timestamp runs as the device does ${where}`, async () => {
      await using out = await open();
      const written = handled(write(out, 120_000));
      await sleep(500);
      const first = out.getOutputTimestamp();
      await sleep(1000);
      const second = out.getOutputTimestamp();
      const heardMs = (second.contextTime - first.contextTime) * 1000;
      const passedMs = second.performanceTime - first.performanceTime;
      assert.ok(heardMs > 900, `${heardMs} ms`);
      assert.ok(Math.abs(heardMs - passedMs) <= 2, `${heardMs} ms heard in ${passedMs} ms`);
      await written;
      await out.drain();
    });

    const states: Readonly<Record<string, (out: Stream) => Promise<unknown>>> = {
      prepared: () => Promise.resolve(),
      running: (out) => write(out, 4800),
      paused: async (out) => {
        await write(out, 4800);
        await out.pause();
      },
      draining: async (out) => {
        await write(out, 4800);
        handled(out.drain());
      },
    };
    for (const [state, reach] of Object.entries(states)) {
      test(`a stream in ${state} closes, and its PCM with it, ${where}`, async () => {
        const out = await open();
        await reach(out);
        await eventually(`The state ${state}`, () => out.state === state);
        await out.close();
        assert.equal((await look(card)).state, "closed");
        assert.equal(engineCounters().pcms, 0);
        await using again = await open();
        await write(again, 2000);
        await again.drain();
        assert.equal(again.stats().framesPlayed, 2000);
      });
    }
  }
}
