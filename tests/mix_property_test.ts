/**
 * Whatever a program does with the inputs of a mix in whatever order, each input's frames are heard
 * once and in order, or were dropped.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { openVirtualCard, type VirtualCard } from "../lib/testing/mod.ts";
import { HalflapError, mix, type MixQueue, openPlayback, PlaybackMix } from "../mod.ts";
import {
  accesses,
  assertSameBits,
  formats,
  framesOf,
  fromNumbers,
  handled,
  noise,
  test,
  toNumbers,
} from "./harness.ts";
import { runs } from "./seed.ts";

const inputCount = 4;
/** A queue far smaller than the buffer is filled once a wake-up. */
const finishMs = 500_000;
const stepMs = 500;

const device = fc.record({
  access: fc.constantFrom(...accesses),
  layout: fc.constantFrom("interleaved" as const, "noninterleaved" as const),
  periodFrames: fc.integer({ min: 16, max: 700 }),
  periods: fc.integer({ min: 2, max: 9 }),
  queueFrames: fc.integer({ min: 16, max: 3000 }),
});
type Device = typeof device extends fc.Arbitrary<infer T> ? T : never;

const input = fc.nat(inputCount - 1);
const steps = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ kind: fc.constant("write" as const), input, frames: fc.nat(3000) }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant("tryWrite" as const), input, frames: fc.nat(3000) }),
    },
    {
      weight: 6,
      arbitrary: fc.record({ kind: fc.constant("advance" as const), frames: fc.nat(2500) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("drain" as const), input }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("drop" as const), input }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("drainAll" as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("start" as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("pause" as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("resume" as const) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant("late" as const),
        ms: fc.integer({ min: 1, max: 90 }),
      }),
    },
  ),
  { minLength: 1, maxLength: 25 },
);
type Step = typeof steps extends fc.Arbitrary<(infer T)[]> ? T : never;

const allowedFailures: ReadonlySet<string> = new Set([
  "ERR_HALFLAP_CANCELLED",
  "ERR_HALFLAP_INVALID_STATE",
]);

/** Seven bits of each sample belong to an input, so that a sum shows what it was made of. */
class Lane {
  readonly #input: MixQueue<"s32">;
  readonly #shift: number;
  /** What is to be heard, unless it is dropped. */
  #expected: number[] = [];
  #given = 0;
  #next = 0;

  constructor(input: MixQueue<"s32">, index: number) {
    this.#input = input;
    this.#shift = 8 * index;
  }

  write(frames: number): Promise<void> {
    return this.#input.write(this.#take(frames));
  }

  tryWrite(frames: number): void {
    const [before, next] = [this.#expected.length, this.#next];
    const taken = this.#input.tryWrite(this.#take(frames));
    this.#expected.length = before + taken;
    this.#given -= frames - taken;
    this.#next = next + taken;
  }

  drain(): Promise<void> {
    return this.#input.drain();
  }

  drop(): void {
    const { framesAccepted, framesDropped } = this.#input.stats();
    this.#input.drop();
    const dropped = this.#input.stats().framesDropped - framesDropped;
    this.#expected.length -= this.#given - framesAccepted + dropped;
    this.#given = framesAccepted;
  }

  assertHeard(played: Int32Array): void {
    const heard = played.map((sample) => (sample >> this.#shift) & 0x7f).filter((part) => part > 0);
    assertSameBits(heard, Int32Array.from(this.#expected), `Input ${this.#shift / 8}`);
    const { framesAccepted, framesMixed, framesDropped, framesQueued } = this.#input.stats();
    assert.equal(framesAccepted, this.#given);
    assert.equal(framesQueued, 0);
    assert.equal(framesAccepted, framesMixed + framesDropped);
  }

  #take(frames: number): Int32Array {
    const values = Array.from({ length: frames }, (_, index) => (this.#next + index) % 127 + 1);
    this.#next += frames;
    this.#given += frames;
    this.#expected.push(...values);
    return Int32Array.from(values, (value) => value << this.#shift);
  }
}

class Program {
  readonly #out: PlaybackMix;
  readonly #card: VirtualCard;
  readonly #lanes: readonly Lane[];
  readonly #pending: Promise<void>[] = [];

  constructor(out: PlaybackMix, card: VirtualCard) {
    this.#out = out;
    this.#card = card;
    this.#lanes = out.inputs.map((input, index) => new Lane(input as MixQueue<"s32">, index));
  }

  async run(step: Step): Promise<void> {
    const lane = "input" in step ? this.#lanes[step.input]! : this.#lanes[0]!;
    if (step.kind === "write") this.#expect(lane.write(step.frames));
    else if (step.kind === "tryWrite") lane.tryWrite(step.frames);
    else if (step.kind === "advance") await this.#card.advance(step.frames);
    else if (step.kind === "drain") this.#expect(lane.drain());
    else if (step.kind === "drop") lane.drop();
    else if (step.kind === "drainAll") this.#expect(this.#out.drain());
    else if (step.kind === "late") this.#card.injectFault({ kind: "late-wake-up", ms: step.ms });
    else this.#expect(this.#out[step.kind]());
  }

  /** Plays the rest, whatever the stream is doing now, and looks at what was heard. */
  async finish(): Promise<void> {
    this.#expect(this.#out.drain());
    let settled = false;
    const all = handled(this.settle().finally(() => settled = true));
    for (let ms = 0; ms < finishMs && !settled; ms += stepMs) {
      // A drain of the past has stopped it, with writes behind it.
      if (this.#out.state === "prepared") this.#expect(this.#out.start());
      if (this.#out.state === "paused") this.#expect(this.#out.resume());
      await this.#card.advanceMs(stepMs);
    }
    assert.ok(settled, `Still pending, and the stream is ${this.#out.state}`);
    await all;
    const played = this.#card.played() as Int32Array;
    for (const lane of this.#lanes) lane.assertHeard(played);
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

  #expect(promise: Promise<void>): void {
    this.#pending.push(handled(promise));
  }
}

async function runProgram(
  { device, canPause, steps }: {
    readonly device: Device;
    readonly canPause: boolean;
    readonly steps: readonly Step[];
  },
  end: (program: Program, out: PlaybackMix) => Promise<void>,
): Promise<void> {
  const { access, layout, periodFrames, periods, queueFrames } = device;
  await using card = await openVirtualCard({ access: [`${access}-${layout}`], canPause });
  const inputs = Array.from({ length: inputCount }, () => ({ queueFrames }));
  const sizes = { access, rate: 48_000, periodFrames, periods };
  const options = { ...sizes, device: card.device, format: "s32", channels: 1 } as const;
  await using out = await openPlayback({ ...options, source: mix(inputs) });
  assert.ok(out instanceof PlaybackMix);
  const program = new Program(out, card);
  for (const step of steps) await program.run(step);
  await end(program, out);
}

const programs = fc.record({ device, canPause: fc.boolean(), steps });

test("every frame of every input is heard once and in order, or was dropped", async () => {
  const property = fc.asyncProperty(
    programs,
    (program) => runProgram(program, (running) => running.finish()),
  );
  await fc.assert(property, runs(250));
});

test("close settles everything, whatever the inputs were doing", async () => {
  const property = fc.asyncProperty(
    programs,
    (program) =>
      runProgram(program, async (running, out) => {
        await out.close();
        await running.settle("ERR_HALFLAP_CLOSED");
        await out.closed;
      }),
  );
  await fc.assert(property, runs(150));
});

const sums = fc.record({
  device,
  format: fc.constantFrom(...formats),
  channels: fc.integer({ min: 1, max: 9 }),
  lengths: fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 6 }),
});

/** Values of 1/128 from -4 to 4: exact in every format, and so is a sum of six of them. */
function exactSamples(frames: number, channels: number, seed: number): number[] {
  const bits = noise("u8", frames, channels, seed);
  return Array.from(bits, (value) => (Number(value) % 9 - 4) / 128);
}

test("a sum of any inputs is exact on any device", async () => {
  const property = fc.asyncProperty(sums, async ({ device, format, channels, lengths }) => {
    const { access, layout, periodFrames, periods } = device;
    await using card = await openVirtualCard({ access: [`${access}-${layout}`] });
    const rows = lengths.map((frames, index) => exactSamples(frames, channels, index));
    const inputs = lengths.map((queueFrames) => ({ queueFrames: Math.max(16, queueFrames) }));
    const options = { device: card.device, access, rate: 48_000, periodFrames, periods };
    await using out = await openPlayback({
      ...options,
      format,
      channels,
      source: mix(inputs),
      startThreshold: Infinity,
    });
    const writes = out.inputs.map((input, index) => input.write(fromNumbers(rows[index]!, format)));
    await Promise.all(writes);
    const drained = handled(out.drain());
    while (out.state !== "prepared" || out.stats().framesPlayed === 0) await card.advance(997);
    await drained;
    const frames = Math.max(...lengths);
    const heard = toNumbers(framesOf(card.played(), format, channels, 0, frames), format);
    const expected = Float64Array.from(
      { length: frames * channels },
      (_, index) => rows.reduce((sum, row) => sum + (row[index] ?? 0), 0),
    );
    // Zeros have one sign only.
    assert.deepEqual(heard.map((value) => value + 0), expected.map((value) => value + 0));
  });
  await fc.assert(property, runs(150));
});
