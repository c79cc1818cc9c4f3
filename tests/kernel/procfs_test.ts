/** What the engine says of a stream is what the kernel shows of it in /proc/asound. */
import assert from "node:assert/strict";
import { openPlayback, type SampleFormat, tone } from "../../mod.ts";
import { accesses, countingSamples, eventually, handled, sleep, test } from "../harness.ts";
import { alsaFormats, loadDriver, look } from "./guest.ts";

await loadDriver("snd-dummy");
await loadDriver("snd-aloop");

const policies = ["stop", "silence", "repeat"] as const;
const cards = [["hw:Dummy,0", "Dummy"], ["hw:Loopback,0", "Loopback"]] as const;
const mono = { format: "s16", channels: 1, rate: 48_000, periodFrames: 480, periods: 4 } as const;

const alsaAccess = { mmap: "MMAP_INTERLEAVED", write: "RW_INTERLEAVED" } as const;
const alsaName = (format: SampleFormat): string =>
  ({ ...alsaFormats, u8: "U8", f64: "FLOAT64_LE" })[format];

test("parameters that were granted are those of the kernel", async () => {
  const cases = [
    { format: "s16", channels: 2 },
    { format: "u8", channels: 1, rate: 8000 },
    { format: "s32", channels: 6, rate: 192_000 },
    { format: "s16", rate: 44_100, periodFrames: 441, periods: 2 },
    { format: "s16", channels: 3, rate: 5512, periodFrames: 61, periods: 5 },
    { format: "s24", channels: 32, periodFrames: 1021, periods: 3 },
    { format: "f32", rate: 768_000, periodFrames: 97, periods: 8 },
  ] as const;
  let opened = 0;
  for (const options of cases) {
    for (const [device, card] of cards) {
      for (const access of accesses) {
        const opening = openPlayback({ channels: 2, rate: 48_000, ...options, device, access });
        const out = await opening.catch((error) => {
          // Neither card takes every rate and format.
          assert.match(error.code, /^ERR_HALFLAP_UNSUPPORTED_(FORMAT|RATE|CHANNELS|BUFFER)$/);
        });
        if (out === undefined) continue;
        opened++;
        const { granted } = out;
        const { hwParams } = await look(card);
        assert.deepEqual(hwParams, {
          access: alsaAccess[granted.access],
          format: alsaName(granted.format),
          subformat: "STD",
          channels: granted.channels,
          rate: granted.rate,
          exactRate: granted.rate,
          periodFrames: granted.periodFrames,
          bufferFrames: granted.bufferFrames,
          unknown: [],
        });
        await out.close();
      }
    }
  }
  assert.ok(opened >= 16, `Only ${opened} streams opened`);
});

for (const [device, card] of cards) {
  for (const access of accesses) {
    for (const xrunPolicy of policies) {
      test(`thresholds of ${xrunPolicy} are those of ${card} by ${access}`, async () => {
        await using out = await openPlayback({ ...mono, device, access, xrunPolicy });
        const { granted } = out;
        assert.deepEqual(granted.xrunPolicy, { policy: xrunPolicy, reason: "asked for" });
        const { swParams } = await look(card);
        assert.deepEqual(swParams, {
          timestamps: true,
          periodStep: 1,
          availMin: granted.periodFrames,
          // The engine starts the PCM by itself, once its ring is full.
          startThreshold: granted.boundary,
          stopThreshold: xrunPolicy === "stop" ? granted.bufferFrames : granted.boundary,
          silenceThreshold: 0,
          silenceSize: xrunPolicy === "silence" ? granted.boundary : 0,
          boundary: granted.boundary,
          unknown: [],
        });
      });
    }

    test(`pointers are those of ${card} by ${access}`, async () => {
      const source = tone({ frequencyHz: 440 });
      await using out = await openPlayback({ ...mono, device, access, source });
      const { rate, bufferFrames, periodFrames } = out.granted;
      let lastHwPtr = 0;
      let compared = 0;
      for (let round = 0; round < 100; round++) {
        await sleep(17);
        const { framesWritten, framesPlayed, wakeUps } = out.stats();
        const { contextTime, performanceTime } = out.getOutputTimestamp();
        const { status } = await look(card);
        // The engine may have filled the ring in between.
        if (out.stats().wakeUps !== wakeUps) continue;
        compared++;
        const sinceMs = performance.now() - performanceTime;
        const { hwPtr = NaN, applPtr, delayFrames } = status!;
        assert.equal(applPtr, framesWritten);
        assert.equal(delayFrames, framesWritten - hwPtr);
        assert.ok(hwPtr > lastHwPtr && hwPtr >= framesPlayed, `${hwPtr}, ${framesPlayed}`);
        assert.ok(hwPtr - framesPlayed <= bufferFrames / 2 + periodFrames);
        const predicted = (contextTime + sinceMs / 1000) * rate;
        assert.ok(Math.abs(predicted - hwPtr) <= 100, `${predicted} and ${hwPtr}`);
        lastHwPtr = hwPtr;
      }
      assert.ok(compared > 50, `Compared ${compared} times`);
    });

    test(`states are those of ${card} by ${access}`, async () => {
      await using out = await openPlayback({ ...mono, device, access });
      const given = Int16Array.from(countingSamples(4800));
      assert.equal((await look(card)).state, "prepared");
      await out.write(given);
      await eventually("The start", () => out.state === "running");
      assert.equal((await look(card)).state, "running");
      await out.pause();
      // Hardware that cannot pause has played all there was, and was stopped.
      assert.equal((await look(card)).state, out.granted.canPause ? "paused" : "prepared");
      await out.resume();
      await eventually("The start", () => out.state === "running");
      const drained = handled(out.drain());
      await eventually("The drain", () => out.state === "draining");
      // ALSA's own drain is not used.
      assert.equal((await look(card)).state, "running");
      await drained;
      assert.equal((await look(card)).state, "prepared");
      await out.close();
      assert.equal((await look(card)).state, "closed");
    });
  }
}

test("xruns are counted as the kernel counts them", async () => {
  for (const access of accesses) {
    await using out = await openPlayback({ ...mono, device: "hw:Dummy,0", access });
    for (let round = 1; round <= 5; round++) {
      await out.write(new Int16Array(2400).fill(1));
      await sleep(200);
      assert.equal(out.stats().xruns.count, round);
      assert.equal((await look("Dummy")).status?.xruns, round);
    }
  }
});
