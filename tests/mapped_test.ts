/**
 * `begin()` and `commit()`: whatever is begun, committed, paused, drained, dropped or hit by faults, in
 * whatever order, what was committed is heard once and in order, or counted as dropped.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  engineCounters,
  type Fault,
  openVirtualCard,
  type VirtualCard,
} from "../lib/testing/mod.ts";
import { HalflapError, mapped, openPlayback, PlaybackMapped, type SampleFormat } from "../mod.ts";
import {
  accesses,
  advanceUntil,
  assertPlayed,
  assertSameBits,
  countingSamples,
  eventually,
  formats,
  frameElements,
  framesOf,
  handled,
  monoSource,
  noise,
  openCard48k,
  sleep,
  test,
  turns,
  watch,
  withCode,
  within,
  withoutZeros,
} from "./harness.ts";
import { assertAllHeard, assertHeardOrDropped, settleAll } from "./rendering.ts";
import { runs } from "./seed.ts";
import { assertRefused, integer, method, notNumbers, numberCases } from "./wrong_values.ts";

/** A program that does not go on for so long hangs. */
const hangMs = 8000;

const closed = withCode("ERR_HALFLAP_CLOSED");
const invalidState = withCode("ERR_HALFLAP_INVALID_STATE");
const deviceLost = withCode("ERR_HALFLAP_DEVICE_LOST");

const mono = { ...monoSource, source: mapped() } as const;
type Stream = PlaybackMapped<"s32">;

/** Renders as much as there is room for, in pieces of so many frames; returns how much. */
function renderCounting(out: Stream, limit = Infinity, pieceFrames = 2 ** 31 - 1): number {
  let rendered = 0;
  while (rendered < limit) {
    const block = out.begin(Math.min(pieceFrames, limit - rendered));
    if (block === undefined) return rendered;
    const { offset, frames, position } = block;
    out.samples.set(countingSamples(frames, position + 1), offset);
    assert.equal(out.commit(frames), frames);
    rendered += frames;
  }
  return rendered;
}

/** Renders from a loop of its own until so many frames are committed, then drains. */
async function renderUntil(
  out: Stream,
  totalFrames: number,
  waitFrames: number,
): Promise<void> {
  while (out.stats().framesAccepted < totalFrames) {
    await out.waitForRoom(waitFrames);
    renderCounting(out, totalFrames - out.stats().framesAccepted, 37);
  }
  await out.drain();
}

interface Take {
  readonly format: SampleFormat;
  readonly channels: number;
  readonly access: "mmap" | "write";
}

async function playBitExactly({ format, channels, access }: Take): Promise<void> {
  await using card = await openCard48k();
  const sizes = { ...mono, access, periodFrames: 101, periods: 3 };
  await using out = await openPlayback({ ...sizes, format, channels, device: card.device });
  const given = noise(format, 3001, channels, channels);
  const elements = frameElements(format, channels);
  const play = async () => {
    let done = 0;
    while (done < 3001) {
      await out.waitForRoom(1);
      const block = out.begin(Math.min(53, 3001 - done));
      if (block === undefined) continue;
      assert.equal(block.position, done);
      const end = done + block.frames;
      out.samples.set(framesOf(given, format, channels, done, end), block.offset * elements);
      done += out.commit(block.frames);
    }
    await out.drain();
  };
  await advanceUntil(card, play());
  assertPlayed(card.played(), given, out.granted);
  assert.equal(out.stats().xruns.count, 0);
}

for (const format of formats) {
  for (const access of accesses) {
    test(`${format} committed by ${access} is bit-exact with 1, 2, 5 and 32 channels`, async () => {
      for (const channels of [1, 2, 5, 32]) await playBitExactly({ format, channels, access });
    });
  }
}

for (const access of accesses) {
  test(`the whole ring can be begun, in one piece or two by ${access}`, async () => {
    await using card = await openCard48k();
    await using out = await openPlayback({ ...mono, access, device: card.device });
    assert.ok(out instanceof PlaybackMapped);
    assert.equal(out.granted.zeroCopy?.memory, access === "mmap" ? "card" : "queue");
    const { samples } = out;
    assert.ok(samples.length >= out.granted.bufferFrames);
    const block = out.begin(2 ** 31 - 1) ?? assert.fail();
    const { offset, frames, position } = block;
    assert.deepEqual([offset, position, frames >= 400], [0, 0, true]);
    assert.ok(Number.isNaN(block.timeMs));
    assert.equal(out.begin(50), block, "There is one object");
    assert.deepEqual([block.frames, block.offset, block.position], [50, 0, 0]);
    const rendered = renderCounting(out);
    assert.ok(access === "write" ? rendered >= 400 : rendered === 400, `${rendered} frames`);
    await card.advance(0);
    renderCounting(out);
    assert.equal(out.state, "running");
    await card.advance(250);
    renderCounting(out);
    assert.equal(out.samples, samples, "The view is another one");
    await advanceUntil(card, out.drain());
    assertAllHeard(out, card);
  });

  test(`a commit of fewer frames gives the others back by ${access}`, async () => {
    await using card = await openCard48k();
    await using out = await openPlayback({ ...mono, access, device: card.device });
    let position = 0;
    for (const frames of [1, 0, 7, 13, 0, 29, 50]) {
      const block = out.begin(100) ?? assert.fail();
      assert.equal(block.position, position);
      assert.equal(block.frames, 100);
      out.samples.fill(-5, block.offset, block.offset + block.frames);
      out.samples.set(countingSamples(frames, position + 1), block.offset);
      assert.equal(out.commit(frames), frames);
      position += frames;
    }
    assert.equal(out.stats().framesAccepted, position);
    await advanceUntil(card, out.drain());
    assertAllHeard(out, card);
  });

  test(`what was begun but not committed is not heard, however long it takes by ${access}`, async () => {
    await using card = await openCard48k();
    await using out = await openPlayback({ ...mono, access, device: card.device });
    const first = renderCounting(out);
    await card.advance(first - 150);
    const block = out.begin(50) ?? assert.fail();
    out.samples.fill(7, block.offset, block.offset + block.frames);
    await card.advance(10_000);
    const { framesPlayed, xruns } = out.stats();
    assert.equal(framesPlayed, first);
    assert.equal(xruns.producer, 1);
    const { offset, frames, position } = out.begin(50) ?? assert.fail();
    assert.equal(position, first);
    out.samples.set(countingSamples(frames, position + 1), offset);
    assert.equal(out.commit(frames), frames);
    await advanceUntil(card, out.drain());
    assertAllHeard(out, card);
  });

  test(`a stream starts when its start threshold is committed by ${access}`, async () => {
    for (const startThreshold of [1, 150, 400, 5000, Infinity]) {
      await using card = await openCard48k();
      const options = { ...mono, access, startThreshold, device: card.device };
      await using out = await openPlayback(options);
      const threshold = out.granted.startThreshold;
      assert.equal(
        threshold,
        startThreshold === Infinity ? Infinity : Math.min(startThreshold, 400),
      );
      renderCounting(out, Math.min(threshold, 400) - 1);
      await card.advance(100);
      assert.equal(out.state, "prepared");
      renderCounting(out, 1);
      await card.advance(0);
      if (startThreshold === Infinity) await out.start();
      assert.equal(out.state, "running");
      await advanceUntil(card, out.drain());
      assertAllHeard(out, card);
    }
  });

  test(`a drain takes nothing more, and a start goes on by ${access}`, async () => {
    await using card = await openCard48k();
    await using out = await openPlayback({ ...mono, access, device: card.device });
    renderCounting(out, 350);
    const block = out.begin(20) ?? assert.fail();
    out.samples.fill(-1, block.offset, block.offset + block.frames);
    const drained = handled(out.drain());
    assert.equal(out.commit(20), 0);
    assert.equal(out.begin(20), undefined);
    await advanceUntil(card, drained);
    assert.equal(out.stats().framesPlayed, 350);
    renderCounting(out, 300);
    await advanceUntil(card, out.drain());
    assertAllHeard(out, card);
    assert.equal(out.stats().framesPlayed, 650);
  });

  test(`a drop between begin and commit loses nothing that is committed later by ${access}`, async () => {
    await using card = await openCard48k();
    await using out = await openPlayback({ ...mono, access, device: card.device });
    const first = renderCounting(out);
    await card.advance(first - 150);
    const { position, offset, frames } = out.begin(40) ?? assert.fail();
    out.samples.set(countingSamples(frames, position + 1), offset);
    await out.drop();
    const taken = out.commit(frames);
    assert.ok(taken === frames || taken === 0, `${taken}`);
    renderCounting(out);
    await card.advance(2000);
    await advanceUntil(card, out.drain());
    const heard = withoutZeros(card.played());
    const dropped = assertHeardOrDropped(out, card);
    assert.deepEqual(heard.slice(0, first - 150), [...countingSamples(first - 150)]);
    assert.equal(heard.length, out.stats().framesAccepted - dropped);
  });
}

test("a block's time is when its first frame is heard", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...mono, device: card.device });
  renderCounting(out);
  await card.advance(0);
  const times: { readonly position: number; readonly timeMs: number }[] = [];
  for (let step = 0; step < 200; step++) {
    await card.advance(37);
    const block = out.begin(400);
    if (block === undefined) continue;
    times.push({ position: block.position, timeMs: block.timeMs });
    renderCounting(out);
  }
  assert.ok(times.length > 30, `${times.length} blocks`);
  for (const { position, timeMs } of times) {
    const heardMs = 1000 * position / 48_000;
    assert.ok(Math.abs(timeMs - heardMs) < 0.011, `${position} is told for ${timeMs}`);
  }
});

test("waiting for room resolves when there is so much, and at once where there is", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...mono, device: card.device });
  await within(out.waitForRoom(400), "waitForRoom()", 5000);
  await within(out.waitForRoom(2 ** 31 - 1), "waitForRoom()", 5000);
  renderCounting(out);
  await card.advance(0);
  for (const frames of [1, 50, 100, 101, 399, 400]) {
    const waiting = watch(out.waitForRoom(frames));
    await turns();
    assert.equal(waiting.state, "pending", `There is room for ${frames} already`);
    const before = out.stats().framesPlayed;
    for (let step = 0; step < 500 && waiting.state === "pending"; step++) await card.advance(1);
    assert.equal(waiting.state, "fulfilled");
    const played = out.stats().framesPlayed - before;
    assert.ok(played >= frames && played <= frames + 200, `${played} frames for ${frames}`);
    let begun = 0;
    for (let block = out.begin(400); block !== undefined; block = out.begin(400)) {
      begun += block.frames;
      out.samples.set(countingSamples(block.frames, block.position + 1), block.offset);
      out.commit(block.frames);
    }
    assert.ok(begun >= frames, `${begun} frames for ${frames}`);
  }
  await advanceUntil(card, out.drain());
  assertAllHeard(out, card);
});

test("only one can wait for room at a time", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...mono, device: card.device });
  renderCounting(out);
  const first = watch(out.waitForRoom(100));
  await assert.rejects(out.waitForRoom(100), HalflapError);
  assert.equal(first.state, "pending");
  await card.advance(300);
  assert.equal(first.state, "fulfilled");
  const second = watch(out.waitForRoom(400));
  await advanceUntil(card, out.drain());
  await turns();
  assert.equal(second.state, "fulfilled", "A drained ring has room");
});

test("close, device loss and drop end a wait for room", async () => {
  await using card = await openCard48k();
  const out = await openPlayback({ ...mono, device: card.device });
  renderCounting(out);
  const waiting = watch(out.waitForRoom(200));
  await out.close();
  await turns();
  assert.equal(waiting.state, "rejected");
  closed(waiting.error);

  await using lost = await openPlayback({ ...mono, device: card.device });
  renderCounting(lost);
  const losing = watch(lost.waitForRoom(200));
  const lostClosed = handled(assert.rejects(lost.closed, deviceLost));
  card.injectFault({ kind: "disconnect" }, { substream: 1 });
  await card.advance(1000);
  await lostClosed;
  assert.equal(losing.state, "rejected");
  assert.ok(losing.error instanceof HalflapError);

  await using dropped = await openPlayback({ ...mono, device: card.device });
  renderCounting(dropped);
  const waits = watch(dropped.waitForRoom(400));
  await dropped.drop();
  await card.advance(0);
  assert.equal(waits.state, "fulfilled", "A dropped ring has room");
});

test("waiting for room without the event loop ends after its time where there is none", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...mono, device: card.device });
  assert.equal(out.waitForRoomSync(400, 0), true);
  assert.equal(out.waitForRoomSync(2 ** 31 - 1, 5), true);
  renderCounting(out);
  assert.equal(out.waitForRoomSync(1, 0), false);
  assert.equal(out.waitForRoomSync(400, 20), false);
  await card.advance(250);
  assert.equal(out.waitForRoomSync(200, 0), true);
  assert.equal(out.waitForRoomSync(400, 1), false);
  await card.advance(250);
  assert.equal(out.waitForRoomSync(400, 0), true);
});

test("a loop without the event loop plays all that it renders, in real time", async () => {
  for (const access of accesses) {
    await using card = await openVirtualCard({ clock: "realtime" });
    const options = { ...mono, access, periodFrames: 240, device: card.device };
    await using out = await openPlayback(options);
    const total = 20_000;
    for (let rounds = 0; out.stats().framesAccepted < total; rounds++) {
      assert.ok(rounds < 10_000, "The loop does not end");
      assert.ok(out.waitForRoomSync(240, 5000), "There is no room for long");
      renderCounting(out, Math.min(240, total - out.stats().framesAccepted));
    }
    await out.drain();
    assertAllHeard(out, card);
    assert.equal(out.stats().framesPlayed, total);
  }
});

test("a loop of timers, and one of waitForRoom(), play in real time all that they render", async () => {
  await using card = await openVirtualCard({ clock: "realtime" });
  await using timed = await openPlayback({ ...mono, periodFrames: 480, device: card.device });
  await using waited = await openPlayback({ ...mono, periodFrames: 480, device: card.device });
  const waits = renderUntil(waited, 20_000, 480);
  const timers = (async () => {
    while (timed.stats().framesAccepted < 20_000) {
      renderCounting(timed, 20_000 - timed.stats().framesAccepted, 111);
      await sleep(3);
    }
    await timed.drain();
  })();
  await Promise.all([waits, timers]);
  assertAllHeard(timed, card, 0);
  assertAllHeard(waited, card, 1);
});

test("a program that asks again and again for room goes on after xruns", async () => {
  for (const access of accesses) {
    await using card = await openVirtualCard({ clock: "realtime" });
    const sizes = { rate: 768_000, periodFrames: 64, periods: 16 };
    await using out = await openPlayback({ ...mono, ...sizes, access, device: card.device });
    const total = 20_000;
    const endMs = performance.now() + hangMs;
    for (let rendered = 0; rendered < total;) {
      rendered += renderCounting(out, Math.min(64, total - rendered));
      assert.ok(performance.now() < endMs, `It hangs in the state "${out.stats().state}"`);
    }
    await out.drain();
    assertAllHeard(out, card);
  }
});

test("a program that renders in pieces and waits for more room than is left goes on", async () => {
  for (const access of accesses) {
    await using card = await openCard48k();
    await using out = await openPlayback({ ...mono, access, device: card.device });
    renderCounting(out, 250);
    const waiting = watch(out.waitForRoom(300));
    await card.advance(1000);
    assert.equal(waiting.state, "fulfilled", `The stream is ${out.state}`);
    assert.ok(out.stats().framesPlayed >= 100);
    renderCounting(out, 300);
    await advanceUntil(card, out.drain());
    assertAllHeard(out, card);
  }
});

test("a wait that nobody waits for any more does not start a stream", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...mono, device: card.device });
  renderCounting(out, 250);
  assert.equal(out.waitForRoomSync(300, 0), false);
  assert.equal(out.waitForRoomSync(300, 10), false);
  await card.advance(1000);
  assert.equal(out.state, "prepared");
});

test("a wait without the event loop leaves another one by a promise as it was", async () => {
  await using card = await openCard48k();
  const options = { ...mono, startThreshold: Infinity, device: card.device };
  await using out = await openPlayback(options);
  renderCounting(out, 250);
  const waiting = watch(out.waitForRoom(300));
  assert.equal(out.waitForRoomSync(1, 0), true);
  assert.equal(out.waitForRoomSync(200, 0), false);
  await turns();
  assert.equal(waiting.state, "pending");
  await out.start();
  await card.advance(250);
  assert.equal(waiting.state, "fulfilled");
});

test("a device that is lost in a wait without the event loop ends the wait", async () => {
  await using card = await openVirtualCard({ clock: "realtime" });
  await using out = await openPlayback({ ...mono, device: card.device });
  const lost = handled(assert.rejects(out.closed, deviceLost));
  renderCounting(out);
  await eventually("playing", () => out.state === "running");
  card.injectFault({ kind: "stall", ms: Infinity });
  renderCounting(out);
  card.injectFault({ kind: "disconnect" });
  assert.throws(() => {
    for (let round = 0; round < 100; round++) {
      if (out.waitForRoomSync(400, 200)) renderCounting(out);
    }
  }, (error: unknown) => error instanceof HalflapError);
  await within(lost, "closed", 5000);
  assert.throws(() => out.begin(1), closed);
});

test("misuse is an error that says so", async () => {
  await using card = await openVirtualCard();
  const out = await openPlayback({ ...mono, device: card.device });
  assert.throws(() => out.commit(0), invalidState);
  assert.throws(() => out.commit(10), invalidState);
  const block = out.begin(50) ?? assert.fail();
  assert.throws(() => out.commit(51), RangeError);
  assert.throws(() => out.commit(-1), RangeError);
  assert.equal(out.commit(block.frames), 50);
  assert.throws(() => out.commit(1), invalidState);
  const frames = integer(1, 2 ** 31 - 1);
  for (const name of ["begin", "waitForRoom"]) {
    await assertRefused(method(out, name), numberCases("frames", frames));
  }
  const waitSync = method(out, "waitForRoomSync");
  await assertRefused((value) => waitSync(value, 0), numberCases("frames", frames));
  const timeouts = numberCases("timeoutMs", integer(0, 2 ** 31 - 1));
  await assertRefused((value) => waitSync(1, value), timeouts);
  out.begin(50);
  for (const value of notNumbers) assert.throws(() => method(out, "commit")(value), TypeError);
  assert.throws(() => out.commit(0.5), RangeError);
  await out.close();
  assert.throws(() => out.begin(1), closed);
  assert.throws(() => out.commit(1), closed);
  assert.throws(() => out.waitForRoomSync(1, 0), closed);
  await assert.rejects(out.waitForRoom(1), closed);
  assert.equal(out.samples.length, 0);
});

test("a block keeps to its frames: the next one does not change what it said while it is begun", async () => {
  await using card = await openCard48k();
  await using out = await openPlayback({ ...mono, device: card.device });
  let seen = 0;
  for (let step = 0; step < 300; step++) {
    const block = out.begin(33);
    if (block !== undefined) {
      const { offset, frames, position } = block;
      await card.advance(10);
      // There may be more room by now.
      const again = out.begin(frames) ?? assert.fail();
      assert.equal(again, block);
      assert.equal(again.position, position);
      assert.equal(again.frames, frames);
      // Where the ring stopped meanwhile, what was begun can have moved.
      out.samples.set(countingSamples(frames, position + 1), again.offset);
      seen++;
      assert.equal(again.offset, offset);
      assert.equal(out.commit(frames), frames);
    } else await card.advance(50);
  }
  assert.ok(seen > 100);
  await advanceUntil(card, out.drain());
  assertAllHeard(out, card);
});

test("two hundred mapped streams leave nothing behind", async () => {
  await using card = await openVirtualCard({ tap: "none" });
  const before = engineCounters();
  for (let cycle = 0; cycle < 200; cycle++) {
    const access = accesses[cycle % 2] ?? "auto";
    await using out = await openPlayback({ ...mono, access, device: card.device });
    if (cycle % 3 > 0) renderCounting(out);
    await card.advance(cycle, { rate: 48_000 });
    if (cycle % 5 === 0) out.begin(10);
    if (cycle % 7 === 0) handled(out.waitForRoom(400));
    assert.equal(engineCounters().streams, before.streams + 1);
  }
  await turns();
});

type Step =
  | { readonly kind: "begin" | "advance" | "wait"; readonly frames: number }
  | { readonly kind: "commit"; readonly share: number }
  | { readonly kind: "start" | "pause" | "resume" | "drain" | "drop" }
  | { readonly kind: "fault"; readonly fault: Fault };

const frames = fc.oneof(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 1, max: 900 }));
const step = (weight: number, arbitrary: fc.Arbitrary<unknown>) => ({
  weight,
  arbitrary: arbitrary as fc.Arbitrary<Step>,
});
const kind = <K extends Step["kind"]>(name: K) => fc.constant(name);

const steps = [
  step(8, fc.record({ kind: kind("begin"), frames })),
  step(8, fc.record({ kind: kind("commit"), share: fc.constantFrom(0, 0.3, 0.99, 1, 1, 1) })),
  step(6, fc.record({ kind: kind("advance"), frames })),
  step(1, fc.record({ kind: kind("wait"), frames })),
  step(1, fc.record({ kind: kind("start") })),
  step(1, fc.record({ kind: kind("pause") })),
  step(1, fc.record({ kind: kind("resume") })),
  step(1, fc.record({ kind: kind("drain") })),
];
const lossySteps = [
  ...steps,
  step(1, fc.record({ kind: kind("drop") })),
  step(
    1,
    fc.record({
      kind: kind("fault"),
      fault: fc.constantFrom<Fault>(
        { kind: "xrun" },
        { kind: "suspend" },
        { kind: "suspend", resume: "unsupported" },
        { kind: "stall", ms: 5 },
        { kind: "pointer-jump", frames: 70 },
        { kind: "pointer-jump", frames: 2000 },
        { kind: "late-wake-up", ms: 7 },
        { kind: "slow-fill", ms: 7 },
        { kind: "spurious-wake-up", count: 20 },
      ),
    }),
  ),
];

const programs = (choices: readonly (typeof steps)[number][]) =>
  fc.record({
    access: fc.constantFrom(...accesses),
    batch: fc.boolean(),
    canPause: fc.boolean(),
    framesBeforeBoundary: fc.constantFrom(0, 0, 1, 500),
    periodFrames: fc.integer({ min: 16, max: 150 }),
    periods: fc.integer({ min: 2, max: 5 }),
    startThreshold: fc.oneof(fc.constant(1e6), fc.integer({ min: 1, max: 800 })),
    steps: fc.array(fc.oneof(...choices), { minLength: 1, maxLength: 40 }),
  });
type Program = ReturnType<typeof programs> extends fc.Arbitrary<infer T> ? T : never;

const allowedFailures: ReadonlySet<string> = new Set([
  "ERR_HALFLAP_CANCELLED",
  "ERR_HALFLAP_INVALID_STATE",
]);

/** A program, and a model of what it has committed. */
class Running {
  readonly #out: Stream;
  readonly #card: VirtualCard;
  readonly #pending: Promise<void>[] = [];
  #drains = 0;
  #begun = 0;
  /** Frames committed: samples from 1 to this one. */
  committed = 0;

  constructor(out: Stream, card: VirtualCard) {
    this.#out = out;
    this.#card = card;
  }

  async run(step: Step): Promise<void> {
    if (step.kind === "begin") this.#begin(step.frames);
    else if (step.kind === "commit") this.#commit(step.share);
    else if (step.kind === "advance") await this.#card.advance(step.frames);
    else if (step.kind === "wait") this.#pending.push(handled(this.#out.waitForRoom(step.frames)));
    else if (step.kind === "fault") this.#card.injectFault(step.fault);
    else this.#call(step.kind);
  }

  async finish(): Promise<void> {
    for (let round = 0; round < 10; round++) {
      this.#begin(50);
      this.#commit(1);
      if (this.#out.state === "paused") this.#call("resume");
      await this.#card.advance(300);
    }
    this.#call("drain");
    await settleAll(this.#settle(), {
      card: this.#card,
      out: this.#out,
      resume: () => this.#call("resume"),
      stepFrames: 300,
    });
  }

  #begin(frames: number): void {
    const block = this.#out.begin(frames);
    if (block === undefined) return;
    const { offset, position } = block;
    assert.ok(block.frames >= 1 && block.frames <= frames, `${block.frames} for ${frames}`);
    assert.ok(offset >= 0 && offset + block.frames <= this.#out.samples.length);
    assert.equal(position, this.committed, "Position of a block");
    this.#begun = block.frames;
    this.#out.samples.set(countingSamples(block.frames, position + 1), offset);
  }

  #commit(share: number): void {
    if (this.#begun === 0) return assert.throws(() => this.#out.commit(0), invalidState);
    const frames = Math.floor(share * this.#begun);
    const taken = this.#out.commit(frames);
    this.#begun = 0;
    assert.ok(taken === frames || taken === 0 && this.#drains > 0, `${taken} of ${frames} taken`);
    this.committed += taken;
    assert.equal(this.#out.stats().framesAccepted, this.committed);
  }

  #call(call: "start" | "pause" | "resume" | "drain" | "drop"): void {
    if (call === "drain") this.#drains++;
    const called = this.#out[call]();
    this.#pending.push(handled(called));
  }

  async #settle(): Promise<void> {
    for (let index = 0; index < this.#pending.length; index++) {
      const [result] = await Promise.allSettled([this.#pending[index]]);
      if (result.status === "fulfilled") continue;
      const { reason } = result;
      assert.ok(reason instanceof HalflapError, String(reason));
      assert.ok(allowedFailures.has(reason.code), reason.message);
    }
  }
}

async function runProgram(program: Program): Promise<{ out: Stream; card: VirtualCard }> {
  const { access, batch, canPause, framesBeforeBoundary, steps, ...sizes } = program;
  const rate = { min: 48_000, max: 48_000 };
  await using card = await openVirtualCard({ batch, canPause, framesBeforeBoundary, rate });
  await using out = await openPlayback({ ...mono, ...sizes, access, device: card.device });
  const running = new Running(out, card);
  for (const step of steps) await running.run(step);
  await running.finish();
  assertHeardOrDropped(out, card);
  const { state, framesAccepted, framesQueued } = out.stats();
  assert.deepEqual([state, framesAccepted, framesQueued], ["prepared", running.committed, 0]);
  const isLossy = steps.some(({ kind }) => kind === "drop" || kind === "fault");
  if (!isLossy) {
    assertAllHeard(out, card);
    const heard = Int32Array.from(withoutZeros(card.played()));
    assertSameBits(heard, countingSamples(running.committed));
  }
  return { out, card };
}

test("begin, commit, pause, resume, drain and lateness in any order lose and repeat nothing", async () => {
  const property = fc.asyncProperty(programs(steps), async (program) => {
    await runProgram(program);
  });
  await fc.assert(property, runs(300));
});

test("with drops and faults, too, every frame committed is heard or dropped, in order", async () => {
  const property = fc.asyncProperty(programs(lossySteps), async (program) => {
    await runProgram(program);
  });
  await fc.assert(property, runs(400));
});
