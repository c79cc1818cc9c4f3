/**
 * The faults that a test can put into a virtual card, and their checks.
 *
 * @module
 */

import {
  checkInteger,
  checkNumber,
  checkNumberOrInfinity,
  checkOptions,
  checkWord,
} from "../check.ts";
import { Fault as Native } from "../ffi/abi.generated.ts";

/**
 * The hardware stands still: its pointer does not move, nothing is played, and then it goes on
 * where it stopped. It begins with the next look at the pointer of the running stream.
 */
export interface StallFault {
  /** Which fault it is. */
  readonly kind: "stall";
  /**
   * For how long, in milliseconds of the card's time: a number from 0.001 to 10^9, or Infinity.
   * Preparing the stream anew (as after an xrun) ends a stall too, but not one of Infinity, which
   * lasts until the fault `heal`.
   */
  readonly ms: number;
}

/**
 * At the next look at the pointer of the running stream it is further on than it could be. The
 * frames in between count as played; where they were more than there were, it is an xrun.
 */
export interface PointerJumpFault {
  /** Which fault it is. */
  readonly kind: "pointer-jump";
  /** How many frames further: an integer from 1 to 2147483647. */
  readonly frames: number;
}

/** The next look at the pointer of the running stream finds an xrun, with frames in the ring. */
export interface XrunFault {
  /** Which fault it is. */
  readonly kind: "xrun";
}

/** The next look at the pointer of the running stream finds it suspended, as in a laptop's sleep. */
export interface SuspendFault {
  /** Which fault it is. */
  readonly kind: "suspend";
  /**
   * How the device comes back. `ok`, the default: it goes on where it stopped. `unsupported`: it
   * cannot resume (ENOSYS) and has to be prepared. `lies`: it says that it resumed, once, and did
   * not. `again`: that many times, an integer from 1 to 1000000, it asks to try again (EAGAIN).
   */
  readonly resume?: "ok" | "unsupported" | "lies" | { readonly again: number };
}

/** The device is gone, whatever state it is in, as when a USB cable is pulled. */
export interface DisconnectFault {
  /** Which fault it is. */
  readonly kind: "disconnect";
}

/** Ends a stall. */
export interface HealFault {
  /** Which fault it is. */
  readonly kind: "heal";
}

/** The next attempts to open a stream on the card are refused (EACCES). */
export interface RefuseOpenFault {
  /** Which fault it is. */
  readonly kind: "refuse-open";
  /** How many: an integer from 1 to 1000000. The default is 1. */
  readonly count?: number;
}

/** The next wake-up of the thread that serves the card's streams comes late. */
export interface LateWakeUpFault {
  /** Which fault it is. */
  readonly kind: "late-wake-up";
  /** How much, in milliseconds: a number from 0.001 to 10000. */
  readonly ms: number;
}

/** The next fill of a stream on the card takes long, and uses the CPU all the time. */
export interface SlowFillFault {
  /** Which fault it is. */
  readonly kind: "slow-fill";
  /** How long, in milliseconds: a number from 0.001 to 10000. */
  readonly ms: number;
}

/** The next fill of a stream on the card takes long, because its thread does not get the CPU. */
export interface PreemptedFillFault {
  /** Which fault it is. */
  readonly kind: "preempted-fill";
  /** How long, in milliseconds: a number from 0.001 to 10000. */
  readonly ms: number;
}

/** The streams of the card are woken although nothing is due. */
export interface SpuriousWakeUpFault {
  /** Which fault it is. */
  readonly kind: "spurious-wake-up";
  /** How many times: an integer from 1 to 1000000. The default is 1. */
  readonly count?: number;
}

/** A fault for {@linkcode VirtualCard.injectFault}. */
export type Fault =
  | StallFault
  | PointerJumpFault
  | XrunFault
  | SuspendFault
  | DisconnectFault
  | HealFault
  | RefuseOpenFault
  | LateWakeUpFault
  | SlowFillFault
  | PreemptedFillFault
  | SpuriousWakeUpFault;

/** A fault after the checks. */
export interface CheckedFault {
  /** The engine's `Fault`. */
  readonly native: number;
  /** The engine's amount of it. */
  readonly amount: number;
  /** It belongs to the card as a whole, not to a substream. */
  readonly isOfCard: boolean;
}

interface Kind {
  /** What it has besides its kind. */
  readonly property?: "ms" | "frames" | "count" | "resume";
  readonly isOfCard: boolean;
  /** Checks the value of the property; undefined where there is none. */
  readonly check: (value: unknown) => { readonly native: number; readonly amount: number };
}

const MIN_MS = 0.001;
const MAX_STALL_MS = 1e9;
const MAX_DELAY_MS = 10_000;
const MAX_FRAMES = 2 ** 31 - 1;
const MAX_COUNT = 1_000_000;

const plain = (native: number): Kind => ({
  isOfCard: false,
  check: () => ({ native, amount: 0 }),
});

const delaying = (native: number): Kind => ({
  property: "ms",
  isOfCard: true,
  check: (ms) => ({ native, amount: checkNumber("ms", ms, MIN_MS, MAX_DELAY_MS) }),
});

const counted = (native: number): Kind => ({
  property: "count",
  isOfCard: true,
  check: (count) => ({
    native,
    amount: count === undefined ? 1 : checkInteger("count", count, 1, MAX_COUNT),
  }),
});

const KINDS: { readonly [Name in Fault["kind"]]: Kind } = {
  stall: {
    property: "ms",
    isOfCard: false,
    check: (ms) => ({
      native: Native.stall,
      amount: checkNumberOrInfinity("ms", ms, MIN_MS, MAX_STALL_MS),
    }),
  },
  "pointer-jump": {
    property: "frames",
    isOfCard: false,
    check: (frames) => ({
      native: Native.pointer_jump,
      amount: checkInteger("frames", frames, 1, MAX_FRAMES),
    }),
  },
  xrun: plain(Native.xrun),
  suspend: { property: "resume", isOfCard: false, check: checkResume },
  disconnect: plain(Native.disconnect),
  heal: plain(Native.heal),
  "refuse-open": counted(Native.refuse_open),
  "late-wake-up": delaying(Native.late_wake_up),
  "slow-fill": delaying(Native.slow_fill),
  "preempted-fill": delaying(Native.preempted_fill),
  "spurious-wake-up": counted(Native.spurious_wake_up),
};
const NAMES = Object.keys(KINDS) as Fault["kind"][];

function checkResume(resume: unknown): { native: number; amount: number } {
  if (typeof resume === "object" && resume !== null) {
    const { again } = checkOptions<{ again: number }>('"resume"', resume, ["again"]);
    return { native: Native.resume_again, amount: checkInteger("again", again, 1, MAX_COUNT) };
  }
  const words = ["ok", "unsupported", "lies"] as const;
  switch (resume === undefined ? "ok" : checkWord("resume", resume, words)) {
    case "ok":
      return { native: Native.suspend, amount: 0 };
    case "unsupported":
      return { native: Native.resume_unsupported, amount: 0 };
    case "lies":
      return { native: Native.resume_lies, amount: 0 };
  }
}

/** Checks a fault. */
export function checkFault(fault: unknown): CheckedFault {
  const names = ["kind", "ms", "frames", "count", "resume"] as const;
  const given = checkOptions<Record<typeof names[number], unknown>>("the fault", fault, names);
  const kind = checkWord("kind", given.kind, NAMES);
  const { property, isOfCard, check } = KINDS[kind];
  const known = property === undefined ? ["kind"] as const : ["kind", property] as const;
  checkOptions<typeof given>(`the fault "${kind}"`, fault, known);
  return { ...check(property && given[property]), isOfCard };
}
