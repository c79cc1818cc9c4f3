/**
 * Random schedules of faults: what a producer does meanwhile, and what may become of it. Sizes are in
 * parts of a buffer, so that they mean the same to every stream.
 */
import fc from "fast-check";
import type { Fault, SuspendFault } from "../../lib/testing/mod.ts";
import type { XrunCause } from "../../mod.ts";
import { bufferOf, type Setup, setups } from "./random_setup.ts";

export type Step =
  /** Time passes, and the producer keeps its queue full. */
  | { readonly kind: "play"; readonly buffers: number }
  /** The producer is late by so much. */
  | { readonly kind: "starve"; readonly buffers: number }
  | { readonly kind: "pause"; readonly buffers: number }
  /** All that was written is to be played; nothing is written any more. */
  | { readonly kind: "drain" }
  | { readonly kind: "fault"; readonly fault: RandomFault };

/** A fault of which the amount, where it has one, is in parts of a buffer. */
export type RandomFault =
  | { readonly kind: "late-wake-up" | "slow-fill" | "preempted-fill"; readonly buffers: number }
  | { readonly kind: "pointer-jump"; readonly buffers: number }
  | Extract<Fault, { kind: "stall" | "xrun" | "suspend" | "spurious-wake-up" | "disconnect" }>;

export interface Schedule {
  readonly setup: Setup;
  /** Streams that play on the same card, in the same group. */
  readonly neighbours: number;
  readonly steps: readonly Step[];
}

type Resume = NonNullable<SuspendFault["resume"]>;

const parts = (max: number) =>
  fc.integer({ min: 1, max: 100 * max }).map((percent) => percent / 100);

/** Any fault that a stream survives. */
export const faults: fc.Arbitrary<RandomFault> = fc.oneof(
  fc.record({
    kind: fc.constantFrom("late-wake-up", "slow-fill", "preempted-fill"),
    buffers: parts(3),
  }),
  fc.record({ kind: fc.constant("pointer-jump"), buffers: parts(3) }),
  // All of a schedule together are shorter than what makes a device dead.
  fc.record({ kind: fc.constant("stall"), ms: fc.integer({ min: 1, max: 12 }) }),
  fc.record({ kind: fc.constant("xrun") }),
  fc.record({
    kind: fc.constant("suspend"),
    resume: fc.constantFrom<Resume>("ok", "unsupported", "lies", { again: 1 }),
  }),
  fc.record({ kind: fc.constant("spurious-wake-up"), count: fc.integer({ min: 1, max: 40 }) }),
);

const faultSteps = faults.map((fault): Step => ({ kind: "fault", fault }));
const losses = fc.constantFrom<RandomFault>({ kind: "disconnect" }, {
  kind: "stall",
  ms: Infinity,
});

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant("play"), buffers: parts(3) }) },
  { weight: 8, arbitrary: faultSteps },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("starve"), buffers: parts(3) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("pause"), buffers: parts(3) }) },
);

const most = fc.array(steps, { minLength: 2, maxLength: 12 });
const drained = fc.tuple(most, fc.array(faultSteps, { maxLength: 2 }), parts(1), faultSteps)
  .map(([before, soon, buffers, late]): Step[] => {
    return [...before, { kind: "drain" }, ...soon, { kind: "play", buffers }, late];
  });
const lost = fc.tuple(most, parts(2), losses)
  .map(([before, buffers, fault]): Step[] => {
    return [...before, { kind: "play", buffers }, { kind: "fault", fault }];
  });

export const schedules: fc.Arbitrary<Schedule> = fc.record({
  setup: setups,
  neighbours: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.constant(3)),
  steps: fc.oneof(
    { weight: 6, arbitrary: most },
    { weight: 2, arbitrary: drained },
    { weight: 1, arbitrary: lost },
  ),
});

/** A card records 2 s at most at one go: three faults at once are to stay below that. */
const maxDelayMs = 500;

/** The fault in the card's units. */
export function faultFor(setup: Setup, fault: RandomFault): Fault {
  if (!("buffers" in fault)) return fault;
  const frames = Math.max(1, Math.round(fault.buffers * bufferOf(setup)));
  if (fault.kind === "pointer-jump") return { kind: fault.kind, frames };
  return { kind: fault.kind, ms: Math.min(frames / setup.rate * 1000, maxDelayMs) };
}

/** What an xrun of it can be put down to. */
export const causeOf: Readonly<Record<RandomFault["kind"], XrunCause | undefined>> = {
  "late-wake-up": "scheduling",
  "slow-fill": "processing",
  "preempted-fill": "scheduling",
  "pointer-jump": "device",
  "stall": undefined,
  "xrun": "device",
  "suspend": undefined,
  "spurious-wake-up": undefined,
  "disconnect": "device",
};

/** Whether the fault keeps the thread from all streams of the group. */
export const isOfThread = ({ kind }: RandomFault): boolean =>
  kind === "late-wake-up" || kind === "slow-fill" || kind === "preempted-fill";

/** Whether it strikes at the next look at the stream's pointer. */
export const isOfHardware = (fault: RandomFault): boolean =>
  !isOfThread(fault) && fault.kind !== "spurious-wake-up";

/** Whether frames in the ring are lost by it. */
export const losesRing = (fault: RandomFault): boolean =>
  fault.kind === "xrun" || isLoss(fault) ||
  fault.kind === "suspend" && (fault.resume === "unsupported" || fault.resume === "lies");

/** Whether it is the end of the device. */
export const isLoss = (fault: RandomFault): boolean =>
  fault.kind === "disconnect" || fault.kind === "stall" && fault.ms === Infinity;
