/**
 * What was given is played bit for bit in real time, too: with threads, a clock that does not wait,
 * and streams at once. The combinations cover every format with both paths.
 */
import assert from "node:assert/strict";
import { openVirtualCard, type VirtualCardOptions } from "../lib/testing/mod.ts";
import {
  type Access,
  type Granted,
  openPlayback,
  type Playback,
  type PlaybackQueue,
  type SampleFormat,
  silence,
  tone,
} from "../mod.ts";
import {
  accesses,
  assertPlayed,
  assertSameBits,
  bytesIn,
  counting,
  countingSamples,
  eventually,
  formats,
  framesOf,
  noise,
  sleep,
  test,
  within,
  withoutZeros,
} from "./harness.ts";

interface Take {
  readonly format: SampleFormat;
  readonly access: Access;
  readonly layout: "interleaved" | "noninterleaved";
  readonly channels: number;
  readonly rate: number;
  readonly periodFrames: number;
  readonly periods: number;
  /** Frames of each `write()`. */
  readonly chunk: number;
}

/** Neighbouring rows share as little as possible, so that values of all columns meet. */
const takes: readonly Take[] = formats.flatMap((format, row) =>
  accesses.map((access, column): Take => {
    const turn = 2 * row + column;
    return {
      format,
      access,
      layout: (row + column) % 2 === 0 ? "interleaved" : "noninterleaved",
      channels: [1, 2, 6, 8][(row + 2 * column) % 4] ?? 1,
      rate: [48_000, 44_100, 192_000, 8000, 96_000][turn % 5] ?? 48_000,
      periodFrames: [240, 333, 1024, 128][(row + column) % 4] ?? 240,
      periods: [8, 5, 6][turn % 3] ?? 4,
      chunk: [10_000_000, 997, 4800, 101][(row + 3 * column) % 4] ?? 1000,
    };
  })
);
const takeSeconds = 0.3;

/** How much silence follows depends on when the thread that stops the device ran. */
const inTime = ({ granted }: PlaybackQueue): Granted => ({
  ...granted,
  periodFrames: 2 * granted.bufferFrames,
});

async function writeAll(
  out: PlaybackQueue<SampleFormat>,
  samples: ReturnType<typeof noise>,
  { format, channels, chunk }: Take,
): Promise<void> {
  const frames = Math.floor(takeSeconds * out.granted.rate);
  for (let first = 0; first < frames; first += chunk) {
    await out.write(framesOf(samples, format, channels, first, first + chunk));
  }
}

async function playTake(take: Take): Promise<void> {
  const { chunk: _, layout, ...options } = take;
  const { format, access, channels, rate } = options;
  const cardAccess = `${access === "write" ? "write" : "mmap"}-${layout}` as const;
  const card: VirtualCardOptions = { clock: "realtime", access: [cardAccess] };
  await using virtual = await openVirtualCard(card);
  const sizes = { ...options, queueFrames: rate };
  await using out: PlaybackQueue<SampleFormat> = await openPlayback({
    ...sizes,
    device: virtual.device,
  });
  assert.equal(out.granted.access, access);
  assert.equal(out.granted.layout, layout);
  const samples = noise(format, Math.floor(takeSeconds * rate), channels, rate + channels);
  await writeAll(out, samples, take);
  await out.drain();
  assertPlayed(virtual.played(), samples, inTime(out));
  assert.equal(virtual.status().tapLostFrames, 0);
  assert.equal(out.stats().framesPlayed, Math.floor(takeSeconds * rate));
}

/** Four at once: as many as a small machine serves without delay. */
for (let first = 0; first < takes.length; first += 4) {
  const group = takes.slice(first, first + 4);
  const names = group.map(({ format, access, channels, rate }) =>
    `${format} ${access} ${channels} x ${rate}`
  );
  test(`bit-exact in real time at once: ${names.join(", ")}`, async () => {
    await within(Promise.all(group.map(playTake)), "Playing", 15_000);
  });
}

for (const access of accesses) {
  test(`two streams of one card are bit-exact in real time by ${access}`, async () => {
    await using card = await openVirtualCard({ clock: "realtime" });
    const { device } = card;
    const low = { device, access, format: "s16", channels: 1, rate: 44_100 } as const;
    const high = { device, access, format: "f64", channels: 6, rate: 96_000 } as const;
    await using first = await openPlayback({ ...low, periodFrames: 441, periods: 6 });
    await using second = await openPlayback({ ...high, periodFrames: 500, periods: 6 });
    const lowSamples = noise("s16", 15_001, 1) as Int16Array;
    const highSamples = noise("f64", 30_001, 6) as Float64Array;
    await Promise.all([
      first.write(lowSamples).then(() => first.drain()),
      second.write(highSamples).then(() => second.drain()),
    ]);
    assertPlayed(card.played(0), lowSamples, inTime(first));
    assertPlayed(card.played(1), highSamples, inTime(second));
  });

  for (const canPause of [true, false]) {
    const pause = `${canPause ? "with" : "without"} hardware pause`;
    test(`pauses in real time lose and repeat nothing by ${access} ${pause}`, async () => {
      await using card = await openVirtualCard({ clock: "realtime", canPause });
      await using out = await openPlayback({ ...counting, access, device: card.device });
      const written = out.write(countingSamples(14_001));
      for (let round = 0; round < 3; round++) {
        await sleep(20);
        await within(out.pause(), "pause()", 5000);
        const { framesPlayed, wakeUps } = out.stats();
        await sleep(30);
        assert.equal(out.stats().framesPlayed, framesPlayed, "It plays while it is paused");
        assert.equal(out.stats().wakeUps, wakeUps, "It wakes up while it is paused");
        await within(out.resume(), "resume()", 5000);
      }
      await within(written.then(() => out.drain()), "drain()", 15_000);
      const heard = Int32Array.from(withoutZeros(card.played()));
      assertSameBits(heard, countingSamples(14_001));
    });
  }

  test(`drop in real time stops, and the stream plays again by ${access}`, async () => {
    await using card = await openVirtualCard({ clock: "realtime" });
    await using out = await openPlayback({ ...counting, access, device: card.device });
    for (let round = 0; round < 5; round++) {
      await out.write(countingSamples(1500, 10_000 * (round + 1)));
      await sleep(5);
      await within(out.drop(), "drop()", 5000);
      const { framesAccepted, framesPlayed, framesDropped } = out.stats();
      assert.equal(framesAccepted, framesPlayed + framesDropped);
    }
    await out.write(countingSamples(1500, 900_000));
    await within(out.drain(), "drain()", 5000);
    const heard = withoutZeros(card.played());
    assertSameBits(Int32Array.from(heard.slice(-1500)), countingSamples(1500, 900_000));
    // A few frames are heard between the last look at the pointer and the stop.
    const unseen = heard.length - out.stats().framesPlayed;
    assert.ok(unseen >= 0 && unseen <= 5 * counting.periodFrames, `${unseen} frames`);
    const back = heard.findIndex((sample, index) => sample <= (heard[index - 1] ?? 0));
    assert.equal(back, -1, `Sample ${heard[back]} is repeated or out of order`);
  });
}

test("bytes are piped in real time", async () => {
  await using card = await openVirtualCard({ clock: "realtime" });
  const sizes = { format: "s24_3", channels: 2, rate: 48_000 } as const;
  await using out = await openPlayback({ ...sizes, device: card.device });
  const samples = noise("s24_3", 14_007, 2);
  const blob = new Blob([bytesIn(samples).slice()]);
  await within(blob.stream().pipeTo(out.writable), "The pipe", 15_000);
  assertPlayed(card.played(), samples, inTime(out));
});

test("a drain in real time that has timed out goes on", async () => {
  await using card = await openVirtualCard({ clock: "realtime" });
  await using out = await openPlayback({ ...counting, queueFrames: 20_000, device: card.device });
  await out.write(countingSamples(10_000));
  await assert.rejects(out.drain({ timeoutMs: 20 }), { code: "ERR_HALFLAP_TIMEOUT" });
  await within(out.drain({ timeoutMs: 10_000 }), "drain()", 15_000);
  assertPlayed(card.played(), countingSamples(10_000), inTime(out));
});

test("a card that drifts is followed", async () => {
  for (const driftPpm of [-50_000, 50_000]) {
    await using card = await openVirtualCard({ clock: "realtime", driftPpm });
    await using out = await openPlayback({ ...counting, device: card.device });
    await out.write(countingSamples(9001));
    await within(out.drain(), "drain()", 15_000);
    assertPlayed(card.played(), countingSamples(9001), inTime(out));
  }
});

test("streams of the private virtual card play at once", async () => {
  const streams: Playback[] = [];
  try {
    for (let index = 0; index < 6; index++) {
      const source = index % 2 === 0 ? silence() : tone({ frequencyHz: 440 });
      streams.push(await openPlayback({ device: "virtual", source, channels: 1 + index }));
    }
    await eventually("playing", () => streams.every((out) => out.stats().framesPlayed > 2000));
  } finally {
    await Promise.all(streams.map((out) => out.close()));
  }
});

test("an endless write can be dropped while it waits", async () => {
  await using out = await openPlayback({ ...counting, device: "virtual" });
  const write = out.write(countingSamples(5_000_000));
  const rejected = assert.rejects(write, { code: "ERR_HALFLAP_CANCELLED" });
  await eventually("playing", () => out.stats().framesPlayed > 1000);
  await out.drop();
  await rejected;
  assert.equal(out.state, "prepared");
});
