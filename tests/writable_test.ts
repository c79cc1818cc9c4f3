/** The WritableStream in front of a stream. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { openPlayback, type PlaybackQueue, type SampleFormat } from "../mod.ts";
import {
  advanceUntil,
  assertPlayed,
  assertSameBits,
  bytesIn,
  counting,
  countingSamples,
  noise,
  openCard48k,
  test,
  turns,
  watch,
  withCode,
} from "./harness.ts";

type Chunk = Parameters<WritableStreamDefaultWriter["write"]>[0];

/** Cuts bytes anywhere, and hands each piece over as another kind of chunk, at odd addresses. */
function* pieces(bytes: Uint8Array): Generator<Chunk> {
  const kinds: ((piece: Uint8Array) => Chunk)[] = [
    (piece) => piece,
    (piece) => piece.slice().buffer,
    (piece) => new DataView(piece.buffer, piece.byteOffset, piece.byteLength),
    (piece) => Buffer.from(piece),
    (piece) => {
      const odd = new Uint8Array(piece.length + 3);
      odd.set(piece, 3);
      return odd.subarray(3);
    },
  ];
  let first = 0;
  for (let index = 0; first < bytes.length; index++) {
    const end = Math.min(bytes.length, first + (index * 97) % 1201);
    const kind = kinds[index % kinds.length];
    if (kind !== undefined) yield kind(bytes.subarray(first, end));
    first = end;
  }
}

const readableOf = (chunks: Iterable<Chunk>): ReadableStream => ReadableStream.from(chunks);

const devices: readonly (readonly [SampleFormat, number])[] = [
  ["u8", 1],
  ["s16", 2],
  ["s24", 3],
  ["s24_3", 5],
  ["s32", 1],
  ["f32", 2],
  ["f64", 7],
];

for (const [format, channels] of devices) {
  test(`bytes in any pieces are played bit for bit as ${format}`, async () => {
    await using card = await openCard48k();
    const options = { ...counting, format, channels, device: card.device };
    await using out: PlaybackQueue<SampleFormat> = await openPlayback(options);
    const samples = noise(format, 9001, channels, channels);
    await advanceUntil(card, readableOf(pieces(bytesIn(samples))).pipeTo(out.writable));
    assertPlayed(card.played(), samples, out.granted);
  });

  test(`typed arrays are played as ${format}`, async () => {
    await using card = await openCard48k();
    const options = { ...counting, format, channels, device: card.device };
    await using out: PlaybackQueue<SampleFormat> = await openPlayback(options);
    const samples = noise(format, 7001, channels, channels);
    const cuts = [0, 1, 3, 1000, 1001, 5555, samples.length];
    const chunks = cuts.slice(1).map((end, index) => samples.subarray(cuts[index], end));
    await advanceUntil(card, readableOf(chunks).pipeTo(out.writable));
    assertPlayed(card.played(), samples, out.granted);
  });
}

test("a blob can be piped", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ device: card.device, format: "s16" });
  const samples = noise("s16", 30_011, 2);
  const blob = new Blob([bytesIn(samples).slice()]);
  await advanceUntil(card, blob.stream().pipeTo(out.writable));
  assertPlayed(card.played(), samples, out.granted);
});

test("closing the writable drains and leaves the stream open for the next one", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...counting, device: card.device });
  const first = out.writable;
  assert.equal(out.writable, first);
  await advanceUntil(card, readableOf([countingSamples(3001)]).pipeTo(first));
  assert.equal(out.state, "prepared");
  assert.equal(out.stats().framesPlayed, 3001);
  assert.notEqual(out.writable, first);
  const rest = readableOf([countingSamples(1000, 3002)]);
  await advanceUntil(card, rest.pipeTo(out.writable));
  assert.equal(out.stats().framesPlayed, 4001);
});

test("pipeTo with preventClose does not drain", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...counting, device: card.device });
  const { writable } = out;
  const options = { preventClose: true };
  await advanceUntil(card, readableOf([countingSamples(150)]).pipeTo(writable, options));
  assert.equal(out.state, "prepared");
  assert.equal(out.writable, writable);
  await advanceUntil(card, readableOf([countingSamples(150, 151)]).pipeTo(writable));
  assertPlayed(card.played(), countingSamples(300), out.granted);
});

test("closing with an incomplete frame rejects, and the stream plays again", async () => {
  await using card = await openCard48k();
  const options = { ...counting, format: "s16", channels: 2, device: card.device } as const;
  await using out = await openPlayback(options);
  const { writable } = out;
  const samples = noise("s16", 501, 2);
  const bytes = bytesIn(samples);
  const piped = readableOf([bytes.subarray(0, 2002)]).pipeTo(writable);
  await assert.rejects(advanceUntil(card, piped), RangeError);
  assert.notEqual(out.writable, writable);
  await advanceUntil(card, readableOf([bytes]).pipeTo(out.writable));
  const played = card.played();
  assertSameBits(played.subarray(-samples.length), samples);
});

test("aborting the writable drops, and the stream plays again", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...counting, device: card.device });
  const { writable } = out;
  const writer = writable.getWriter();
  const write = watch(writer.write(countingSamples(20_000)));
  await card.advance(500);
  await writer.abort(new Error("enough"));
  assert.equal(write.state, "rejected");
  assert.equal(out.state, "prepared");
  assert.equal(out.stats().framesPlayed, 500);
  assert.notEqual(out.writable, writable);
  const again = readableOf([countingSamples(800, 90_001)]);
  await advanceUntil(card, again.pipeTo(out.writable));
  const expected = Int32Array.of(...countingSamples(500), ...countingSamples(800, 90_001));
  assertSameBits(card.played().subarray(0, 1300), expected);
});

test("the rest of a frame that was aborted is not put before the next sound", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...counting, device: card.device });
  const writer = out.writable.getWriter();
  await writer.write(Uint8Array.of(1, 2, 3));
  await writer.abort();
  const samples = countingSamples(500);
  await advanceUntil(card, readableOf([bytesIn(samples)]).pipeTo(out.writable));
  assertPlayed(card.played(), samples, out.granted);
});

test("a pipe that is aborted by a signal drops what the stream has taken", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...counting, device: card.device });
  const controller = new AbortController();
  const { signal } = controller;
  const chunks = Array.from({ length: 500 }, (_, index) => countingSamples(100, 1 + 100 * index));
  const piped = readableOf(chunks).pipeTo(out.writable, { signal });
  const reason = new Error("enough");
  const rejected = assert.rejects(piped, reason);
  await turns();
  await card.advance(700);
  controller.abort(reason);
  // A pipe first writes the chunks that it has read.
  await advanceUntil(card, rejected);
  assert.equal(out.state, "prepared");
  const { framesAccepted, framesPlayed, framesDropped } = out.stats();
  assert.ok(framesPlayed < 5000, `${framesPlayed} frames`);
  assert.equal(framesPlayed + framesDropped, framesAccepted);
  assertSameBits(card.played(), countingSamples(framesPlayed));
});

test("a source that fails drops what it gave", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...counting, device: card.device });
  const reason = new Error("the file is broken");
  const failing = new ReadableStream({
    start: (controller) => controller.enqueue(countingSamples(300)),
    pull: (controller) => controller.error(reason),
  });
  await assert.rejects(failing.pipeTo(out.writable), reason);
  await out.drain();
  assert.equal(out.stats().framesPlayed, 0);
});

test("the writable has backpressure", async () => {
  await using card = await openCard48k();
  const options = { ...counting, startThreshold: Infinity, device: card.device };
  await using out = await openPlayback(options);
  const writer = out.writable.getWriter();
  let taken = 0;
  const writing = (async () => {
    for (let index = 0; index < 100; index++) {
      await writer.ready;
      writer.write(countingSamples(100, 1 + 100 * index)).then(() => taken += 100, () => {});
    }
    await writer.close();
  })();
  await turns(20);
  assert.ok(taken <= counting.queueFrames, `${taken} frames`);
  assert.ok(taken >= counting.queueFrames - 100, `${taken} frames`);
  await out.start();
  await advanceUntil(card, writing);
  assertPlayed(card.played(), countingSamples(10_000), out.granted);
});

test("chunks of another type are refused", async () => {
  for (const chunk of ["text", 7, null, {}, [1, 2], new Float32Array(4)]) {
    await using card = await openCard48k();
    await using out = await openPlayback({ ...counting, device: card.device });
    const { writable } = out;
    const writer = writable.getWriter();
    writer.closed.catch(() => {});
    await assert.rejects(writer.write(chunk as Uint8Array), TypeError);
    assert.notEqual(out.writable, writable);
  }
});

test("closing the stream ends a pipe with its error", async () => {
  await using card = await openCard48k();
  const out = await openPlayback({ ...counting, device: card.device });
  const piped = readableOf([countingSamples(50_000)]).pipeTo(out.writable);
  const rejected = assert.rejects(piped, withCode("ERR_HALFLAP_CLOSED"));
  await card.advance(500);
  await out.close();
  await rejected;
});
