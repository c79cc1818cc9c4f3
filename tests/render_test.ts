/** What a callback renders is heard: bit for bit, in order, when it was said, and while it was to. */
import assert from "node:assert/strict";
import {
  engineCounters,
  openVirtualCard,
  type VirtualCard,
  type VirtualCardOptions,
} from "../lib/testing/mod.ts";
import {
  type Access,
  type Granted,
  openPlayback,
  type Playback,
  PlaybackRender,
  render,
  type SampleFormat,
  type XrunPolicy,
} from "../mod.ts";
import {
  accesses,
  advanceUntil,
  assertNothingLeaks,
  assertPlayed,
  assertSameBits,
  countingSamples,
  eventually,
  formats,
  framesOf,
  fromNumbers,
  handled,
  lsbOf,
  monoSource,
  noise,
  openCard48k,
  statesOf,
  test,
  toNumbers,
  turns,
  watch,
  withCode,
  withoutZeros,
} from "./harness.ts";
import {
  assertAllHeard,
  assertCountsUp,
  assertHeardOrDropped,
  CountingRenderer,
} from "./rendering.ts";

interface Take {
  readonly format?: SampleFormat;
  readonly access?: Access;
  readonly channels?: number;
  readonly rate?: number;
  readonly frames?: number;
  readonly periodFrames?: number;
  readonly periods?: number;
  readonly xrunPolicy?: XrunPolicy;
  readonly card?: VirtualCardOptions;
}

/** Renders noise for a while, drains, and compares with what was heard. */
async function playBitExactly(take: Take = {}): Promise<Granted> {
  const { card: cardOptions, format = "f32", channels = 2, frames = 3000, ...options } = take;
  await using card = await openVirtualCard(cardOptions);
  const givenFrames = 2 * frames + 4 * (take.periodFrames ?? 4000) * ((take.periods ?? 4) + 1);
  const given = noise(format, givenFrames, channels, frames + channels);
  const source = render<SampleFormat>((block) => {
    const end = block.position + block.frames;
    const samples = framesOf(given, format, channels, block.position, end);
    assert.equal(block.samples.length, samples.length);
    block.samples.set(samples);
  });
  const device = card.device;
  await using out = await openPlayback({ ...options, format, channels, source, device });
  for (let done = 0; done < frames; done += 331) await card.advance(331);
  await advanceUntil(card, out.drain());
  const { framesAccepted, framesPlayed, framesDropped, xruns } = out.stats();
  assert.ok(framesAccepted > 0.8 * frames && framesAccepted <= givenFrames, `${framesAccepted}`);
  assertPlayed(card.played(), framesOf(given, format, channels, 0, framesAccepted), out.granted);
  assert.deepEqual([framesPlayed, framesDropped, xruns.count], [framesAccepted, 0, 0]);
  return out.granted;
}

for (const format of formats) {
  test(`${format} rendered into the card is bit-exact with 1, 2, 6, 8 and 32 channels`, async () => {
    for (const channels of [1, 2, 6, 8, 32]) {
      const granted = await playBitExactly({ format, channels });
      assert.equal(granted.access, "mmap");
      assert.equal(granted.zeroCopy?.memory, "card");
    }
  });

  test(`${format} rendered into a queue is bit-exact with 1, 2, 6, 8 and 32 channels`, async () => {
    for (const channels of [1, 2, 6, 8, 32]) {
      const granted = await playBitExactly({ format, channels, access: "write" });
      assert.equal(granted.access, "write");
      assert.equal(granted.zeroCopy?.memory, "queue");
      assert.notEqual(granted.zeroCopy.reason, "");
    }
  });

  test(`${format} rendered for a card without interleaving is bit-exact`, async () => {
    for (const access of accesses) {
      const card: VirtualCardOptions = { access: [`${access}-noninterleaved`] };
      for (const channels of [1, 2, 7]) {
        const granted = await playBitExactly({ format, channels, access, card });
        assert.equal(granted.layout, "noninterleaved");
      }
    }
  });
}

const memoryOf = { mmap: "card", write: "queue" } as const;

for (const access of accesses) {
  test(`periods and buffers of many shapes are rendered bit for bit by ${access}`, async () => {
    const sizes = [[16, 2], [17, 3], [61, 2], [101, 5], [333, 7], [1021, 3], [16, 64], [4096, 2]];
    for (const [periodFrames = 0, periods = 0] of sizes) {
      const take: Take = { access, format: "s24_3", channels: 3, periodFrames, periods };
      const granted = await playBitExactly({ ...take, frames: 6007 });
      assert.equal(granted.periodFrames, periodFrames);
      assert.equal(granted.bufferFrames, periodFrames * periods);
      assert.equal(granted.zeroCopy?.memory, memoryOf[access]);
    }
  });

  test(`rates from 4 to 768 kHz are rendered bit for bit by ${access}`, async () => {
    for (const rate of [4000, 44_100, 96_001, 768_000]) {
      await playBitExactly({ access, rate, format: "s16", frames: 5003 });
    }
  });

  test(`rendering across the boundary is bit-exact by ${access}`, async () => {
    const sizes = { access, format: "s24_3", channels: 3, periodFrames: 101, periods: 3 } as const;
    for (const framesBeforeBoundary of [1, 100, 101, 102, 303, 1000, 2998]) {
      await playBitExactly({ ...sizes, card: { framesBeforeBoundary } });
    }
  });

  test(`rendering for a card that transfers in batches is bit-exact by ${access}`, async () => {
    for (const periods of [3, 4, 8]) {
      const card = { batch: true, framesBeforeBoundary: 1000 };
      const granted = await playBitExactly({ access, periodFrames: 101, periods, card });
      assert.equal(granted.batch, true);
    }
  });

  for (const xrunPolicy of ["silence", "repeat"] as const) {
    test(`rendering with the policy "${xrunPolicy}" is bit-exact by ${access}`, async () => {
      const granted = await playBitExactly({ access, xrunPolicy, format: "s16" });
      assert.equal(granted.xrunPolicy.policy, xrunPolicy);
      await playBitExactly({ access, xrunPolicy, card: { framesBeforeBoundary: 500 } });
    });
  }
}

test("a card that grants periods and buffers of its own is rendered in its periods", async () => {
  const card = { periodFrames: { min: 100, max: 128 }, periods: { min: 3, max: 3 } };
  const granted = await playBitExactly({ card, periodFrames: 480, periods: 4, frames: 5003 });
  assert.equal(granted.periodFrames, 128);
  assert.equal(granted.bufferFrames, 384);
});

test("a card whose clock deviates is rendered bit for bit", async () => {
  for (const driftPpm of [-100_000, -500, 500, 100_000]) {
    await playBitExactly({ card: { driftPpm }, frames: 20_000 });
  }
});

for (const access of accesses) {
  test(`blocks are whole periods in order, and an object and views of their own by ${access}`, async () => {
    await using card = await openCard48k();
    const objects = new Set<object>();
    const renderer = new CountingRenderer();
    renderer.after = (block) => objects.add(block);
    const options = { ...monoSource, access, source: renderer.source, device: card.device };
    await using out = await openPlayback(options);
    assert.ok(out instanceof PlaybackRender);
    assert.ok(renderer.calls >= 4, `${renderer.calls} calls`);
    await card.advance(20_000);
    const { periodFrames } = out.granted;
    assert.deepEqual(
      renderer.blocks.map(({ position }) => position),
      renderer.blocks.map((_, index) => index * periodFrames),
    );
    for (const { frames, samples } of renderer.blocks) {
      assert.equal(frames, periodFrames);
      assert.equal(samples.length, periodFrames);
      assert.equal(samples.byteOffset % samples.byteLength, 0);
    }
    assert.equal(objects.size, 1);
    const views = new Set(renderer.blocks.map(({ samples }) => samples));
    const places = new Set(renderer.blocks.map(({ samples }) => samples.byteOffset));
    assert.equal(views.size, places.size);
    assert.equal(new Set([...views].map(({ buffer }) => buffer)).size, 1);
    if (access === "mmap") assert.equal(views.size, 4);
    const { framesAccepted } = out.stats();
    assert.equal(framesAccepted, renderer.calls * periodFrames);
    // No period is rendered before there is a place for it, in the ring or in a queue before it.
    const placeFrames = views.size * periodFrames + (access === "mmap" ? 0 : 400);
    assert.ok(framesAccepted <= 20_000 + placeFrames, `${framesAccepted}`);
  });
}

test("views are the same objects after pauses, drains, drops and xruns", async () => {
  await using card = await openCard48k();
  const renderer = new CountingRenderer();
  const options = { ...monoSource, source: renderer.source, device: card.device };
  await using out = await openPlayback(options);
  await card.advance(1000);
  await out.pause();
  await out.resume();
  await card.advance(333);
  card.injectFault({ kind: "xrun" });
  await card.advance(5000);
  await advanceUntil(card, out.drain());
  await out.start();
  await card.advance(1234);
  await out.drop();
  await out.start();
  await card.advance(1000);
  assert.equal(new Set(renderer.blocks.map(({ samples }) => samples)).size, 4);
  assert.ok(engineCounters().views <= 1);
});

/** Moves a card in small steps and remembers when which frame was played. */
class Timeline {
  readonly #card: VirtualCard;
  readonly #points: { readonly frames: number; readonly timeMs: number }[] = [];

  constructor(card: VirtualCard) {
    this.#card = card;
    this.#look();
  }

  async advance(frames: number, stepFrames = 10): Promise<void> {
    for (let rest = frames; rest > 0; rest -= stepFrames) {
      await this.#card.advance(Math.min(rest, stepFrames), { rate: 48_000 });
      this.#look();
    }
  }

  /** When the card played its frame of this number. */
  timeOf(frame: number): number {
    const index = this.#points.findIndex(({ frames }) => frames > frame);
    const before = this.#points[index - 1];
    const after = this.#points[index];
    assert.ok(before && after, `Frame ${frame} was not played`);
    const share = (frame - before.frames) / (after.frames - before.frames);
    return before.timeMs + share * (after.timeMs - before.timeMs);
  }

  #look(): void {
    const { framesPlayed, timeMs } = this.#card.status();
    this.#points.push({ frames: framesPlayed, timeMs });
  }
}

/**
 * Each block that was told a time must have been heard then. Only blocks from a position on count:
 * others were rendered before something stopped the stream. Returns how many had a time.
 */
function assertTimesRight(
  card: VirtualCard,
  renderer: CountingRenderer,
  timeline: Timeline,
  { from = 0, toleranceMs = 0.011 }: {
    readonly from?: number;
    readonly toleranceMs?: number;
  } = {},
): number {
  const played = card.played();
  let count = 0;
  for (const [index, { position, timeMs }] of renderer.blocks.entries()) {
    const frame = played.indexOf(position + 1);
    if (position < from || frame === -1 || Number.isNaN(timeMs)) continue;
    const heardMs = timeline.timeOf(frame);
    const what = `Block ${index} of position ${position} was heard at ${heardMs}, not ${timeMs}`;
    assert.ok(Math.abs(timeMs - heardMs) <= toleranceMs, what);
    count++;
  }
  assert.ok(count > 0, "No block had a time");
  return count;
}

for (const access of accesses) {
  test(`a block's time is when its first frame is heard by ${access}`, async () => {
    for (const periods of [2, 4, 7]) {
      await using card = await openCard48k();
      const renderer = new CountingRenderer();
      const options = { ...monoSource, access, periods, source: renderer.source };
      await using _out = await openPlayback({ ...options, device: card.device });
      const before = renderer.calls;
      assert.equal(renderer.blocks[0]?.timeMs, NaN);
      const timeline = new Timeline(card);
      await timeline.advance(10_000);
      const told = assertTimesRight(card, renderer, timeline);
      // All but those that had no time are told, and those rendered last are not heard yet.
      assert.ok(told >= renderer.calls - before - periods - 1, `${told} of ${renderer.calls}`);
    }
  });
}

test("a block's time follows a card whose clock deviates", async () => {
  for (const driftPpm of [-5000, 5000]) {
    await using card = await openVirtualCard({ driftPpm });
    const renderer = new CountingRenderer();
    const options = { ...monoSource, source: renderer.source, device: card.device };
    await using _out = await openPlayback(options);
    const timeline = new Timeline(card);
    await timeline.advance(48_000, 50);
    // The rate has been learned by then; a nominal one would be wrong by milliseconds.
    assertTimesRight(card, renderer, timeline, { from: 36_000, toleranceMs: 0.05 });
  }
});

const interruptions: Readonly<
  Record<string, (out: Playback, card: VirtualCard, timeline: Timeline) => Promise<void>>
> = {
  "a pause": async (out, _card, timeline) => {
    await out.pause();
    await timeline.advance(4321);
    await out.resume();
  },
  "a drain": async (out, card, timeline) => {
    await advanceUntil(card, out.drain());
    await timeline.advance(4321);
    await out.start();
  },
  "a drop": async (out, _card, timeline) => {
    await out.drop();
    await timeline.advance(4321);
    await out.start();
  },
  "an xrun": async (_out, card, timeline) => {
    card.injectFault({ kind: "xrun" });
    await timeline.advance(400);
  },
  "a suspend": async (_out, card, timeline) => {
    card.injectFault({ kind: "suspend", resume: { again: 1 } });
    await timeline.advance(10_000);
  },
};

for (const [name, interrupt] of Object.entries(interruptions)) {
  test(`the time of a block that is rendered after ${name} is right, or not told`, async () => {
    await using card = await openCard48k();
    const renderer = new CountingRenderer();
    const options = { ...monoSource, source: renderer.source, device: card.device };
    await using out = await openPlayback(options);
    const timeline = new Timeline(card);
    await timeline.advance(5050);
    const before = renderer.calls * 100;
    await interrupt(out, card, timeline);
    await timeline.advance(10_000);
    assert.ok(renderer.calls * 100 > before + 5000, "It went on");
    // What was in the ring when the stream stopped was heard later than said.
    assertTimesRight(card, renderer, timeline, { from: before, toleranceMs: 0.25 });
  });
}

test("times in real time are on the line of the stream's other times", async () => {
  await using card = await openVirtualCard({ clock: "realtime", tap: "none" });
  const differences: number[] = [];
  let read = () => ({ contextTime: 0, performanceTime: NaN });
  const source = render<"f32">(({ position, timeMs }) => {
    const { contextTime, performanceTime } = read();
    const aheadMs = 1000 * (position / 48_000 - contextTime);
    if (!Number.isNaN(timeMs)) differences.push(timeMs - performanceTime - aheadMs);
  });
  await using out = await openPlayback({ source, rate: 48_000, device: card.device });
  read = () => out.getOutputTimestamp();
  await eventually("playing", () => differences.length > 50);
  const bufferMs = 1000 * out.granted.bufferFrames / 48_000;
  const sorted = differences.map(Math.abs).sort((one, other) => one - other);
  assert.ok((sorted[sorted.length >> 1] ?? NaN) < bufferMs, sorted.join());
});

test("a stream starts by itself when its start threshold is rendered", async () => {
  for (const startThreshold of [1, 100, 101, 250, 400, 401, 1e6]) {
    await using card = await openCard48k();
    const renderer = new CountingRenderer();
    const options = { ...monoSource, startThreshold, source: renderer.source };
    await using out = await openPlayback({ ...options, device: card.device });
    assert.equal(out.granted.startThreshold, Math.min(startThreshold, 400));
    await card.advance(3000);
    assert.equal(out.state, "running");
    assert.equal(out.stats().framesPlayed, 3000);
    await advanceUntil(card, out.drain());
    assertAllHeard(out, card);
  }
});

for (const access of accesses) {
  test(`an infinite start threshold waits for start() with a full ring by ${access}`, async () => {
    await using card = await openCard48k();
    const renderer = new CountingRenderer();
    const options = { ...monoSource, access, startThreshold: Infinity, source: renderer.source };
    await using out = await openPlayback({ ...options, device: card.device });
    await card.advance(5000);
    assert.equal(out.state, "prepared");
    assert.equal(card.status().framesPlayed, 0);
    assert.equal(renderer.calls * 100, out.stats().framesAccepted);
    assert.ok(renderer.calls >= 4, `${renderer.calls} calls`);
    const { calls } = renderer;
    await card.advance(5000);
    assert.equal(renderer.calls, calls);
    await out.start();
    assert.equal(out.state, "running");
    await card.advance(5000);
    assert.equal(out.stats().framesPlayed, 5000);
    await advanceUntil(card, out.drain());
    assertAllHeard(out, card);
  });

  for (const canPause of [true, false]) {
    const hardware = canPause ? "can" : "cannot";
    test(`a pause loses nothing where the hardware ${hardware} pause by ${access}`, async () => {
      await using card = await openVirtualCard({ canPause });
      const renderer = new CountingRenderer();
      const options = { ...monoSource, access, source: renderer.source, device: card.device };
      await using out = await openPlayback(options);
      for (const frames of [1, 99, 100, 101, 250, 777, 4000]) {
        await card.advance(frames);
        await advanceUntil(card, out.pause());
        assert.equal(out.state, "paused");
        const { calls } = renderer;
        const { framesPlayed } = out.stats();
        const wakeUps = out.stats().wakeUps;
        await card.advance(9999);
        assert.equal(renderer.calls, calls, "The callback was called in a pause");
        assert.equal(out.stats().framesPlayed, framesPlayed);
        assert.equal(out.stats().wakeUps, wakeUps);
        await out.resume();
      }
      await card.advance(1000);
      await advanceUntil(card, out.drain());
      assertAllHeard(out, card);
      assert.equal(out.stats().xruns.count, 0);
    });
  }

  test(`a drain plays what was rendered, and the callback rests until start() by ${access}`, async () => {
    await using card = await openCard48k();
    const renderer = new CountingRenderer();
    const options = { ...monoSource, access, source: renderer.source, device: card.device };
    await using out = await openPlayback(options);
    const states = statesOf(out);
    for (const frames of [50, 1000, 1, 399, 400, 401, 5001]) {
      await card.advance(frames);
      const { calls } = renderer;
      const drained = handled(out.drain());
      await advanceUntil(card, drained);
      assert.equal(out.state, "prepared");
      assert.equal(renderer.calls, calls, "The callback was called in a drain");
      await card.advance(3000);
      assert.equal(renderer.calls, calls, "The callback was called after a drain");
      assertAllHeard(out, card);
      await out.start();
      assert.equal(out.state, "running");
      assert.equal(renderer.blocks[calls]?.position, 100 * calls);
    }
    assert.ok(states.includes("draining"));
    assert.equal(out.stats().xruns.count, 0);
  });

  test(`a drop throws away what was not heard, and counts it by ${access}`, async () => {
    await using card = await openCard48k();
    const renderer = new CountingRenderer();
    const options = { ...monoSource, access, source: renderer.source, device: card.device };
    await using out = await openPlayback(options);
    let heard = 0;
    for (const frames of [0, 1, 99, 100, 250, 401, 5000]) {
      await card.advance(frames);
      await out.drop();
      assert.equal(out.state, "prepared");
      heard += frames;
      const { calls } = renderer;
      await card.advance(3000);
      assert.equal(renderer.calls, calls, "The callback was called after a drop");
      const { framesAccepted, framesPlayed, framesDropped, framesQueued } = out.stats();
      assert.deepEqual([framesPlayed, framesQueued], [heard, 0]);
      assert.equal(framesDropped, framesAccepted - heard);
      await out.start();
      assert.equal(renderer.blocks[calls]?.position, 100 * calls);
    }
    await card.advance(1000);
    await advanceUntil(card, out.drain());
    assertHeardOrDropped(out, card);
    assert.equal(out.stats().xruns.count, 0);
  });
}

test("a drain with a timeout goes on draining, and a drop ends it", async () => {
  await using card = await openCard48k();
  const renderer = new CountingRenderer();
  const options = { ...monoSource, periodFrames: 1000, source: renderer.source };
  await using out = await openPlayback({ ...options, device: card.device });
  await card.advance(500);
  const late = handled(out.drain({ timeoutMs: 10 }));
  await card.advanceMs(20);
  await assert.rejects(late, withCode("ERR_HALFLAP_TIMEOUT"));
  assert.equal(out.state, "draining");
  const patient = handled(out.drain());
  await card.advanceMs(20);
  await out.drop();
  await assert.rejects(patient, withCode("ERR_HALFLAP_CANCELLED"));
  assert.equal(renderer.calls, 4);
  assert.ok(assertHeardOrDropped(out, card) > 0);
  await out.start();
  await card.advance(5000);
  await advanceUntil(card, out.drain());
  assertHeardOrDropped(out, card);
});

test("options that are refused change nothing", async () => {
  await using card = await openCard48k();
  const renderer = new CountingRenderer();
  const options = { ...monoSource, source: renderer.source, device: card.device };
  await using out = await openPlayback(options);
  await card.advance(1000);
  await assert.rejects(out.drain({ timeoutMs: -1 }), RangeError);
  await assert.rejects(out.drop({ fadeMs: -1 }), RangeError);
  await assert.rejects(out.pause({ fadeMs: NaN }), RangeError);
  await assert.rejects(out.start({ fadeMs: Infinity }), RangeError);
  await card.advance(5000);
  assert.equal(out.stats().framesPlayed, 6000);
  assert.equal(out.stats().xruns.count, 0);
});

test("start() in the middle of a drain, a drain in a pause, and a drop in a pause", async () => {
  await using card = await openCard48k();
  const renderer = new CountingRenderer();
  const options = { ...monoSource, source: renderer.source, device: card.device };
  await using out = await openPlayback(options);
  await card.advance(1000);
  const drained = handled(out.drain());
  await card.advance(10);
  const started = handled(out.start());
  await advanceUntil(card, Promise.allSettled([drained, started]));
  await card.advance(2000);
  await out.pause();
  const paused = watch(out.drain());
  await card.advance(2000);
  assert.equal(paused.state, "pending");
  await out.resume();
  await card.advance(2000);
  assert.equal(paused.state, "fulfilled");
  assertAllHeard(out, card);
  await out.start();
  await card.advance(777);
  await out.pause();
  await out.drop();
  assert.equal(out.state, "prepared");
  await out.start();
  await card.advance(777);
  await advanceUntil(card, out.drain());
  assertHeardOrDropped(out, card);
});

test("pauses before the start keep a stream from starting", async () => {
  await using card = await openCard48k();
  const renderer = new CountingRenderer();
  const options = { ...monoSource, startThreshold: Infinity, source: renderer.source };
  await using out = await openPlayback({ ...options, device: card.device });
  await out.pause();
  await card.advance(1000);
  assert.equal(out.state, "paused");
  await out.resume();
  const started = handled(out.start());
  await card.advance(1000);
  await started;
  await advanceUntil(card, out.drain());
  assertAllHeard(out, card);
});

/** Renders samples that count as numbers of double precision, so that gains can be told. */
function openDoubles(card: VirtualCard, gain = 1) {
  const source = render<"f64">(({ samples, position }) => {
    for (let index = 0; index < samples.length; index++) samples[index] = position + index + 1;
  });
  const { device } = card;
  return openPlayback({ ...monoSource, format: "f64", source, gain, device });
}

test("a gain scales what is rendered once, whatever happens to the stream", async () => {
  await using card = await openCard48k();
  await using out = await openDoubles(card, 0.5);
  await card.advance(1010);
  await out.pause();
  await out.resume();
  for (const resume of ["ok", "unsupported", "lies"] as const) {
    card.injectFault({ kind: "suspend", resume });
    await card.advance(7007);
  }
  card.injectFault({ kind: "xrun" });
  await card.advance(1003);
  card.injectFault({ kind: "late-wake-up", ms: 30 });
  await card.advance(5009);
  await advanceUntil(card, out.drain());
  const heard = withoutZeros(card.played()).map((sample) => 2 * sample);
  assert.ok(heard.every(Number.isInteger), "A frame was scaled twice");
  const back = heard.findIndex((sample, index) => sample <= (heard[index - 1] ?? 0));
  assert.equal(back, -1, `${heard[back]} follows ${heard[back - 1]}`);
  const { framesAccepted, framesPlayed, framesDropped } = out.stats();
  assert.equal(heard.length, framesPlayed);
  assert.equal(framesAccepted, framesPlayed + framesDropped);
});

for (const format of formats) {
  for (const access of accesses) {
    test(`gain 0.5 scales rendered ${format} to the nearest value by ${access}`, async () => {
      await using card = await openCard48k();
      const value = 0.625;
      const source = render<SampleFormat>(({ samples }) => {
        samples.set(fromNumbers(new Float64Array(200).fill(value), format));
      });
      const options = { ...monoSource, access, format, source, gain: 0.5, channels: 2 };
      await using out = await openPlayback({ ...options, device: card.device });
      await card.advance(1000);
      const numbers = toNumbers(card.played(), format);
      assert.equal(numbers.length, 2000);
      const wrong = numbers.findIndex((number) => Math.abs(number - value / 2) > lsbOf[format]);
      assert.equal(wrong, -1, `${numbers[wrong]}`);
      out.setGain(1);
      await card.advance(3000);
      const end = toNumbers(card.played(), format).subarray(-2000);
      assert.ok(end.every((number) => number === value));
    });
  }
}

/** What of each frame is left, by the frame; silence is left out. */
function gainsOf(card: VirtualCard): { readonly frame: number; readonly gain: number }[] {
  const played = Array.from(card.played());
  const gains = [];
  let frame = 0;
  for (const sample of played) {
    if (sample === 0) continue;
    gains.push({ frame, gain: sample / (frame + 1) });
    frame++;
  }
  return gains;
}

test("fades of start, pause and resume lose and repeat nothing", async () => {
  await using card = await openCard48k();
  const source = render<"f64">(({ samples, position }) => {
    for (let index = 0; index < samples.length; index++) samples[index] = position + index + 1;
  });
  const options = { ...monoSource, format: "f64", startThreshold: Infinity, source } as const;
  await using out = await openPlayback({ ...options, device: card.device });
  const fadeMs = 10;
  await out.start({ fadeMs });
  await card.advance(2000);
  await advanceUntil(card, out.pause({ fadeMs }));
  await card.advance(2000);
  await out.resume({ fadeMs });
  await card.advance(2000);
  await advanceUntil(card, out.drain());
  const { framesAccepted, framesPlayed, framesDropped } = out.stats();
  assert.deepEqual([framesPlayed, framesDropped], [framesAccepted, 0]);
  const gains = gainsOf(card);
  // A fade's silent first frame is among the zeros; each is a frame later then.
  assert.ok(framesPlayed - gains.length <= 4, `${gains.length} of ${framesPlayed} frames heard`);
  const loud = gains.filter(({ gain }) => Math.abs(gain - 1) < 0.01).length;
  assert.ok(loud > 2500, `${loud} frames have full gain`);
});

test("a start after a faded drop is not faded", async () => {
  await using card = await openCard48k();
  await using out = await openDoubles(card);
  await card.advance(1000);
  await advanceUntil(card, out.drop({ fadeMs: 5 }));
  assert.equal(out.state, "prepared");
  const before = card.played().length;
  const { framesAccepted, framesPlayed, framesDropped } = out.stats();
  assert.ok(framesPlayed >= 1000);
  assert.equal(framesAccepted, framesPlayed + framesDropped);
  await out.start();
  await card.advance(1000);
  const after = card.played().subarray(before);
  assertSameBits(after, Float64Array.from(countingSamples(1000, framesAccepted + 1)));
});

test("a ramp reaches its gain, and 1 leaves what is rendered untouched again", async () => {
  await using card = await openCard48k();
  await using out = await openDoubles(card);
  await card.advance(1000);
  out.setGain(0.25, { rampMs: 10 });
  assert.equal(out.gain, 0.25);
  await card.advance(2000);
  assert.equal(out.stats().gain, 0.25);
  out.setGain(1);
  await card.advance(2000);
  const numbers = Array.from(card.played());
  const gains = numbers.map((sample, frame) => sample / (frame + 1));
  assert.ok(gains.slice(0, 1000).every((gain) => gain === 1));
  assert.ok(gains.slice(2500, 3000).every((gain) => gain === 0.25));
  assert.ok(gains.slice(4000).every((gain) => gain === 1));
  const rises = gains.slice(1000, 3000).findIndex((gain, index, ramp) =>
    gain > (ramp[index - 1] ?? 1) + 1e-12
  );
  assert.equal(rises, -1);
});

test("twenty streams of one card render at once", async () => {
  await using card = await openVirtualCard({ substreams: 20 });
  await using streams = new AsyncDisposableStack();
  const takes = [];
  for (let index = 0; index < 20; index++) {
    const renderer = new CountingRenderer();
    const options = { ...monoSource, periodFrames: 97 + 13 * (index % 5) };
    const access = accesses[index % 2] ?? "auto";
    const { device } = card;
    const opening = openPlayback({ ...options, access, source: renderer.source, device });
    takes.push(streams.use(await opening));
  }
  await card.advance(10_000);
  await advanceUntil(card, Promise.all(takes.map((out) => out.drain())));
  for (const [index, out] of takes.entries()) {
    assertAllHeard(out, card, index);
    assert.equal(out.stats().xruns.count, 0);
    assert.ok(out.stats().framesPlayed >= 10_000);
  }
});

test("one source renders for two streams", async () => {
  await using card = await openCard48k();
  const renderer = new CountingRenderer();
  const options = { ...monoSource, source: renderer.source, device: card.device };
  await using first = await openPlayback(options);
  await card.advance(100);
  await using second = await openPlayback(options);
  await card.advance(3000);
  await advanceUntil(card, Promise.all([first.drain(), second.drain()]));
  assertAllHeard(first, card, 0);
  assertAllHeard(second, card, 1);
});

test("a stream in real time renders all that is heard", async () => {
  for (const access of accesses) {
    await using card = await openVirtualCard({ clock: "realtime" });
    const renderer = new CountingRenderer();
    const options = { ...monoSource, access, periodFrames: 480, source: renderer.source };
    await using out = await openPlayback({ ...options, device: card.device });
    await eventually("playing", () => out.stats().framesPlayed > 10_000);
    await out.drain();
    assertAllHeard(out, card);
  }
});

test("a sink without a clock is rendered at the stream's rate", async () => {
  const renderer = new CountingRenderer();
  const options = { ...monoSource, source: renderer.source, device: "null" };
  await using out = await openPlayback(options);
  assert.equal(out.granted.clock, "self");
  assert.equal(out.granted.zeroCopy?.memory, "queue");
  await eventually("playing", () => out.stats().framesPlayed >= 1000);
  await out.drain();
  const { framesAccepted, framesPlayed } = out.stats();
  assert.equal(framesAccepted, 100 * renderer.calls);
  assert.equal(framesPlayed, framesAccepted);
});

test("two hundred streams leave no view, no memory and no thread behind", async () => {
  await using card = await openVirtualCard({ tap: "none" });
  const before = engineCounters();
  for (let cycle = 0; cycle < 200; cycle++) {
    const renderer = new CountingRenderer();
    const options = { ...monoSource, source: renderer.source, device: card.device };
    const access = accesses[cycle % 2] ?? "auto";
    await using _out = await openPlayback({ ...options, access });
    await card.advance(cycle);
    assert.equal(engineCounters().streams, before.streams + 1);
  }
  await turns();
  await assertNothingLeaks(before);
});

test("granted says that nothing is rendered where nothing is", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...monoSource, device: card.device });
  assert.equal(out.granted.zeroCopy, undefined);
  assert.deepEqual(assertCountsUp(card), []);
});
