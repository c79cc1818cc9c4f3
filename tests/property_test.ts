/**
 * Whatever a program does in whatever order, no frame is lost or played twice.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { openVirtualCard, type VirtualCard } from "../lib/testing/mod.ts";
import { HalflapError, openPlayback, type PlaybackQueue } from "../mod.ts";
import {
  accesses,
  advanceUntil,
  assertPlayed,
  assertSameBits,
  countingSamples,
  formats,
  framesOf,
  handled,
  noise,
  sleep,
  test,
  within,
  withoutZeros,
} from "./harness.ts";
import { runs } from "./seed.ts";

const device = fc.record({
  access: fc.constantFrom(...accesses),
  layout: fc.constantFrom("interleaved", "noninterleaved"),
  rate: fc.constantFrom<number[]>(4000, 44_100, 48_000, 96_000, 768_000),
  periodFrames: fc.integer({ min: 16, max: 700 }),
  periods: fc.integer({ min: 2, max: 9 }),
  queueFrames: fc.integer({ min: 16, max: 5000 }),
});
type Device = typeof device extends fc.Arbitrary<infer T> ? T : never;

const takes = fc.record({
  device,
  format: fc.constantFrom(...formats),
  channels: fc.integer({ min: 1, max: 9 }),
  chunks: fc.array(fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 3000 })), {
    minLength: 1,
    maxLength: 12,
  }),
});

const openCard = ({ access, layout }: Device): Promise<VirtualCard> =>
  openVirtualCard({ access: [`${access}-${layout as "interleaved" | "noninterleaved"}`] });

test("chunks of any sizes are bit-exact on any device", async () => {
  const property = fc.asyncProperty(takes, async ({ device, format, channels, chunks }) => {
    const { access, rate, periodFrames, periods, queueFrames } = device;
    await using card = await openCard(device);
    const sizes = { access, rate, periodFrames, periods, queueFrames };
    await using out = await openPlayback({ ...sizes, device: card.device, format, channels });
    const frames = chunks.reduce((sum, count) => sum + count, 0);
    const samples = noise(format, frames, channels, frames);
    let first = 0;
    const settled: Promise<void>[] = [];
    for (const count of chunks) {
      settled.push(out.write(framesOf(samples, format, channels, first, first + count)));
      first += count;
    }
    await advanceUntil(card, Promise.all([...settled, out.drain()]));
    assertPlayed(card.played(), samples, out.granted);
    assert.equal(out.stats().xruns.count, 0);
  });
  await fc.assert(property, runs(150));
});

interface FadeStep {
  readonly kind: "start" | "pause" | "resume" | "drop";
  readonly fadeMs: number;
}
type Step =
  | FadeStep
  | { readonly kind: "write" | "tryWrite" | "advance"; readonly frames: number }
  | { readonly kind: "abortedWrite"; readonly frames: number; readonly afterFrames: number }
  | { readonly kind: "drain"; readonly timeoutMs: number }
  | { readonly kind: "setGain"; readonly gain: number; readonly rampMs: number };

interface Choice {
  readonly weight: number;
  readonly arbitrary: fc.Arbitrary<Step>;
}

const framesStep = (weight: number, kind: "write" | "tryWrite" | "advance"): Choice => ({
  weight,
  arbitrary: fc.record({ kind: fc.constant(kind), frames: fc.nat(2500) }),
});

const fadeStep = (
  weight: number,
  kind: FadeStep["kind"],
  fadeMs: fc.Arbitrary<number>,
): Choice => ({ weight, arbitrary: fc.record({ kind: fc.constant(kind), fadeMs }) });

const basicSteps = [
  framesStep(6, "write"),
  framesStep(3, "tryWrite"),
  framesStep(6, "advance"),
  fadeStep(1, "start", fc.constant(0)),
  fadeStep(2, "pause", fc.constant(0)),
  fadeStep(2, "resume", fc.constant(0)),
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("drain" as const),
      timeoutMs: fc.oneof(fc.constant(Infinity), fc.nat(60)),
    }),
  },
];

const allSteps = [
  ...basicSteps,
  fadeStep(1, "drop", fc.constant(0)),
  fadeStep(1, "drop", fc.nat(40)),
  fadeStep(1, "start", fc.nat(40)),
  fadeStep(1, "pause", fc.nat(40)),
  fadeStep(1, "resume", fc.nat(40)),
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("abortedWrite" as const),
      frames: fc.nat(5000),
      afterFrames: fc.nat(1000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("setGain" as const),
      gain: fc.constantFrom(0, 0.5, 1),
      rampMs: fc.nat(40),
    }),
  },
];

const finishMs = 10_000;
const finishStepMs = 50;
const allowedFailures: ReadonlySet<string> = new Set([
  "ERR_HALFLAP_ABORTED",
  "ERR_HALFLAP_CANCELLED",
  "ERR_HALFLAP_INVALID_STATE",
  "ERR_HALFLAP_TIMEOUT",
]);

/** Does what a program might do, and keeps what it gave to the stream. */
class Program {
  readonly #out: PlaybackQueue<"s32">;
  readonly #card: VirtualCard;
  readonly #pending: Promise<void>[] = [];
  #next = 1;

  constructor(out: PlaybackQueue<"s32">, card: VirtualCard) {
    this.#out = out;
    this.#card = card;
  }

  /** Frames given so far: samples from 1 to this one. */
  get given(): number {
    return this.#next - 1;
  }

  async run(step: Step): Promise<void> {
    const out = this.#out;
    if (step.kind === "write") this.#expect(out.write(this.#take(step.frames)));
    else if (step.kind === "tryWrite") this.#tryWrite(step.frames);
    else if (step.kind === "advance") await this.#pass(step.frames);
    else if (step.kind === "abortedWrite") await this.#abortedWrite(step.frames, step.afterFrames);
    else if (step.kind === "drain") this.#expect(out.drain({ timeoutMs: step.timeoutMs }));
    else if (step.kind === "setGain") out.setGain(step.gain, { rampMs: step.rampMs });
    else if ("fadeMs" in step) this.#fade(step);
  }

  /** Plays the rest, whatever the stream is doing now. */
  async finish(): Promise<void> {
    this.#expect(this.#out.drain());
    let settled = false;
    const all = handled(this.settle().finally(() => settled = true));
    for (let ms = 0; ms < finishMs && !settled; ms += finishStepMs) {
      if (this.#out.state === "paused") this.#expect(this.#out.resume());
      await this.#pass(finishStepMs * this.#out.granted.rate / 1000);
    }
    assert.ok(settled, `Still pending, and the stream is ${this.#out.state}`);
    await all;
  }

  /** Resolves when every call has settled, in a way that is allowed. */
  async settle(alsoAllowed?: string): Promise<void> {
    for (const result of await Promise.allSettled(this.#pending)) {
      if (result.status === "fulfilled") continue;
      const { reason } = result;
      assert.ok(reason instanceof HalflapError, String(reason));
      assert.ok(allowedFailures.has(reason.code) || reason.code === alsoAllowed, reason.message);
    }
  }

  #pass(frames: number): Promise<void> {
    if (this.#card.clock === "simulated") return this.#card.advance(frames);
    return sleep(frames / this.#out.granted.rate * 1000);
  }

  #take(frames: number): Int32Array {
    const samples = countingSamples(frames, this.#next);
    this.#next += frames;
    return samples;
  }

  #fade({ kind, fadeMs }: FadeStep): void {
    this.#expect(this.#out[kind]({ fadeMs }));
  }

  #tryWrite(frames: number): void {
    const taken = this.#out.tryWrite(countingSamples(frames, this.#next));
    assert.ok(taken >= 0 && taken <= frames);
    this.#next += taken;
  }

  async #abortedWrite(frames: number, afterFrames: number): Promise<void> {
    const controller = new AbortController();
    this.#expect(this.#out.write(this.#take(frames), controller));
    await this.#pass(afterFrames);
    controller.abort();
  }

  #expect(promise: Promise<void>): void {
    this.#pending.push(handled(promise));
  }
}

const programs = (choices: readonly Choice[]) =>
  fc.record({
    device,
    canPause: fc.boolean(),
    steps: fc.array(fc.oneof(...choices), { minLength: 1, maxLength: 25 }),
  });

/** Whether every sample that is heard must have the value that was given. */
const isUntouched = (steps: readonly Step[]): boolean =>
  steps.every((step) => step.kind !== "setGain" && (!("fadeMs" in step) || step.fadeMs === 0));

async function runProgram(
  { device, canPause, steps, clock = "simulated" }: {
    readonly device: Device;
    readonly canPause: boolean;
    readonly steps: readonly Step[];
    readonly clock?: "realtime" | "simulated";
  },
  end: (program: Program, out: PlaybackQueue<"s32">, card: VirtualCard) => Promise<void>,
): Promise<void> {
  const { access, rate, periodFrames, periods, queueFrames } = device;
  await using card = await openVirtualCard({ clock, canPause });
  const sizes = { access, rate, periodFrames, periods, queueFrames };
  const options = { ...sizes, device: card.device, format: "s32", channels: 1 } as const;
  await using out = await openPlayback(options);
  const program = new Program(out, card);
  for (const step of steps) await program.run(step);
  await within(end(program, out, card), "A program", 15_000);
}

test("start, pause, resume, drain and xruns lose nothing and repeat nothing", async () => {
  const property = fc.asyncProperty(
    programs(basicSteps),
    (program) =>
      runProgram(program, async (running, out, card) => {
        await running.finish();
        const heard = Int32Array.from(withoutZeros(card.played()));
        assertSameBits(heard, countingSamples(running.given));
        const { state, framesAccepted, framesPlayed, framesDropped } = out.stats();
        assert.equal(state, "prepared");
        assert.equal(framesAccepted, running.given);
        assert.equal(framesPlayed, running.given);
        assert.equal(framesDropped, 0);
      }),
  );
  await fc.assert(property, runs(200));
});

test("with drops, aborts, gains and fades every frame is heard or dropped, in order", async () => {
  const property = fc.asyncProperty(
    programs(allSteps),
    (program) =>
      runProgram(program, async (running, out, card) => {
        await running.finish();
        const stats = out.stats();
        assert.equal(stats.state, "prepared");
        assert.equal(stats.framesQueued, 0);
        assert.equal(stats.framesAccepted, stats.framesPlayed + stats.framesDropped);
        const heard = withoutZeros(card.played());
        if (!isUntouched(program.steps)) return assert.ok(heard.length <= stats.framesPlayed);
        assert.equal(heard.length, stats.framesPlayed);
        const back = heard.findIndex((sample, index) => sample <= (heard[index - 1] ?? 0));
        assert.equal(back, -1, `Sample ${heard[back]} follows ${heard[back - 1]}`);
      }),
  );
  await fc.assert(property, runs(300));
});

test("close settles everything, whatever a program was doing", async () => {
  const property = fc.asyncProperty(
    programs(allSteps),
    (program) =>
      runProgram(program, async (running, out) => {
        await out.close();
        await running.settle("ERR_HALFLAP_CLOSED");
        await out.closed;
      }),
  );
  await fc.assert(property, runs(200));
});

/** Small buffers, at rates at which a program takes no time. */
const fastPrograms = programs(allSteps).map((program) => ({
  ...program,
  clock: "realtime" as const,
  device: { ...program.device, rate: Math.max(96_000, program.device.rate) },
}));

test("in real time, too, every frame is heard or dropped, in order", async () => {
  const property = fc.asyncProperty(
    fc.array(fastPrograms, { minLength: 4, maxLength: 4 }),
    async (some) => {
      await Promise.all(some.map((program) =>
        runProgram(program, async (running, out, card) => {
          await running.finish();
          const stats = out.stats();
          assert.equal(stats.state, "prepared");
          assert.equal(stats.framesQueued, 0);
          assert.equal(stats.framesAccepted, stats.framesPlayed + stats.framesDropped);
          const heard = withoutZeros(card.played());
          if (!isUntouched(program.steps)) return;
          const back = heard.findIndex((sample, index) => sample <= (heard[index - 1] ?? 0));
          assert.equal(back, -1, `Sample ${heard[back]} follows ${heard[back - 1]}`);
          const isDropped = program.steps.some(({ kind }) => kind === "drop");
          if (!isDropped) assert.equal(heard.length, stats.framesPlayed);
        })
      ));
    },
  );
  await fc.assert(property, runs(10));
});
