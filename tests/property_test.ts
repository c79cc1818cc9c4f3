/**
 * Whatever a program does in whatever order, no frame is lost or played twice. The seed is printed;
 * `HALFLAP_TEST_SEED` repeats a run.
 */
import assert from "node:assert/strict";
import process from "node:process";
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
  noise,
  test,
  withoutZeros,
} from "./harness.ts";

const seed = Number(process.env.HALFLAP_TEST_SEED ?? Date.now() % 2 ** 31);
console.log(`HALFLAP_TEST_SEED=${seed}`);

const device = fc.record({
  access: fc.constantFrom(...accesses),
  layout: fc.constantFrom("interleaved", "noninterleaved"),
  rate: fc.constantFrom(4000, 44_100, 48_000, 96_000, 768_000),
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
    assert.equal(out.stats().xruns, 0);
  });
  await fc.assert(property, { seed, numRuns: 150 });
});

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("write"), frames: fc.nat(2500) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("tryWrite"), frames: fc.nat(2500) }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("advance"), frames: fc.nat(3000) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("start"), frames: fc.constant(0) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("pause"), frames: fc.nat(300) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("resume"), frames: fc.nat(300) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("drain"), frames: fc.constant(0) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("drop"), frames: fc.constant(0) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const finishMs = 60_000;
const allowedFailures: ReadonlySet<string> = new Set([
  "ERR_HALFLAP_INVALID_STATE",
  "ERR_HALFLAP_CANCELLED",
  "ERR_HALFLAP_CLOSED",
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

  async run({ kind, frames }: Step): Promise<void> {
    const out = this.#out;
    if (kind === "write") this.#expect(out.write(this.#take(frames)));
    else if (kind === "tryWrite") this.#tryWrite(frames);
    else if (kind === "advance") await this.#card.advance(frames);
    else if (kind === "start") this.#expect(out.start());
    else if (kind === "pause") this.#expect(out.pause());
    else if (kind === "resume") this.#expect(out.resume());
    else if (kind === "drain") this.#expect(out.drain());
    else this.#expect(out.drop());
  }

  /** Plays the rest, whatever the stream is doing now. */
  async finish(): Promise<void> {
    this.#expect(this.#out.drain());
    let settled = false;
    const all = Promise.all(this.#pending).finally(() => settled = true);
    for (let ms = 0; ms < finishMs && !settled; ms += 50) {
      if (this.#out.state === "paused") this.#expect(this.#out.resume());
      await this.#card.advanceMs(50);
    }
    assert.ok(settled, `Still pending, and the stream is ${this.#out.state}`);
    await all;
  }

  #take(frames: number): Int32Array {
    const samples = countingSamples(frames, this.#next);
    this.#next += frames;
    return samples;
  }

  #tryWrite(frames: number): void {
    const taken = this.#out.tryWrite(countingSamples(frames, this.#next));
    assert.ok(taken >= 0 && taken <= frames);
    this.#next += taken;
  }

  #expect(promise: Promise<void>): void {
    this.#pending.push(promise.catch((error: unknown) => {
      assert.ok(error instanceof HalflapError && allowedFailures.has(error.code), String(error));
    }));
  }
}

const programs = (steps: fc.Arbitrary<Step>) =>
  fc.record({
    device,
    canPause: fc.boolean(),
    steps: fc.array(steps, { minLength: 1, maxLength: 25 }),
  });

async function runProgram(
  { device, canPause, steps }: { device: Device; canPause: boolean; steps: Step[] },
): Promise<{ heard: number[]; given: number; stats: ReturnType<PlaybackQueue["stats"]> }> {
  const { access, rate, periodFrames, periods, queueFrames } = device;
  await using card = await openVirtualCard({ canPause });
  const sizes = { access, rate, periodFrames, periods, queueFrames };
  const options = { ...sizes, device: card.device, format: "s32", channels: 1 } as const;
  await using out = await openPlayback(options);
  const program = new Program(out, card);
  for (const step of steps) await program.run(step);
  await program.finish();
  assert.equal(out.state, "prepared");
  return { heard: withoutZeros(card.played()), given: program.given, stats: out.stats() };
}

test("start, pause, resume, drain and xruns lose nothing and repeat nothing", async () => {
  const steps = step.filter(({ kind }) => kind !== "drop");
  const property = fc.asyncProperty(programs(steps), async (program) => {
    const { heard, given, stats } = await runProgram(program);
    assertSameBits(Int32Array.from(heard), countingSamples(given));
    assert.equal(stats.framesAccepted, given);
    assert.equal(stats.framesPlayed, given);
    assert.equal(stats.framesDropped, 0);
  });
  await fc.assert(property, { seed, numRuns: 200 });
});

test("drop loses frames, but none is repeated or out of order", async () => {
  const property = fc.asyncProperty(programs(step), async (program) => {
    const { heard, stats } = await runProgram(program);
    for (const [index, sample] of heard.entries()) {
      assert.ok(sample > (heard[index - 1] ?? 0), `Sample ${sample} follows ${heard[index - 1]}`);
    }
    assert.equal(stats.framesPlayed, heard.length);
    assert.equal(stats.framesQueued, 0);
    assert.equal(stats.framesAccepted, stats.framesPlayed + stats.framesDropped);
  });
  await fc.assert(property, { seed, numRuns: 200 });
});
