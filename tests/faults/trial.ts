/** One fault, put into a stream that is otherwise undisturbed, and what the stream says of it. */
import fc from "fast-check";
import type { Fault } from "../../lib/testing/mod.ts";
import { openPlayback, type XrunCause, type XrunPolicy } from "../../mod.ts";
import { countingSamples, watch } from "../harness.ts";
import { bufferOf, openSetup, type Setup, setups } from "./random_setup.ts";

/** What a stream told: nothing, one xrun, or too many; and whether it counted what was not there. */
export type Verdict = "none" | XrunCause | "several" | "false alarm";

export const verdicts: readonly Verdict[] = [
  "none",
  "producer",
  "scheduling",
  "processing",
  "device",
  "several",
  "false alarm",
];

export interface Trial {
  readonly setup: Setup;
  /** When the fault is put in, in buffers. */
  readonly atBuffers: number;
  /** Its amount in parts of its range. */
  readonly amount: number;
}

export const trials: fc.Arbitrary<Trial> = fc.record({
  setup: setups,
  atBuffers: fc.double({ min: 1, max: 6, noNaN: true }),
  amount: fc.double({ min: 0, max: 1, noNaN: true }),
});

/** Frames, of a stream and a part of the range. */
type Amount = (setup: Setup, part: number) => number;

/** Clearly less than the ring holds at a wake-up: with 4 periods and more that is half of it. */
const less: Amount = ({ periodFrames, periods }, part) =>
  1 + 0.8 * part * (periods >= 4 ? periodFrames * periods / 2 : periodFrames * (periods - 1));
/** More than it can ever hold. */
const more: Amount = (setup, part) => bufferOf(setup) * (1.05 + 3 * part);

export interface Row {
  readonly name: string;
  readonly right: Verdict;
  readonly fault?: (trial: Trial) => Fault;
  /** The producer is late instead. */
  readonly isLate?: boolean;
}

const delay =
  (kind: "late-wake-up" | "slow-fill" | "preempted-fill", amountOf: Amount) =>
  ({ setup, amount }: Trial): Fault => ({ kind, ms: amountOf(setup, amount) / setup.rate * 1000 });

const jump = (amountOf: Amount) => ({ setup, amount }: Trial): Fault => ({
  kind: "pointer-jump",
  frames: Math.round(amountOf(setup, amount)),
});

export const rows: readonly Row[] = [
  { name: "none", right: "none" },
  { name: "late producer", right: "producer", isLate: true },
  { name: "late wake-up, in time", right: "none", fault: delay("late-wake-up", less) },
  { name: "late wake-up, too late", right: "scheduling", fault: delay("late-wake-up", more) },
  { name: "slow fill, in time", right: "none", fault: delay("slow-fill", less) },
  { name: "slow fill, too slow", right: "processing", fault: delay("slow-fill", more) },
  { name: "preempted fill, in time", right: "none", fault: delay("preempted-fill", less) },
  { name: "preempted fill, too late", right: "scheduling", fault: delay("preempted-fill", more) },
  {
    name: "spurious wake-ups",
    right: "none",
    fault: ({ amount }) => ({ kind: "spurious-wake-up", count: 1 + Math.floor(40 * amount) }),
  },
  {
    name: "stall",
    right: "none",
    fault: ({ amount }) => ({ kind: "stall", ms: 1 + 150 * amount }),
  },
  {
    name: "stall for ever",
    right: "device",
    fault: () => ({ kind: "stall", ms: Infinity }),
  },
  { name: "pointer jump within the ring", right: "none", fault: jump(less) },
  { name: "pointer jump past it", right: "device", fault: jump(more) },
  { name: "xrun with frames left", right: "device", fault: () => ({ kind: "xrun" }) },
  { name: "suspend", right: "none", fault: () => ({ kind: "suspend" }) },
  {
    name: "suspend, resume unsupported",
    right: "none",
    fault: () => ({ kind: "suspend", resume: "unsupported" }),
  },
  {
    name: "suspend, resume lies",
    right: "none",
    fault: () => ({ kind: "suspend", resume: "lies" }),
  },
  { name: "disconnect", right: "device", fault: () => ({ kind: "disconnect" }) },
];

/** Plays until whatever the fault did is over, and says what the stream told. */
export async function tryFault(
  row: Row,
  trial: Trial,
  policy: XrunPolicy,
  access: "mmap" | "write",
): Promise<Verdict> {
  const { setup, atBuffers } = trial;
  const { rate, periodFrames, periods } = setup;
  await using card = await openSetup(setup);
  const bufferFrames = bufferOf(setup);
  const afterFrames = 12 * bufferFrames + Math.ceil(0.5 * rate);
  const frames = row.isLate ? 8 * bufferFrames : 20 * bufferFrames + afterFrames;
  const sizes = { format: "s32", channels: 1, rate, periodFrames, periods } as const;
  const options = { ...sizes, access, xrunPolicy: policy, queueFrames: frames };
  await using out = await openPlayback({ ...options, device: card.device });
  const causes: XrunCause[] = [];
  out.addEventListener("xrun", ({ cause }) => causes.push(cause));
  const closed = watch(out.closed);
  await out.write(countingSamples(frames));
  await card.advance(Math.round(atBuffers * bufferFrames));
  if (row.fault) card.injectFault(row.fault(trial));
  await card.advance(afterFrames);
  if (causes.length > 1) return "several";
  const [cause = "none"] = causes;
  if (row.fault || row.isLate || closed.state !== "pending") return cause;
  const { pointerJumps, pointerStalls, clockDemotions, recoveries } = out.stats();
  const alarms = pointerJumps + pointerStalls + clockDemotions + recoveries;
  return alarms > 0 ? "false alarm" : cause;
}
