/** What was given is played bit for bit: in simulated time, so that every length is affordable. */
import assert from "node:assert/strict";
import { openVirtualCard, type VirtualCardOptions } from "../lib/testing/mod.ts";
import { type Access, openPlayback, type PlaybackQueue, type SampleFormat } from "../mod.ts";
import {
  accesses,
  advanceUntil,
  assertPlayed,
  formats,
  framesOf,
  noise,
  openCard48k,
  test,
  within,
} from "./harness.ts";

interface Take {
  readonly format?: SampleFormat;
  readonly access?: Access;
  readonly channels?: number;
  readonly rate?: number;
  readonly frames?: number;
  readonly periodFrames?: number;
  readonly periods?: number;
  readonly queueFrames?: number;
  /** Frames of each `write()`, over and over; one write of everything if left out. */
  readonly chunks?: readonly number[];
  readonly card?: VirtualCardOptions;
}

async function writeChunks(
  out: PlaybackQueue<SampleFormat>,
  samples: ReturnType<typeof noise>,
  frames: number,
  chunks: readonly number[],
): Promise<void> {
  const { format, channels } = out.granted;
  const writes: Promise<void>[] = [];
  let first = 0;
  while (first < frames) {
    const end = Math.min(frames, first + (chunks[writes.length % chunks.length] ?? frames));
    writes.push(out.write(framesOf(samples, format, channels, first, end)));
    first = end;
  }
  await Promise.all(writes);
}

/** Plays noise on a card of its own and compares; returns what was granted. */
async function playBitExactly(take: Take): Promise<PlaybackQueue<SampleFormat>["granted"]> {
  const { card: cardOptions, chunks, frames = 2999, ...options } = take;
  const { format = "f32", channels = 2 } = options;
  await using card = await openVirtualCard(cardOptions);
  await using out = await openPlayback({ ...options, format, channels, device: card.device });
  const { granted } = out;
  assert.equal(granted.format, format);
  assert.equal(granted.channels, channels);
  if (take.rate !== undefined) assert.equal(granted.rate, take.rate);
  if (take.access !== undefined && take.access !== "auto") {
    assert.equal(granted.access, take.access);
  }

  const samples = noise(format, frames, channels, frames + channels);
  const given = samples.slice();
  const played = writeChunks(out, samples, frames, chunks ?? [frames]).then(() => out.drain());
  await advanceUntil(card, played);
  assertPlayed(card.played(), given, granted);
  const { framesPlayed, xruns } = out.stats();
  assert.equal(framesPlayed, frames);
  assert.equal(xruns.count, 0);
  assert.equal(card.status().tapLostFrames, 0);
  return granted;
}

for (const format of formats) {
  for (const access of accesses) {
    test(`${format} by ${access} is bit-exact with 1, 2, 6, 8 and 32 channels`, async () => {
      for (const channels of [1, 2, 6, 8, 32]) await playBitExactly({ format, access, channels });
    });

    test(`${format} by ${access} is bit-exact on a card without interleaving`, async () => {
      const card: VirtualCardOptions = { access: [`${access}-noninterleaved`] };
      for (const channels of [1, 2, 6, 32]) {
        const granted = await playBitExactly({ format, access, channels, card });
        assert.equal(granted.layout, "noninterleaved");
      }
    });
  }
}

for (const access of accesses) {
  test(`every rate is bit-exact by ${access}`, async () => {
    const rates = [4000, 5512, 8000, 11_025, 44_100, 48_000, 96_001, 192_000, 384_000, 768_000];
    for (const rate of rates) await playBitExactly({ access, rate, format: "s24_3", frames: 7919 });
  });

  test(`odd periods and buffers are bit-exact by ${access}`, async () => {
    const sizes = [[16, 2], [17, 3], [61, 2], [101, 5], [333, 7], [1021, 3], [16, 64], [4096, 2]];
    for (const [periodFrames = 0, periods = 0] of sizes) {
      const take: Take = { access, format: "s16", channels: 3, periodFrames, periods };
      const granted = await playBitExactly({ ...take, frames: 12_345 });
      assert.equal(granted.periodFrames, periodFrames);
      assert.equal(granted.bufferFrames, periodFrames * periods);
    }
  });

  test(`lengths around period, buffer and queue are bit-exact by ${access}`, async () => {
    const periodFrames = 50;
    const sizes = { access, periodFrames, periods: 4, queueFrames: 333 };
    for (const size of [1, 50, 200, 333, 533]) {
      for (const frames of [size - 1, size, size + 1].filter((count) => count > 0)) {
        await playBitExactly({ ...sizes, format: "s24", channels: 1, frames });
      }
    }
  });

  test(`ten seconds in one write are bit-exact by ${access}`, async () => {
    await playBitExactly({ access, format: "s16", frames: 480_000 });
  });

  test(`writes of one frame are bit-exact by ${access}`, async () => {
    await playBitExactly({ access, format: "f64", frames: 1500, chunks: [1] });
  });

  test(`writes of mixed lengths are bit-exact by ${access}`, async () => {
    const chunks = [1, 2, 3, 5, 997, 1, 4800, 12_000, 0, 239, 240, 241, 7];
    await playBitExactly({ access, format: "s24_3", channels: 5, frames: 50_021, chunks });
  });

  test(`a queue smaller than a period is bit-exact by ${access}`, async () => {
    const sizes = { periodFrames: 240, periods: 4, queueFrames: 1000 };
    await playBitExactly({ access, ...sizes, format: "s32", frames: 10_007 });
  });
}

test("a card that grants periods and buffers of its own is bit-exact", async () => {
  const card = { periodFrames: { min: 100, max: 128 }, periods: { min: 3, max: 3 } };
  const granted = await playBitExactly({ card, periodFrames: 128, periods: 3, frames: 5003 });
  assert.equal(granted.bufferFrames, 384);
});

test("auto takes mmap where the card grants it, and write where it does not", async () => {
  const both = await playBitExactly({ access: "auto" });
  assert.equal(both.access, "mmap");
  const writeOnly = await playBitExactly({
    access: "auto",
    card: { access: ["write-interleaved"] },
  });
  assert.equal(writeOnly.access, "write");
  assert.notEqual(writeOnly.accessReason, "");
});

test("two streams of one card at other formats and rates do not touch each other", async () => {
  await using card = await openVirtualCard();
  const { device } = card;
  const [low, high] = await Promise.all([
    openPlayback({ device, format: "s16", channels: 1, rate: 44_100, access: "write" }),
    openPlayback({ device, format: "f64", channels: 6, rate: 192_000, periodFrames: 333 }),
  ]);
  await using streams = new AsyncDisposableStack();
  streams.use(low);
  streams.use(high);
  const lowSamples = noise("s16", 44_100, 1);
  const highSamples = noise("f64", 100_003, 6);
  const lowDone = low.write(lowSamples as Int16Array).then(() => low.drain());
  const highDone = high.write(highSamples as Float64Array).then(() => high.drain());
  await advanceUntil(card, Promise.all([lowDone, highDone]));
  assert.equal(card.status().substreams, 2);
  const first = card.status(0).format === "s16" ? 0 : 1;
  assertPlayed(card.played(first), lowSamples, low.granted);
  assertPlayed(card.played(1 - first), highSamples, high.granted);
  assert.equal(low.stats().xruns.count + high.stats().xruns.count, 0);
});

test("twenty streams of one card play at once", async () => {
  await using card = await openVirtualCard({ substreams: 20 });
  await using streams = new AsyncDisposableStack();
  const takes = [];
  for (let index = 0; index < 20; index++) {
    const periodFrames = 97 + 13 * (index % 5);
    const access = accesses[index % 2] ?? "auto";
    const options = { device: card.device, format: "s32", channels: 2, periodFrames } as const;
    const out = streams.use(await openPlayback({ ...options, access }));
    const samples = noise("s32", 4000 + 777 * index, 2, index) as Int32Array;
    takes.push({ out, samples, done: out.write(samples).then(() => out.drain()) });
  }
  await advanceUntil(card, Promise.all(takes.map(({ done }) => done)));
  for (const [index, { out, samples }] of takes.entries()) {
    assertPlayed(card.played(index), samples, out.granted);
  }
});

test("a card without limits takes forty streams", async () => {
  await using card = await openCard48k();
  await using streams = new AsyncDisposableStack();
  for (let index = 0; index < 40; index++) {
    const opening = openPlayback({ device: card.device });
    streams.use(await within(opening, `Opening stream ${index}`, 5000));
  }
  assert.equal(card.status().substreams, 40);
});

test("the arrays of a settled write can be used again", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ device: card.device, format: "s16", channels: 1 });
  const given = noise("s16", 20_000, 1) as Int16Array;
  const block = new Int16Array(1000);
  const writeAll = async () => {
    for (let first = 0; first < given.length; first += block.length) {
      block.set(given.subarray(first, first + block.length));
      await out.write(block);
      block.fill(0x5555);
    }
    await out.drain();
  };
  await advanceUntil(card, writeAll());
  assertPlayed(card.played(), given, out.granted);
});

for (const access of accesses) {
  test(`pointers that wrap at the boundary are bit-exact by ${access}`, async () => {
    const sizes = { access, format: "s24_3", channels: 3, periodFrames: 101, periods: 3 } as const;
    for (const framesBeforeBoundary of [1, 100, 101, 303, 1000, 2998, 2999, 3000]) {
      await playBitExactly({ ...sizes, card: { framesBeforeBoundary } });
    }
  });
}
