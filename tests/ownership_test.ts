/**
 * A stream that is given away and attached again: nothing of its sound is lost or played twice, its
 * former owner is done with, and the next one goes on from there. All in one realm; Workers do the
 * same in `workers_test.ts`.
 */
import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { engineCounters, openVirtualCard, type VirtualCard } from "../lib/testing/mod.ts";
import {
  attachPlayback,
  clip,
  mapped,
  mix,
  MixClip,
  MixQueue,
  openPlayback,
  type Playback,
  PlaybackMapped,
  PlaybackQueue,
  PlaybackRender,
  type PlaybackToken,
  render,
  type RenderBlock,
  tone,
} from "../mod.ts";
import {
  accesses,
  advanceUntil,
  assertSameBits,
  counting,
  countingSamples,
  handled,
  monoSource,
  statesOf,
  test,
  turns,
  watch,
  withCode,
  withoutZeros,
} from "./harness.ts";

const detached = withCode("ERR_HALFLAP_DETACHED");
const unknown = withCode("ERR_HALFLAP_UNKNOWN_TOKEN");

type Queue = PlaybackQueue<"s32">;

const openCounting = (card: VirtualCard): Promise<Queue> =>
  openPlayback({ ...counting, device: card.device });

/** Writes so much that it plays for 2000 frames, and lets it begin. */
async function run(out: Queue, card: VirtualCard): Promise<void> {
  await out.write(countingSamples(2000));
  await card.advance(50);
  assert.equal(out.state, "running");
}

/** Attaches what was given away. */
async function handOver<P extends Playback>(out: P): Promise<P> {
  return await attachPlayback<P>(await out.detach());
}

for (const access of accesses) {
  test(`${access}: what is queued plays on from owner to owner, without a gap`, async () => {
    await using card = await openVirtualCard();
    const given = countingSamples(30_000);
    let out: Queue = await openPlayback({ ...counting, access, device: card.device });
    let written = 0;
    for (let owner = 0; written < given.length; owner++) {
      // As long as it plays while the owner has it, and on its way to the next one.
      const ownedFrames = 300 + 37 * (owner % 7);
      const unownedFrames = 31 * (owner % 5);
      const frames = written === 0 ? 1500 : ownedFrames + unownedFrames;
      await out.write(given.subarray(written, written + frames));
      written += frames;
      await card.advance(ownedFrames);
      const token = await out.detach();
      await card.advance(unownedFrames);
      out = await attachPlayback(token);
      assert.ok(out instanceof PlaybackQueue);
    }
    assert.equal(out.stats().framesAccepted, given.length);
    await advanceUntil(card, out.drain());
    assert.equal(out.stats().xruns.count, 0);
    assertSameBits(card.played().subarray(0, given.length), given);
    await out.close();
  });
}

test("native sources play on while nobody owns them", async () => {
  await using card = await openVirtualCard();
  const samples = countingSamples(20_000);
  const options = { ...monoSource, device: card.device };
  let out: Playback = await openPlayback({ ...options, source: clip(samples) });
  await using other = await openPlayback({ ...options, source: tone({ frequencyHz: 440 }) });
  await card.advance(777);
  const token = await out.detach();
  await card.advance(5000);
  out = await attachPlayback(token);
  assert.equal(out.state, "running");
  assert.ok(out.stats().framesPlayed > 5000);
  await advanceUntil(card, handled(out.drain()));
  assertSameBits(card.played(0).subarray(0, samples.length), samples);
  assert.equal(other.stats().xruns.count, 0);
  await out.close();
});

test("a mix goes with its inputs: what they hold, their gains, and who plays", async () => {
  await using card = await openVirtualCard();
  const options = { ...monoSource, device: card.device };
  const ring = clip(Int32Array.of(1000, 2000, 3000));
  const source = mix([{ gain: 0.1 }, { source: ring, autoplay: false, gain: 0.7 }]);
  const out = await openPlayback({ ...options, source, startThreshold: Infinity });
  const [queue, alarm] = out.inputs;
  queue.setGain(0.3);
  await queue.write(countingSamples(10).map((sample) => 1000 * sample));
  alarm.play();
  const draining = handled(alarm.drain());

  const attached = await handOver(out);
  await assert.rejects(draining, detached);
  await assert.rejects(queue.write(countingSamples(1)), detached);
  assert.throws(() => alarm.play(), detached);
  const [nextQueue, nextAlarm] = attached.inputs;
  assert.ok(nextQueue instanceof MixQueue && nextAlarm instanceof MixClip);
  assert.deepEqual([nextQueue.gain, nextAlarm.gain], [0.3, 0.7]);
  assert.equal(nextQueue.queueFrames, queue.queueFrames);
  assert.equal(nextAlarm.playing, true);
  nextQueue.setGain(1);
  nextAlarm.setGain(1);
  await nextQueue.write(Int32Array.of(7, 8));
  await advanceUntil(card, attached.start());
  await advanceUntil(card, attached.drain());
  const played = [2000, 4000, 6000, 4000, 5000, 6000, 7000, 8000, 9000, 10_000, 7, 8];
  assert.deepEqual(withoutZeros(card.played()), played);
  await attached.close();
});

/** Renders samples that count, and remembers how far it got. */
function counter(): { next: number; callback: (block: RenderBlock<"s32">) => void } {
  const state = {
    next: 0,
    callback: ({ samples, position }: RenderBlock<"s32">) => {
      for (let index = 0; index < samples.length; index++) samples[index] = position + index + 1;
      state.next = position + samples.length;
    },
  };
  return state;
}

test("a callback goes on where that of the former owner had got to", async () => {
  await using card = await openVirtualCard();
  const first = counter();
  const out = await openPlayback({
    ...monoSource,
    device: card.device,
    source: render(first.callback),
  });
  await card.advance(1234);
  const token = await out.detach();
  const before = first.next;
  const second = counter();
  const attached = await attachPlayback(token, { render: second.callback });
  assert.ok(attached instanceof PlaybackRender);
  assert.equal(attached.granted.zeroCopy?.memory, "card");
  await card.advance(5000);
  assert.equal(first.next, before);
  assert.ok(second.next > before);
  await advanceUntil(card, attached.drain());
  const played = withoutZeros(card.played());
  assertSameBits(Int32Array.from(played), countingSamples(second.next));
  assert.equal(attached.stats().xruns.count, 0);
  await attached.close();
});

test("a callback can give its stream away, and the next one renders the same period", async () => {
  await using card = await openVirtualCard();
  const { callback } = counter();
  let token: Promise<PlaybackToken<PlaybackRender<"s32">>> | undefined;
  let givenAt = NaN;
  const out: PlaybackRender<"s32"> = await openPlayback({
    ...monoSource,
    device: card.device,
    source: render<"s32">((block) => {
      callback(block);
      if (block.position < 2000 || token !== undefined) return;
      givenAt = block.position;
      token = out.detach();
    }),
  });
  for (let ms = 0; ms < 100 && token === undefined; ms++) await card.advanceMs(1);
  let firstPosition: number | undefined;
  const next = counter();
  const attached = await attachPlayback(await token!, {
    render: (block) => {
      firstPosition ??= block.position;
      next.callback(block);
    },
  });
  await card.advance(3000);
  assert.equal(firstPosition, givenAt);
  await advanceUntil(card, attached.drain());
  assertSameBits(Int32Array.from(withoutZeros(card.played())), countingSamples(next.next));
  await attached.close();
});

test("a callback that was stopped by drop() is stopped for the next owner, until start()", async () => {
  await using card = await openVirtualCard();
  const options = { ...monoSource, device: card.device };
  const out = await openPlayback({ ...options, source: render<"s32">(() => {}) });
  await card.advance(1000);
  await out.drop();
  const next = counter();
  const attached = await attachPlayback(await out.detach(), { render: next.callback });
  await card.advance(1000);
  await turns();
  assert.equal(next.next, 0);
  await advanceUntil(card, attached.start());
  assert.ok(next.next > 0);
  await attached.close();
});

test("memory of a mapped stream goes to the next owner, and away from the former", async () => {
  await using card = await openVirtualCard();
  const options = { ...monoSource, device: card.device };
  const out: PlaybackMapped<"s32"> = await openPlayback({ ...options, source: mapped() });
  const { samples } = out;
  assert.equal(engineCounters().views, 1);
  const begun = out.begin(100);
  assert.equal(begun?.position, 0);
  samples.set(countingSamples(40), begun.offset);
  out.commit(40);
  assert.equal(out.begin(60)?.position, 40);
  const waiting = watch(out.waitForRoom(400));
  const attached = await handOver(out);
  assert.ok(attached instanceof PlaybackMapped);
  assert.equal(waiting.state, "rejected");
  detached(waiting.error);
  assert.equal(samples.length, 0);
  assert.equal(engineCounters().views, 1);

  // What was begun and not committed is to be rendered by the next owner.
  const rest = attached.begin(60);
  assert.equal(rest?.position, 40);
  attached.samples.set(countingSamples(60, 41), rest.offset);
  attached.commit(60);
  await advanceUntil(card, handled(attached.start()));
  await advanceUntil(card, attached.drain());
  assertSameBits(Int32Array.from(withoutZeros(card.played())), countingSamples(100));
  await attached.close();
  assert.equal(attached.samples.length, 0);
});

test("what is pending is rejected here, and carried out all the same", async () => {
  await using card = await openVirtualCard({ canPause: false });
  const out = await openCounting(card);
  await run(out, card);
  const pausing = handled(out.pause({ fadeMs: 5 }));
  const token = await out.detach();
  await assert.rejects(pausing, detached);
  await card.advance(2000);
  const attached = await attachPlayback(token);
  assert.equal(attached.state, "paused");
  await advanceUntil(card, attached.resume());
  assert.equal(attached.state, "running");
  await attached.close();
});

test("a drain goes on without an owner, and holds back the next one's writes", async () => {
  await using card = await openVirtualCard();
  const out = await openPlayback({ ...counting, device: card.device, startThreshold: Infinity });
  await out.write(countingSamples(1000));
  await out.start();
  const source = await openPlayback({
    ...monoSource,
    device: card.device,
    source: clip(countingSamples(1000)),
  });
  const draining = handled(source.drain());
  const token = await source.detach();
  await assert.rejects(draining, detached);
  await card.advance(3000);
  const attached = await attachPlayback(token);
  assert.equal(attached.state, "prepared");
  assertSameBits(card.played(1).subarray(0, 1000), countingSamples(1000));
  await attached.close();
  await out.close();
});

test("after detach() nothing can be done with the former object, and nothing harms", async () => {
  await using card = await openVirtualCard();
  const out = await openCounting(card);
  await run(out, card);
  const states = statesOf(out);
  const detaching = out.detach();
  await detaching;
  await out.closed;
  assert.deepEqual([out.state, states], ["closed", ["closed"]]);
  const calls = [
    () => out.write(countingSamples(1)),
    () => out.start(),
    () => out.pause(),
    () => out.resume(),
    () => out.drain(),
    () => out.drain({ timeoutMs: 1 }),
    () => out.drop(),
    () => out.detach(),
    () => out.writable.getWriter().write(countingSamples(1)),
  ];
  for (const call of calls) await assert.rejects(call, detached, String(call));
  assert.throws(() => out.tryWrite(countingSamples(1)), detached);
  assert.throws(() => out.setGain(0.5), detached);
  assert.throws(() => out.stats(), detached);
  assert.throws(() => out.getOutputTimestamp(), detached);
  out.ref();
  out.unref();
  await out.close();
  await out[Symbol.asyncDispose]();

  const attached = await attachPlayback(await detaching);
  assert.equal(attached.state, "running");
  assert.equal(attached.stats().framesAccepted, 2000);
  await attached.close();
});

test("detach() waits for the writes before it, and rejects those behind it", async () => {
  await using card = await openVirtualCard();
  const out = await openCounting(card);
  await run(out, card);
  const writing = watch(out.write(countingSamples(3000, 2001)));
  const detaching = out.detach();
  const behind = handled(out.write(countingSamples(1)));
  assert.equal(watch(detaching).state, "pending");
  const attached = await attachPlayback(await advanceUntil(card, detaching));
  assert.equal(writing.state, "fulfilled");
  await assert.rejects(behind, detached);
  await advanceUntil(card, attached.drain());
  assertSameBits(card.played().subarray(0, 5000), countingSamples(5000));
  await attached.close();
});

test("a mix is given away behind the writes of all its inputs, or not at all", async () => {
  await using card = await openVirtualCard();
  const source = mix([{}, {}]);
  const out = await openPlayback({ ...monoSource, device: card.device, source });
  for (const input of out.inputs) handled(input.write(countingSamples(20_000)));
  const stuck = handled(out.detach());
  assert.equal(watch(stuck).state, "pending");
  await out.drop();
  await assert.rejects(stuck, withCode("ERR_HALFLAP_CANCELLED"));
  const writing = out.inputs.map((input) => watch(input.write(countingSamples(20_000))));
  await advanceUntil(card, handled(out.start()));
  const attached = await attachPlayback(await advanceUntil(card, out.detach()));
  assert.deepEqual(writing, [{ state: "fulfilled" }, { state: "fulfilled" }]);
  await advanceUntil(card, attached.drain());
  assert.ok(attached.inputs.every((input) => input.stats().starvations === 0));
  await attached.close();
});

test("drop() and close() end a detach() that waits for writes", async () => {
  await using card = await openVirtualCard();
  for (const end of ["drop", "close"] as const) {
    const out = await openCounting(card);
    handled(out.write(countingSamples(3000)));
    const detaching = handled(out.detach());
    await out[end]();
    const code = end === "drop" ? "ERR_HALFLAP_CANCELLED" : "ERR_HALFLAP_CLOSED";
    await assert.rejects(detaching, withCode(code));
    await out.close();
  }
});

test("close() right after detach() leaves the stream to the next owner", async () => {
  await using card = await openVirtualCard();
  const out = await openPlayback({
    ...monoSource,
    device: card.device,
    source: tone({ frequencyHz: 440 }),
  });
  const detaching = out.detach();
  await out.close();
  const attached = await attachPlayback(await detaching);
  await card.advance(1000);
  assert.equal(attached.stats().framesPlayed, 1000);
  await attached.close();
});

test("a token works once", async () => {
  await using card = await openVirtualCard();
  const out = await openCounting(card);
  const token = await out.detach();
  const results = await Promise.allSettled([attachPlayback(token), attachPlayback(token)]);
  assert.deepEqual(results.map(({ status }) => status), ["fulfilled", "rejected"]);
  unknown((results[1] as PromiseRejectedResult).reason);
  const [first] = results as [PromiseFulfilledResult<Queue>, unknown];
  const attached = await handOver(first.value);
  await assert.rejects(attachPlayback(token), unknown);
  await attached.close();
  await assert.rejects(attachPlayback(token), unknown);
});

test("the token of a stream that was closed is refused", async () => {
  await using card = await openVirtualCard();
  const first = await openCounting(card);
  const second = await attachPlayback(await first.detach());
  const token = await second.detach();
  const third = await attachPlayback(token);
  await third.close();
  await assert.rejects(attachPlayback(token), unknown);
});

test("tokens that nobody made are refused, and harm no stream", async () => {
  await using card = await openVirtualCard();
  const out = await openCounting(card);
  const token = await out.detach();
  const [prefix, , number] = token.split(":");
  const wrong = [
    undefined,
    null,
    0,
    Number(number),
    {},
    [token],
    "",
    "halflap",
    "halflap:queue",
    "halflap:queue:",
    "halflap:queue:0",
    "halflap:queue:-1",
    "halflap:queue:1.5",
    "halflap:queue:1e3",
    `halflap:queue:${"9".repeat(40)}`,
    `halflap:nothing:${number}`,
    `halflap:toString:${number}`,
    `${token} `,
    `${token}\n`,
  ];
  for (const bad of wrong) {
    await assert.rejects(attachPlayback(bad as PlaybackToken), TypeError, String(bad));
  }
  for (const other of [1, 12_345, 2 ** 53 - 1, Number(number) - 1]) {
    await assert.rejects(attachPlayback(`${prefix}:queue:${other}` as PlaybackToken), unknown);
  }
  const attached = await attachPlayback(token);
  await attached.close();
});

test("a stream that a callback renders wants a callback, and the token stays good", async () => {
  await using card = await openVirtualCard();
  const options = { ...monoSource, device: card.device };
  const out = await openPlayback({ ...options, source: render<"s32">(() => {}) });
  const token = await out.detach();
  await assert.rejects(attachPlayback(token), TypeError);
  await assert.rejects(attachPlayback(token, { render: 1 as never }), TypeError);
  await assert.rejects(attachPlayback(token, { callback() {} } as never), TypeError);
  const attached = await attachPlayback(token, { render: () => {} });
  await attached.close();
  const queue = await openCounting(card);
  const queueToken = await queue.detach();
  await assert.rejects(attachPlayback(queueToken as never, { render: () => {} }), TypeError);
  await (await attachPlayback(queueToken)).close();
});

test("a token that names another source attaches a stream that refuses what it is not", async () => {
  await using card = await openVirtualCard();
  const out = await openPlayback({
    ...monoSource,
    device: card.device,
    source: tone({ frequencyHz: 440 }),
  });
  const token = (await out.detach()).replace("tone", "queue");
  const attached = await attachPlayback(token as PlaybackToken<Queue>);
  const invalid = withCode("ERR_HALFLAP_INVALID_STATE");
  await assert.rejects(attached.write(countingSamples(100)), invalid);
  const again = (await attached.detach()).replace("queue", "render");
  await assert.rejects(
    attachPlayback(again as PlaybackToken<PlaybackRender>, { render: () => {} }),
    invalid,
  );
});

test("an xrun is told to one owner, whoever has the stream by then", async () => {
  await using card = await openVirtualCard();
  const told: string[] = [];
  const listen = (name: string, out: Playback) => {
    for (const type of ["xrun", "xrunend"] as const) {
      out.addEventListener(type, ({ number }) => told.push(`${name} ${type} ${number}`));
    }
  };
  const out = await openCounting(card);
  listen("first", out);
  await run(out, card);
  await card.advance(5000);
  await run(out, card);
  const token = await out.detach();
  await card.advance(5000);
  const attached = await attachPlayback(token);
  listen("second", attached);
  await turns();
  // It began before anybody listened, as with a stream that is opened.
  await run(attached, card);
  assert.deepEqual(told, ["first xrun 1", "first xrunend 1", "second xrunend 2"]);
  assert.equal(attached.stats().xruns.count, 2);
  await attached.close();
});

test("a device that was lost meanwhile rejects the attach", async () => {
  await using card = await openVirtualCard();
  const out = await openCounting(card);
  await run(out, card);
  const token = await out.detach();
  card.injectFault({ kind: "disconnect" });
  await card.advance(1000);
  await assert.rejects(attachPlayback(token), withCode("ERR_HALFLAP_DEVICE_LOST"));
});

test("gain and what waits for the first frame go with the stream", async () => {
  await using card = await openVirtualCard();
  const options = { ...counting, device: card.device, startThreshold: Infinity, gain: 0.25 };
  const out: Queue = await openPlayback(options);
  out.setGain(0.5, { rampMs: 0 });
  await out.start();
  const attached = await handOver(out);
  assert.equal(attached.gain, 0.5);
  assert.deepEqual(attached.granted, out.granted);
  await attached.write(Int32Array.of(1000, 2000));
  await advanceUntil(card, attached.drain());
  assert.deepEqual(withoutZeros(card.played()), [500, 1000]);
  await attached.close();
});

test("diagnostics tell of the streams that this realm has", async () => {
  await using card = await openVirtualCard();
  const told: unknown[] = [];
  const onOpen = (message: unknown) => told.push((message as { stream: Playback }).stream);
  const onClose = (message: unknown) => {
    const { stream, stats, error } = message as Record<string, unknown>;
    told.push(stream, (stats as { framesAccepted: number }).framesAccepted, error);
  };
  subscribe("halflap:open", onOpen);
  subscribe("halflap:close", onClose);
  try {
    const out = await openCounting(card);
    await out.write(countingSamples(10));
    const token = await out.detach();
    await out.closed;
    assert.deepEqual(told.splice(0), [out, out, 10, undefined]);
    const attached = await attachPlayback(token);
    await attached.write(countingSamples(10));
    await attached.close();
    await attached.closed;
    assert.deepEqual(told, [attached, attached, 20, undefined]);
  } finally {
    unsubscribe("halflap:open", onOpen);
    unsubscribe("halflap:close", onClose);
  }
});

test("in real time a stream is handed over as it plays", async () => {
  await using card = await openVirtualCard({ clock: "realtime" });
  let out: Playback = await openPlayback({
    ...monoSource,
    device: card.device,
    source: clip(countingSamples(4800)),
  });
  for (let owner = 0; owner < 20; owner++) out = await handOver(out);
  await out.drain();
  assert.equal(out.stats().framesPlayed, 4800);
  await out.close();
  assert.deepEqual(withoutZeros(card.played()).slice(0, 4800), [...countingSamples(4800)]);
});
