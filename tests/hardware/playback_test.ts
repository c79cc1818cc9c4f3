/** A hardware driver, snd-hda-intel: what is played on it, bit for bit, and what it tells. */
import assert from "node:assert/strict";
import { listDevices, mapped, openPlayback, probeDevice, render } from "../../mod.ts";
import {
  accesses,
  assertSameBits,
  countingSamples,
  handled,
  noise,
  sleep,
  statesOf,
  test,
} from "../harness.ts";
import { look, withoutSilenceAround } from "../kernel/guest.ts";
import {
  ampleQueue,
  ampleRing,
  assertNoXruns,
  card,
  codecFrames,
  countingFrames,
  device,
  record,
  runsOf,
  samplesOf,
  stereo,
  tail,
} from "./machine.ts";

const sizes = { periodFrames: 1024, periods: 4, ...ampleQueue } as const;

test("the card is listed and tells what it can do", async () => {
  const devices = await listDevices({ probe: true });
  const found = devices.filter((each) => each.kind === "hardware");
  assert.equal(found.length, 1);
  const [{ card: { id, driver }, playback, capture }] = found as [typeof found[number]];
  assert.deepEqual([found[0]?.device, id, driver], [device, card, "HDA-Intel"]);
  assert.equal(capture, undefined);
  assert.deepEqual([playback?.substreams, playback?.freeSubstreams], [1, 1]);
  const capabilities = await probeDevice(device);
  assert.deepEqual(playback?.capabilities, capabilities);
  assert.deepEqual(capabilities, {
    pcmType: "hw",
    formats: ["s16"],
    alsaFormats: ["S16_LE"],
    rate: { min: 16_000, max: 96_000 },
    usualRates: [16_000, 22_050, 32_000, 44_100, 48_000, 88_200, 96_000],
    channels: { min: 2, max: 2 },
    periodFrames: { min: 32, max: 524_288 },
    periods: { min: 2, max: 32 },
    bufferFrames: { min: 64, max: 1_048_576 },
    access: ["mmap-interleaved", "write-interleaved"],
    mmap: "real",
    batch: false,
    canPause: true,
    canResume: false,
    canDisablePeriodWakeup: true,
    channelMaps: [{ kind: "fixed", positions: ["FL", "FR"] }],
  });
});

for (const access of accesses) {
  for (const xrunPolicy of ["stop", "silence", "repeat"] as const) {
    test(`what is granted is what the driver has with ${xrunPolicy} by ${access}`, async () => {
      await using out = await openPlayback({ ...stereo, ...sizes, access, xrunPolicy });
      const { granted } = out;
      const { pcmType, clock, batch, canPause, canResume } = granted;
      assert.deepEqual([pcmType, clock], ["hw", "device"]);
      assert.deepEqual([batch, canPause, canResume], [false, true, false]);
      assert.equal(granted.access, access);
      assert.equal(granted.mmap, access === "mmap" ? "real" : "none");
      assert.equal(granted.realtime.reason, "granted");
      assert.deepEqual(granted.xrunPolicy, { policy: xrunPolicy, reason: "asked for" });
      assert.equal(granted.canDisablePeriodWakeup, true);
      // The kernel stops the device and fills in silence when there are interrupts.
      assert.equal(granted.periodWakeups, xrunPolicy !== "repeat");
      const { hwParams, swParams, state } = await look(card);
      assert.equal(state, "prepared");
      assert.deepEqual(hwParams, {
        access: access === "mmap" ? "MMAP_INTERLEAVED" : "RW_INTERLEAVED",
        format: "S16_LE",
        subformat: "STD",
        channels: 2,
        rate: 48_000,
        exactRate: 48_000,
        periodFrames: granted.periodFrames,
        bufferFrames: granted.bufferFrames,
        unknown: [],
      });
      const { boundary, bufferFrames } = granted;
      assert.equal(swParams?.stopThreshold, xrunPolicy === "stop" ? bufferFrames : boundary);
      assert.equal(swParams?.silenceSize, xrunPolicy === "silence" ? boundary : 0);
    });
  }

  const buffers = [[1024, 4], [480, 2], [128, 3], [256, 4], [4096, 4], [1000, 5], [96, 32]];
  for (const [periodFrames = 0, periods = 0] of buffers) {
    const buffer = { access, periodFrames, periods } as const;
    test(`${periods} periods of ${periodFrames} are bit-exact by ${access}`, async () => {
      const given = noise("s16", 30_011, 2, periodFrames) as Int16Array;
      const recording = await record(async () => {
        await using out = await openPlayback({ ...stereo, ...ampleQueue, ...buffer });
        const { granted } = out;
        const { hwParams } = await look(card);
        assert.deepEqual(
          [granted.periodFrames, granted.bufferFrames],
          [hwParams?.periodFrames, hwParams?.bufferFrames],
        );
        for (let first = 0; first < given.length; first += 2 * 777) {
          await out.write(given.subarray(first, first + 2 * 777));
        }
        await out.write(tail);
        await out.drain();
        const { framesPlayed, framesDropped } = out.stats();
        assert.deepEqual([framesPlayed, framesDropped], [30_011 + codecFrames, 0]);
        assertNoXruns(out.stats());
      });
      assertSameBits(samplesOf(withoutSilenceAround<"s32">(recording)), given);
    });
  }

  for (const rate of [16_000, 22_050, 32_000, 44_100, 88_200, 96_000]) {
    test(`${rate} Hz is played at its speed by ${access}`, async () => {
      const recording = await record(async () => {
        await using out = await openPlayback({ ...stereo, ...sizes, access, rate });
        assert.equal((await look(card)).hwParams?.exactRate, rate);
        await out.write(new Int16Array(2 * rate).fill(1000));
        await out.write(tail);
        await out.drain();
        assert.equal(out.stats().framesPlayed, rate + codecFrames);
        assertNoXruns(out.stats());
      });
      const { length } = withoutSilenceAround<"s32">(recording);
      assert.ok(Math.abs(length - 48_000) < 100, `A second took ${length} frames of 48 kHz`);
    });
  }
}

test("what is rendered in the DMA ring is what is heard", async () => {
  const recording = await record(async () => {
    let blocks = 0;
    const source = render<"s16">(({ samples, frames, position }) => {
      samples.set(countingFrames(frames, position + 1));
      blocks++;
    });
    await using out = await openPlayback({ ...stereo, ...ampleRing, source });
    assert.equal(out.granted.zeroCopy?.memory, "dma");
    await sleep(3000);
    await out.drain();
    const { framesPlayed, framesWritten, framesPadded } = out.stats();
    assert.equal(framesPlayed, blocks * ampleRing.periodFrames);
    assert.equal(framesWritten, framesPlayed + framesPadded);
    assertNoXruns(out.stats());
  });
  const heard = withoutSilenceAround<"s32">(recording);
  assert.ok(heard.length > 90_000, `${heard.length} frames`);
  assertSameBits(heard, countingSamples(heard.length));
});

test("frames that a program maps by itself are bit-exact in every size", async () => {
  const given = countingFrames(200_011);
  const recording = await record(async () => {
    await using out = await openPlayback({ ...stereo, ...ampleRing, source: mapped() });
    assert.equal(out.granted.zeroCopy?.memory, "dma");
    assert.equal(out.samples.length, 2 * out.granted.bufferFrames);
    const all = new Int16Array(given.length + tail.length);
    all.set(given);
    const pieces = [1, 7, 479, 480, 8191, 8192, 8193, 20_000];
    for (let done = 0, round = 0; 2 * done < all.length; round++) {
      await out.waitForRoom(1);
      const block = out.begin(Math.min(pieces[round % pieces.length]!, all.length / 2 - done));
      assert.ok(block !== undefined);
      assert.equal(block.position, done);
      out.samples.set(all.subarray(2 * done, 2 * (done + block.frames)), 2 * block.offset);
      done += out.commit(block.frames);
    }
    await out.drain();
    assert.equal(out.stats().framesPlayed, 200_011 + codecFrames);
    assertNoXruns(out.stats());
  });
  assertSameBits(samplesOf(withoutSilenceAround<"s32">(recording)), given);
});

for (const access of accesses) {
  test(`a drain plays to the end, but for what the codec forgets, by ${access}`, async () => {
    const frames = 47 * sizes.periodFrames;
    const recording = await record(async () => {
      await using out = await openPlayback({ ...stereo, ...sizes, access });
      await out.write(countingFrames(frames));
      await out.drain();
      assert.equal(out.stats().framesPlayed, frames);
      assertNoXruns(out.stats());
    });
    const [run, ...others] = runsOf(recording);
    assert.deepEqual([run?.first, others], [1, []]);
    const lost = frames - run!.frames;
    console.log(`| frames that the codec forgot at the end of a drain by ${access} | ${lost} |`);
    assert.ok(lost >= 0 && lost <= codecFrames, `${lost} frames were lost`);
  });
}

test("the output timestamp runs as the card does", async () => {
  await using out = await openPlayback({ ...stereo, ...sizes, queueFrames: 480_000 });
  await out.write(new Int16Array(2 * 480_000).fill(1));
  await sleep(2000);
  const steps = new Set<number>();
  let last = 0;
  const first = out.getOutputTimestamp();
  for (let round = 0; round < 300; round++) {
    await sleep(3);
    const hwPtr = (await look(card)).status?.hwPtr ?? NaN;
    if (last !== 0) steps.add(hwPtr - last);
    last = hwPtr;
  }
  const second = out.getOutputTimestamp();
  const heardMs = (second.contextTime - first.contextTime) * 1000;
  const passedMs = second.performanceTime - first.performanceTime;
  assert.ok(heardMs > 900, `${heardMs} ms`);
  assert.ok(Math.abs(heardMs - passedMs) <= 3, `${heardMs} ms heard in ${passedMs} ms`);
  const granularity = [...steps].reduce((a, b) => gcd(a, b));
  console.log(`| the card's pointer moves by | ${granularity} frames |`);
  await out.drop();
});

const gcd = (a: number, b: number): number => b === 0 ? a : gcd(b, a % b);

for (const access of accesses) {
  test(`a pause stands still, as does the card, by ${access}`, async () => {
    const pausesMs = [300, 211, 87];
    const positions: number[] = [];
    const recording = await record(async () => {
      await using out = await openPlayback({ ...stereo, ...sizes, access });
      await out.write(countingFrames(48_000));
      for (const ms of pausesMs) {
        await sleep(ms);
        await out.pause();
        const { framesPlayed, wakeUps } = out.stats();
        const { state, status } = await look(card);
        assert.equal(state, "paused");
        assert.equal(status?.hwPtr, framesPlayed);
        await sleep(1000);
        assert.equal((await look(card)).status?.hwPtr, framesPlayed);
        assert.equal(out.stats().wakeUps, wakeUps);
        positions.push(framesPlayed);
        await out.resume();
        assert.equal(out.state, "running");
      }
      await out.drain();
      const { framesPlayed, framesDropped } = out.stats();
      assert.deepEqual([framesPlayed, framesDropped], [48_000, 0]);
      assertNoXruns(out.stats());
    });
    // This card goes on at the beginning of its ring, wherever it was paused, so that the rest is not
    // heard as it was given.
    const [run] = runsOf(recording);
    assert.equal(run?.first, 1);
    const lost = positions[0]! - run.frames;
    assert.ok(lost >= 0 && lost <= codecFrames, `${lost} frames were lost`);
  });
}

test("a stream that is drained, dropped and closed starts again", async () => {
  for (const access of accesses) {
    const recording = await record(async () => {
      await using out = await openPlayback({ ...stereo, ...sizes, access });
      const states = statesOf(out);
      await out.write(countingFrames(10_000));
      await out.write(tail);
      await out.drain();
      handled(out.write(new Int16Array(2 * 48_000)));
      await sleep(100);
      await out.drop();
      assert.equal(states.at(-1), "prepared");
      await out.write(countingFrames(10_000, 20_001));
      await out.write(tail);
      await out.drain();
    });
    const runs = runsOf(recording).filter(({ first }) => first !== 0);
    assert.deepEqual(runs, [{ first: 1, frames: 10_000 }, { first: 20_001, frames: 10_000 }]);
  }
});
