/**
 * Faults of a card while JavaScript renders into it: what was accepted is heard once and in order,
 * or is counted as dropped, whatever else the program does.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { type Fault, openVirtualCard, type VirtualCard } from "../lib/testing/mod.ts";
import { HalflapError, openPlayback, type PlaybackRender } from "../mod.ts";
import {
  accesses,
  advanceUntil,
  eventually,
  handled,
  monoSource,
  openCard48k,
  statesOf,
  test,
  withCode,
} from "./harness.ts";
import {
  assertAllHeard,
  assertCountsUp,
  assertHeardOrDropped,
  CountingRenderer,
  settleAll,
} from "./rendering.ts";
import { runs } from "./seed.ts";

const deviceLost = withCode("ERR_HALFLAP_DEVICE_LOST");
const bufferFrames = monoSource.periodFrames * monoSource.periods;

async function openRendering(
  card: VirtualCard,
  access: "mmap" | "write",
): Promise<{ out: PlaybackRender<"s32">; renderer: CountingRenderer }> {
  const renderer = new CountingRenderer();
  const options = { ...monoSource, access, source: renderer.source, device: card.device };
  return { out: await openPlayback(options), renderer };
}

/** Faults that the stream lives through, and the most frames that each may cost. */
const faults: readonly { readonly fault: Fault; readonly lostFrames: number }[] = [
  { fault: { kind: "stall", ms: 50 }, lostFrames: 0 },
  { fault: { kind: "pointer-jump", frames: 50 }, lostFrames: 0 },
  { fault: { kind: "pointer-jump", frames: 399 }, lostFrames: 0 },
  { fault: { kind: "pointer-jump", frames: 5000 }, lostFrames: 0 },
  { fault: { kind: "xrun" }, lostFrames: bufferFrames },
  { fault: { kind: "suspend", resume: "ok" }, lostFrames: 0 },
  { fault: { kind: "suspend", resume: { again: 3 } }, lostFrames: 0 },
  { fault: { kind: "suspend", resume: "unsupported" }, lostFrames: bufferFrames },
  { fault: { kind: "suspend", resume: "lies" }, lostFrames: bufferFrames },
  { fault: { kind: "late-wake-up", ms: 1 }, lostFrames: 0 },
  { fault: { kind: "late-wake-up", ms: 100 }, lostFrames: 0 },
  { fault: { kind: "slow-fill", ms: 1 }, lostFrames: 0 },
  { fault: { kind: "slow-fill", ms: 100 }, lostFrames: 0 },
  { fault: { kind: "preempted-fill", ms: 100 }, lostFrames: 0 },
  { fault: { kind: "spurious-wake-up", count: 200 }, lostFrames: 0 },
];

for (const { fault, lostFrames } of faults) {
  const name = JSON.stringify(fault);
  for (const access of accesses) {
    test(`the fault ${name} loses ${lostFrames ? "the ring alone" : "nothing"} by ${access}`, async () => {
      for (const offset of [0, 1, 50, 99, 133, 200, 399]) {
        await using card = await openCard48k();
        const { out } = await openRendering(card, access);
        await using _ = out;
        await card.advance(1000 + offset);
        card.injectFault(fault);
        await card.advance(1);
        await card.advance(20_000);
        await advanceUntil(card, out.drain());
        const dropped = assertHeardOrDropped(out, card);
        assert.ok(dropped <= lostFrames, `${dropped} frames were dropped`);
        if (lostFrames > 0) assert.ok(dropped > 0, "Nothing was lost");
        await out.start();
        await card.advance(1000);
        assert.equal(out.state, "running");
      }
    });
  }
}

for (const access of accesses) {
  test(`a xrun of a card is told with what it lost by ${access}`, async () => {
    await using card = await openCard48k();
    const { out } = await openRendering(card, access);
    await using _ = out;
    const states = statesOf(out);
    const xruns: string[] = [];
    out.addEventListener("xrun", ({ cause, policy }) => xruns.push(`${cause} ${policy}`));
    await card.advance(1234);
    card.injectFault({ kind: "xrun" });
    await card.advance(5000);
    assert.deepEqual(xruns, ["device stop"]);
    assert.ok(states.includes("xrun"), states.join());
    assert.equal(out.state, "running");
    await advanceUntil(card, out.drain());
    const dropped = assertHeardOrDropped(out, card);
    assert.equal(out.stats().xruns.recent[0]?.lostFrames, dropped);
  });

  for (const xrunPolicy of ["silence", "repeat"] as const) {
    test(`a late wake-up with the policy "${xrunPolicy}" loses nothing by ${access}`, async () => {
      for (const offset of [0, 1, 99, 250]) {
        await using card = await openCard48k();
        const renderer = new CountingRenderer();
        const options = { ...monoSource, access, xrunPolicy, source: renderer.source };
        await using out = await openPlayback({ ...options, device: card.device });
        await card.advance(1000 + offset);
        card.injectFault({ kind: "late-wake-up", ms: 30 });
        await card.advance(10_000);
        await advanceUntil(card, out.drain());
        const { framesAccepted, framesPlayed, framesDropped, xruns } = out.stats();
        assert.ok(xruns.count >= 1);
        assert.deepEqual([framesPlayed, framesDropped], [framesAccepted, 0]);
        const heard = new Set(card.played());
        const missing = renderer.blocks.find(({ position }) => !heard.has(position + 1));
        assert.equal(missing, undefined, "A block was not heard");
        if (xrunPolicy === "silence") assertAllHeard(out, card);
      }
    });
  }

  test(`a device that is gone while it is rendered ends the stream by ${access}`, async () => {
    for (const [offset, reach] of [0, 1, 99, 150].entries()) {
      await using card = await openCard48k();
      const { out, renderer } = await openRendering(card, access);
      await using _ = out;
      const lost = handled(assert.rejects(out.closed, deviceLost));
      await card.advance(1000 + reach);
      if (offset === 2) card.injectFault({ kind: "stall", ms: 5 });
      card.injectFault({ kind: "disconnect" });
      await card.advance(5000);
      await lost;
      const { calls } = renderer;
      await card.advance(5000);
      assert.equal(renderer.calls, calls, "The callback was called after the device was lost");
      assert.ok(renderer.blocks.every(({ samples }) => samples.length === 0));
      const heard = assertCountsUp(card);
      assert.ok(heard.length >= 1000 && heard.length <= 1000 + reach + bufferFrames);
    }
  });

  test(`a device that is gone in the callback ends the stream by ${access}`, async () => {
    await using card = await openCard48k();
    const { out, renderer } = await openRendering(card, access);
    await using _ = out;
    renderer.after = (_block, call) => {
      if (call === 20) card.injectFault({ kind: "disconnect" });
    };
    const lost = handled(assert.rejects(out.closed, deviceLost));
    await card.advance(5000);
    await lost;
    assertCountsUp(card);
  });

  test(`a stalled device is lost, or heals, and its callback waits by ${access}`, async () => {
    await using card = await openCard48k();
    const { out, renderer } = await openRendering(card, access);
    await using _ = out;
    await card.advance(1000);
    card.injectFault({ kind: "stall", ms: Infinity });
    await card.advanceMs(100);
    const { calls } = renderer;
    await card.advanceMs(50);
    assert.equal(renderer.calls, calls, "The callback was called while the device stood still");
    card.injectFault({ kind: "heal" });
    await card.advance(3000);
    assert.ok(renderer.calls > calls);
    card.injectFault({ kind: "stall", ms: Infinity });
    const lost = handled(assert.rejects(out.closed, deviceLost));
    await card.advanceMs(2000);
    await lost;
  });
}

test("faults in real time lose what they count", async () => {
  await using card = await openVirtualCard({ clock: "realtime" });
  const { out } = await openRendering(card, "mmap");
  await using _ = out;
  const steps: Fault[] = [
    { kind: "stall", ms: 20 },
    { kind: "pointer-jump", frames: 50 },
    { kind: "suspend" },
    { kind: "xrun" },
    { kind: "suspend", resume: "unsupported" },
    { kind: "late-wake-up", ms: 20 },
    { kind: "slow-fill", ms: 20 },
  ];
  for (const fault of steps) {
    const { framesPlayed } = card.status();
    await eventually("playing", () => card.status().framesPlayed > framesPlayed + 1500);
    card.injectFault(fault);
  }
  const { framesPlayed } = card.status();
  await eventually("playing", () => card.status().framesPlayed > framesPlayed + 1500);
  await out.drain();
  assertHeardOrDropped(out, card);
});

test("a stream that was suspended for a while goes on rendering in real time", async () => {
  await using card = await openVirtualCard({ clock: "realtime" });
  const { out } = await openRendering(card, "mmap");
  await using _ = out;
  for (const resume of [{ again: 2 }, "unsupported", "lies", "ok"] as const) {
    await eventually("playing", () => out.state === "running");
    const { framesPlayed } = card.status();
    card.injectFault({ kind: "suspend", resume });
    await eventually("going on", () => card.status().framesPlayed > framesPlayed + 3000);
  }
  await out.drain();
  assertHeardOrDropped(out, card);
});

type Step =
  | { readonly kind: "advance"; readonly frames: number }
  | { readonly kind: "fault"; readonly fault: Fault }
  | { readonly kind: "inCallback"; readonly what: "pause" | "drain" | "drop" | "resume" | "start" }
  | {
    readonly kind: "start" | "pause" | "resume" | "drain" | "drop";
    readonly fadeMs: number;
  };

const advance = fc.record({
  kind: fc.constant("advance" as const),
  frames: fc.oneof(fc.nat(120), fc.nat(1500)),
});
const transport = fc.record({
  kind: fc.constantFrom("start", "pause", "resume", "drain", "drop"),
  fadeMs: fc.constant(0),
});
const inCallback = fc.record({
  kind: fc.constant("inCallback" as const),
  what: fc.constantFrom("pause", "drain", "drop", "resume", "start"),
});
const faultStep = fc.record({
  kind: fc.constant("fault" as const),
  fault: fc.oneof(
    fc.constantFrom(...faults.map(({ fault }) => fault)),
    fc.record({
      kind: fc.constant("pointer-jump" as const),
      frames: fc.integer({ min: 1, max: 900 }),
    }),
    fc.record({ kind: fc.constant("stall" as const), ms: fc.integer({ min: 1, max: 30 }) }),
    fc.record({ kind: fc.constant("late-wake-up" as const), ms: fc.integer({ min: 1, max: 30 }) }),
    fc.record({ kind: fc.constant("slow-fill" as const), ms: fc.integer({ min: 1, max: 30 }) }),
  ),
});

const programs = fc.record({
  access: fc.constantFrom(...accesses),
  batch: fc.boolean(),
  canPause: fc.boolean(),
  framesBeforeBoundary: fc.constantFrom(0, 0, 1, 777, 3000),
  periodFrames: fc.integer({ min: 16, max: 300 }),
  periods: fc.integer({ min: 2, max: 7 }),
  startThreshold: fc.oneof(fc.constant(undefined), fc.integer({ min: 1, max: 2500 })),
  steps: fc.array(
    fc.oneof(
      { weight: 5, arbitrary: advance },
      { weight: 3, arbitrary: transport as fc.Arbitrary<Step> },
      { weight: 2, arbitrary: faultStep as fc.Arbitrary<Step> },
      { weight: 1, arbitrary: inCallback as fc.Arbitrary<Step> },
    ),
    { minLength: 1, maxLength: 20 },
  ),
});
type Program = typeof programs extends fc.Arbitrary<infer T> ? T : never;

const allowedFailures: ReadonlySet<string> = new Set([
  "ERR_HALFLAP_CANCELLED",
  "ERR_HALFLAP_INVALID_STATE",
]);

/** Does what a program might do to its stream, and remembers what is to settle. */
class Running {
  readonly #out: PlaybackRender<"s32">;
  readonly #card: VirtualCard;
  readonly #renderer: CountingRenderer;
  readonly #pending: Promise<void>[] = [];

  constructor(out: PlaybackRender<"s32">, card: VirtualCard, renderer: CountingRenderer) {
    this.#out = out;
    this.#card = card;
    this.#renderer = renderer;
  }

  async run(step: Step): Promise<void> {
    if (step.kind === "advance") return await this.#card.advance(step.frames);
    if (step.kind === "fault") return this.#card.injectFault(step.fault);
    if (step.kind !== "inCallback") return this.#expect(step.kind);
    const { what } = step;
    const call = this.#renderer.calls + 2;
    this.#renderer.after = (_block, now) => {
      if (now === call) this.#expect(what);
    };
  }

  /** Plays the rest, whatever the stream is doing now. */
  async finish(): Promise<void> {
    this.#renderer.after = () => undefined;
    this.#card.injectFault({ kind: "heal" });
    // Faults that wait for their occasion have it.
    this.#expect("start");
    for (let step = 0; step < 20; step++) {
      if (this.#out.state === "paused") this.#expect("resume");
      await this.#card.advance(500);
    }
    this.#expect("drain");
    await settleAll(this.#settle(), {
      card: this.#card,
      out: this.#out,
      resume: () => this.#expect("resume"),
      stepFrames: 500,
    });
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

  #expect(call: "start" | "pause" | "resume" | "drain" | "drop"): void {
    this.#pending.push(handled(this.#out[call]()));
  }
}

async function runProgram(program: Program): Promise<void> {
  const { access, batch, canPause, framesBeforeBoundary, periodFrames, periods } = program;
  const rate = { min: 48_000, max: 48_000 };
  await using card = await openVirtualCard({ batch, canPause, framesBeforeBoundary, rate });
  const renderer = new CountingRenderer();
  const sizes = { access, periodFrames, periods, rate: 48_000 } as const;
  const { startThreshold } = program;
  await using out = await openPlayback({
    ...sizes,
    ...(startThreshold === undefined ? {} : { startThreshold }),
    format: "s32",
    channels: 1,
    source: renderer.source,
    device: card.device,
  });
  const running = new Running(out, card, renderer);
  for (const step of program.steps) await running.run(step);
  await running.finish();
  assertHeardOrDropped(out, card);
  const wrong = renderer.blocks.findIndex(({ position }, index) =>
    position !== index * periodFrames
  );
  assert.equal(wrong, -1, `Block ${wrong} has the position ${renderer.blocks[wrong]?.position}`);
  const { state, framesAccepted, framesQueued } = out.stats();
  assert.deepEqual([state, framesQueued], ["prepared", 0]);
  assert.equal(framesAccepted, renderer.calls * periodFrames);
  const isLossy = program.steps.some((step) =>
    step.kind === "drop" || step.kind === "inCallback" && step.what === "drop" ||
    step.kind === "fault" && (step.fault.kind === "xrun" || step.fault.kind === "suspend")
  );
  if (!isLossy) assertAllHeard(out, card);
}

test("with any faults and calls every frame is heard or dropped, in order", async () => {
  const property = fc.asyncProperty(programs, runProgram);
  await fc.assert(property, runs(300));
});
