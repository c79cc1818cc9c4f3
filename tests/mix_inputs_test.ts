/** What a program does with the inputs of a mix: writing, draining, dropping, and how all of it ends. */
import assert from "node:assert/strict";
import { openVirtualCard } from "../lib/testing/mod.ts";
import {
  clip,
  mix,
  MixClip,
  MixQueue,
  MixTone,
  openPlayback,
  PlaybackMix,
  tone,
  WriteAbortedError,
} from "../mod.ts";
import {
  accesses,
  advanceUntil,
  assertSameBits,
  assertSilence,
  countingSamples,
  handled,
  monoSource,
  openCard48k,
  statesOf,
  test,
  turns,
  watch,
  withCode,
  within,
} from "./harness.ts";

const held = { ...monoSource, startThreshold: Infinity } as const;
const cancelled = withCode("ERR_HALFLAP_CANCELLED");
const closed = withCode("ERR_HALFLAP_CLOSED");
const hum = tone({ frequencyHz: 440, amplitude: 0.5 });

test("a mix is a stream with an object for each input", async () => {
  await using card = await openCard48k();
  const lap = clip(new Int32Array(50).fill(3), { loop: true });
  const inputs = [{ queueFrames: 700, gain: 0.5 }, { source: hum }, { source: lap }] as const;
  await using out = await openPlayback({ ...monoSource, device: card.device, source: mix(inputs) });
  assert.ok(out instanceof PlaybackMix);
  const [queue, sound, alarm] = out.inputs;
  assert.ok(queue instanceof MixQueue && sound instanceof MixTone && alarm instanceof MixClip);
  assert.deepEqual(out.inputs.map(({ kind }) => kind), ["queue", "tone", "clip"]);
  assert.deepEqual(out.inputs.map(({ gain }) => gain), [0.5, 1, 1]);
  assert.equal(queue.queueFrames, 700);
  assert.equal(out.granted.queueFrames, 0);
  assert.equal(alarm.playing, true);
  assert.ok(Object.isFrozen(out.inputs));
});

test("a mix plays from its opening on, also while nothing sounds", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...monoSource, device: card.device, source: mix([{}]) });
  await card.advance(3000);
  assert.equal(out.state, "running");
  assert.equal(out.stats().framesPlayed, 3000);
  assertSilence(card.played(), "s32");
  assert.equal(out.stats().xruns.count, 0);
});

test("start() resolves when a mix plays that starts only then", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...held, device: card.device, source: mix([{}]) });
  await card.advance(1000);
  assert.equal(out.state, "prepared");
  await within(out.start(), "start()", 5000);
  assert.equal(out.state, "running");
});

test("what is written to an input is copied, in the order of the calls", async () => {
  await using card = await openCard48k();
  const source = mix([{ queueFrames: 1000 }, { queueFrames: 500 }]);
  await using out = await openPlayback({ ...held, device: card.device, source });
  const [one, two] = out.inputs;
  const settled: string[] = [];
  const writes = [
    one.write(countingSamples(1500)).then(() => settled.push("one")),
    two.write(countingSamples(900, 100_001).map((sample) => sample * 1000)),
    one.write(countingSamples(1500, 1501)).then(() => settled.push("other")),
  ];
  await out.start();
  await advanceUntil(card, Promise.all(writes).then(() => out.drain()));
  assert.deepEqual(settled, ["one", "other"]);
  const low = Array.from(card.played(), (sample) => sample % 1000 + 1000).map((sample) =>
    sample % 1000
  );
  const expected = Array.from(countingSamples(3000), (sample) => sample % 1000);
  assert.deepEqual(low.slice(0, 3000), expected);
});

for (const access of accesses) {
  test(`a write waits until its own queue has room by ${access}`, async () => {
    await using card = await openCard48k();
    const source = mix([{ queueFrames: 1000 }, { queueFrames: 1000 }]);
    await using out = await openPlayback({ ...held, access, device: card.device, source });
    const [one, two] = out.inputs;
    await one.write(countingSamples(1000));
    const blocked = watch(one.write(countingSamples(2500, 1001)));
    assert.equal(one.tryWrite(new Int32Array(1)), 0);
    assert.equal(two.tryWrite(new Int32Array(1500)), 1000);
    await turns();
    assert.equal(blocked.state, "pending");
    await out.start();
    await card.advance(2000);
    assert.equal(blocked.state, "pending");
    await card.advance(1000);
    assert.equal(blocked.state, "fulfilled");
    await advanceUntil(card, out.drain());
    assertSameBits(card.played().subarray(0, 3500), countingSamples(3500));
    assert.equal(one.stats().starvations, 0);
    const { framesAccepted, framesMixed, framesQueued } = one.stats();
    assert.deepEqual([framesAccepted, framesMixed, framesQueued], [3500, 3500, 0]);
  });
}

test("an aborted write says what was taken", async () => {
  await using card = await openCard48k();
  const source = mix([{ queueFrames: 500 }]);
  await using out = await openPlayback({ ...held, device: card.device, source });
  const [input] = out.inputs;
  const controller = new AbortController();
  const write = handled(input.write(countingSamples(800), { signal: controller.signal }));
  controller.abort();
  await assert.rejects(write, (error: unknown) => {
    assert.ok(error instanceof WriteAbortedError);
    assert.equal(error.framesWritten, 500);
    return true;
  });
});

test("bytes are piped into an input, whose end drains it", async () => {
  await using card = await openCard48k();
  const source = mix([{ queueFrames: 400 }, {}]);
  await using out = await openPlayback({ ...monoSource, device: card.device, source });
  const [input, other] = out.inputs;
  const samples = countingSamples(2000);
  const piped = new Blob([new Int32Array(samples)]).stream().pipeTo(input.writable);
  await advanceUntil(card, piped);
  assert.equal(out.state, "running");
  const heard = card.played().filter((sample) => sample !== 0);
  assertSameBits(heard, samples);
  await advanceUntil(card, other.write(new Int32Array(10).fill(1)).then(() => other.drain()));
  assert.equal(input.stats().framesAccepted, 2000);
});

test("drain() of an input resolves when its last frame was heard", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({
    ...monoSource,
    device: card.device,
    source: mix([{ queueFrames: 5000 }, { source: hum, gain: 0 }]),
  });
  const [input] = out.inputs;
  await card.advance(1000);
  await input.write(countingSamples(2000));
  const drained = watch(input.drain());
  const later = watch(input.write(countingSamples(1, 5000)));
  const heardAt = () => card.played().indexOf(2000) + 1;
  while (drained.state === "pending") await card.advance(50);
  const { length } = card.played();
  assert.ok(heardAt() > 0 && length >= heardAt(), "It resolved too early");
  assert.ok(length - heardAt() <= 400, `It resolved ${length - heardAt()} frames late`);
  await turns();
  assert.equal(later.state, "fulfilled");
  assert.equal(out.state, "running");
});

test("drain() of an input that has nothing to play resolves at once", async () => {
  await using card = await openCard48k();
  const lap = clip(countingSamples(100), { loop: true });
  const source = mix([{}, { source: clip(countingSamples(10)), autoplay: false }, { source: lap }]);
  await using out = await openPlayback({ ...monoSource, device: card.device, source });
  const [queue, once, loop] = out.inputs;
  await card.advance(100);
  await within(queue.drain(), "A queue", 5000);
  await within(once.drain(), "A clip", 5000);
  const stopped = handled(loop.drain());
  await advanceUntil(card, stopped);
  assert.equal(loop.playing, false);
});

test("drain() of a clip resolves when its end was heard", async () => {
  await using card = await openCard48k();
  const source = mix([{ source: clip(countingSamples(1500)), autoplay: false }]);
  await using out = await openPlayback({ ...monoSource, device: card.device, source });
  const [alarm] = out.inputs;
  for (let round = 0; round < 3; round++) {
    alarm.play();
    const drained = watch(alarm.drain());
    while (drained.state === "pending") await card.advance(50);
    assert.equal(alarm.playing, false);
    const played = Array.from(card.played());
    assert.equal(played.filter((sample) => sample === 1500).length, round + 1);
  }
});

test("drain() of an input waits through a pause and an xrun", async () => {
  await using card = await openCard48k();
  const source = mix([{ queueFrames: 5000 }]);
  await using out = await openPlayback({ ...monoSource, device: card.device, source });
  const [input] = out.inputs;
  await input.write(countingSamples(2000));
  const drained = watch(input.drain());
  await card.advance(500);
  await out.pause();
  await card.advance(9000);
  assert.equal(drained.state, "pending");
  await out.resume();
  card.injectFault({ kind: "late-wake-up", ms: 30 });
  await card.advance(5000);
  assert.equal(drained.state, "fulfilled");
  assert.equal(out.stats().xruns.count, 1);
  assertSameBits(card.played().filter((sample) => sample !== 0), countingSamples(2000));
});

test("drop() of an input throws away what it has queued, and the others go on", async () => {
  await using card = await openCard48k();
  const source = mix([{ queueFrames: 1000 }, { queueFrames: 4000 }]);
  await using out = await openPlayback({ ...monoSource, device: card.device, source });
  const [one, two] = out.inputs;
  const ones = handled(one.write(countingSamples(5000)));
  await two.write(new Int32Array(4000).fill(1_000_000));
  await card.advance(1000);
  const drained = handled(one.drain());
  one.drop();
  await assert.rejects(ones, cancelled);
  await assert.rejects(drained, cancelled);
  assert.equal(one.stats().framesQueued, 0);
  assert.equal(one.tryWrite(new Int32Array(5).fill(900_000)), 5);
  await advanceUntil(card, out.drain());
  const { framesAccepted, framesMixed, framesDropped, starvations } = one.stats();
  assert.equal(framesAccepted, framesMixed + framesDropped);
  assert.ok(framesDropped > 0);
  assert.equal(starvations, 0);
  assert.equal(two.stats().framesMixed, 4000);
  const played = Array.from(card.played(), (sample) => sample % 1_000_000);
  const end = played.findIndex((sample, index) => sample === 0 && index > 500);
  assert.ok(end <= 1405, `It is heard until frame ${end}`);
  assert.equal(played.filter((sample) => sample === 900_000).length, 5);
});

test("drop() rejects a drain() of the input that has begun", async () => {
  await using card = await openCard48k();
  const source = mix([{ queueFrames: 1000 }]);
  await using out = await openPlayback({ ...monoSource, device: card.device, source });
  const [input] = out.inputs;
  await input.write(countingSamples(1000));
  const drained = handled(input.drain());
  await card.advance(100);
  input.drop();
  await assert.rejects(drained, cancelled);
  await advanceUntil(card, input.write(countingSamples(3000)).then(() => input.drain()));
  assert.equal(input.stats().framesMixed + input.stats().framesDropped, 4000);
});

test("drain() plays what was written and clips that play once; others sound until then", async () => {
  await using card = await openCard48k();
  const source = mix([
    { queueFrames: 1000 },
    { queueFrames: 1000 },
    { source: clip(new Int32Array(1700).fill(1000)) },
    { source: clip(new Int32Array(30).fill(100_000), { loop: true }) },
    { source: clip(new Int32Array(5000).fill(7)), autoplay: false },
  ]);
  await using out = await openPlayback({ ...monoSource, device: card.device, source });
  const [one, two] = out.inputs;
  const states = statesOf(out);
  const writes = [one.write(new Int32Array(3000).fill(1)), two.write(new Int32Array(900).fill(10))];
  const drained = handled(out.drain());
  const late = watch(one.write(new Int32Array(1)));
  await advanceUntil(card, drained);
  await Promise.all(writes);
  assert.deepEqual(states.slice(-2), ["draining", "prepared"]);
  const played = Array.from(card.played());
  const count = (part: number) =>
    played.filter((sample) => Math.floor(sample / part) % 10 === 1).length;
  assert.deepEqual([1, 10, 1000].map(count), [3000, 900, 1700]);
  const last = played.lastIndexOf(100_001);
  assert.ok(played.slice(last + 1).every((sample) => sample === 0), "The loop sounds on");
  assert.equal(count(100_000), last + 1);
  await turns();
  assert.equal(late.state, "fulfilled");
  for (const input of [one, two]) assert.equal(input.stats().starvations, 0);
});

test("a drained mix plays again by start(), and its clips as when it was opened", async () => {
  await using card = await openCard48k();
  const sound = countingSamples(1000);
  const source = mix([{}, { source: clip(sound) }, { source: clip(sound), autoplay: false }]);
  await using out = await openPlayback({ ...monoSource, device: card.device, source });
  const [, , alarm] = out.inputs;
  await advanceUntil(card, out.drain());
  alarm.play();
  await card.advance(1000);
  assert.equal(out.state, "prepared");
  await out.start();
  await card.advance(3000);
  const heard = card.played().filter((sample) => sample !== 0);
  assertSameBits(heard, Int32Array.of(...sound, ...sound.map((sample) => 2 * sample)));
});

test("drain() of a mix that has not started plays what was written to it", async () => {
  await using card = await openCard48k();
  const source = mix([{}, { source: clip(countingSamples(10)), autoplay: false }]);
  await using out = await openPlayback({ ...held, device: card.device, source });
  await within(out.drain(), "A drain of nothing", 5000);
  assert.equal(out.stats().framesWritten, 0);
  await out.inputs[0].write(countingSamples(700));
  await advanceUntil(card, out.drain());
  assertSameBits(card.played().subarray(0, 700), countingSamples(700));
  assert.equal(out.state, "prepared");
});

test("drain() of a mix that takes too long rejects, and goes on", async () => {
  await using card = await openCard48k();
  const source = mix([{ queueFrames: 9600 }]);
  await using out = await openPlayback({ ...held, device: card.device, source });
  await out.inputs[0].write(countingSamples(9600));
  const late = handled(out.drain({ timeoutMs: 50 }));
  await assert.rejects(advanceUntil(card, late), withCode("ERR_HALFLAP_TIMEOUT"));
  assert.equal(out.state, "draining");
  await advanceUntil(card, out.drain());
  assertSameBits(card.played().subarray(0, 9600), countingSamples(9600));
});

test("drop() of an input lets a drain() of the stream that waits for it fail, and no other", async () => {
  await using card = await openCard48k();
  const source = mix([{ queueFrames: 500 }, { queueFrames: 500 }]);
  await using out = await openPlayback({ ...monoSource, device: card.device, source });
  const [one, two] = out.inputs;
  const ones = handled(one.write(countingSamples(5000)));
  const drained = handled(out.drain());
  one.drop();
  await assert.rejects(ones, cancelled);
  await assert.rejects(drained, cancelled);
  await advanceUntil(card, two.write(countingSamples(2000)));
  await advanceUntil(card, out.drain());
  assert.equal(out.state, "prepared");
  assert.equal(two.stats().framesMixed, 2000);
});

test("drop() throws away what all inputs have queued, and clips are as at the opening", async () => {
  await using card = await openCard48k();
  const source = mix([
    { queueFrames: 500 },
    { source: clip(countingSamples(2000)) },
    { source: clip(countingSamples(2000)), autoplay: false },
  ]);
  await using out = await openPlayback({ ...monoSource, device: card.device, source });
  const [queue, music, alarm] = out.inputs;
  const write = handled(queue.write(countingSamples(5000)));
  alarm.play();
  await card.advance(700);
  const drains = [queue, music, alarm, out].map((what) => handled(what.drain()));
  const dropped = out.drop();
  const later = watch(queue.write(countingSamples(100)));
  await assert.rejects(write, cancelled);
  for (const drain of drains) await assert.rejects(drain, cancelled);
  await within(dropped, "drop()", 5000);
  await turns();
  assert.equal(later.state, "fulfilled");
  assert.equal(out.state, "prepared");
  assert.equal(music.playing, true);
  assert.equal(alarm.playing, false);
  const { framesAccepted, framesDropped, framesMixed, framesQueued } = queue.stats();
  assert.equal(framesQueued, 100);
  assert.equal(framesAccepted, framesDropped + framesMixed + framesQueued);
  const before = card.played().length;
  await out.start();
  await card.advance(50);
  assertSameBits(
    card.played().subarray(before, before + 50),
    countingSamples(50).map((sample) => 2 * sample),
  );
});

test("a clip that is played after drop() is played, and what was before it is not", async () => {
  await using card = await openCard48k();
  const inputs = [5, 70].map((value) => ({
    source: clip(new Int32Array(3000).fill(value)),
    autoplay: false,
  }));
  await using out = await openPlayback({ ...monoSource, device: card.device, source: mix(inputs) });
  const [before, after] = out.inputs;
  assert.ok(before && after);
  before.play();
  await card.advance(500);
  const dropped = out.drop({ fadeMs: 5 });
  after.play();
  await advanceUntil(card, dropped);
  assert.equal(before.playing, false);
  assert.equal(after.playing, true);
  const { length } = card.played();
  await out.start();
  await card.advance(4000);
  const again = Array.from(card.played().subarray(length));
  assert.equal(again.filter((sample) => sample === 70).length, 3000);
  assert.ok(!again.includes(5));
});

test("close() with pending writes and drains rejects them, and later calls", async () => {
  await using card = await openCard48k();
  const source = mix([{ queueFrames: 100 }, { source: clip(countingSamples(9999)) }, {
    source: hum,
  }]);
  const out = await openPlayback({ ...monoSource, device: card.device, source });
  const [queue, alarm, sound] = out.inputs;
  await card.advance(500);
  const pending = [
    queue.write(countingSamples(5000)),
    queue.drain(),
    alarm.drain(),
    out.drain(),
    queue.write(countingSamples(1)),
  ].map(handled);
  await out.close();
  for (const promise of pending) await assert.rejects(promise, closed);
  await assert.rejects(queue.write(countingSamples(1)), closed);
  await assert.rejects(queue.drain(), closed);
  await assert.rejects(alarm.drain(), closed);
  for (
    const call of [
      () => queue.tryWrite(countingSamples(1)),
      () => queue.drop(),
      () => queue.stats(),
      () => alarm.play(),
      () => alarm.stop(),
      () => alarm.playing,
      () => sound.setGain(1),
      () => sound.stats(),
    ]
  ) assert.throws(call, closed);
  assert.equal(sound.gain, 1);
});

test("a device that is lost ends the inputs", async () => {
  await using card = await openCard48k();
  const source = mix([{ queueFrames: 100 }, { source: clip(countingSamples(9999)) }]);
  await using out = await openPlayback({ ...monoSource, device: card.device, source });
  const [queue, alarm] = out.inputs;
  await card.advance(500);
  const pending = [queue.write(countingSamples(5000)), alarm.drain()].map(handled);
  card.injectFault({ kind: "disconnect" });
  await card.advance(1000);
  const lost = withCode("ERR_HALFLAP_DEVICE_LOST");
  await assert.rejects(out.closed, lost);
  for (const promise of pending) await assert.rejects(promise, lost);
  assert.throws(() => alarm.play(), closed);
});

test("in real time, inputs are written, played, drained and closed at once", async () => {
  await using card = await openVirtualCard({ clock: "realtime" });
  for (let round = 0; round < 3; round++) {
    const source = mix([...Array.from({ length: 20 }, () => ({ queueFrames: 1000 })), {
      source: clip(new Int32Array(500)),
      autoplay: false,
    }]);
    await using out = await openPlayback({ ...monoSource, device: card.device, source });
    const work = out.inputs.map(async (input) => {
      if (!(input instanceof MixQueue)) return;
      await input.write(new Int32Array(3000).fill(1));
      input.setGain(0.5, { rampMs: 1 });
      await input.drain();
    });
    const alarm = out.inputs.at(-1);
    assert.ok(alarm instanceof MixClip);
    alarm.play();
    assert.equal(alarm.playing, true);
    await alarm.drain();
    assert.equal(alarm.playing, false);
    assert.equal(alarm.stats().framesMixed, 500);
    await within(Promise.all(work), "The inputs", 15_000);
    if (round > 0) await within(out.drain(), "The stream", 15_000);
    const queues = out.inputs.filter((input) => input instanceof MixQueue);
    assert.ok(queues.every((input) => input.stats().framesMixed === 3000));
  }
});
