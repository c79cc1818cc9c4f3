/** What an observed write thread did that no realtime thread may do. */
import { isSleep, permittedCalls, type SystemCall } from "./permitted_calls.ts";

/** What the observer reports of one thread. */
export interface ObservedThread {
  readonly minorFaults: number;
  readonly majorFaults: number;
  /** Of the first faults, where the system lets us see it: what was touched, and from where. */
  readonly faults: readonly (readonly [address: string, instruction: string])[];
  readonly voluntarySwitches: number;
  readonly involuntarySwitches: number;
  readonly systemCalls: readonly SystemCall[];
  /** What was counted of the calls into libc that allocate or lock. */
  readonly libraryCalls: readonly LibraryCalls[];
}

interface LibraryCalls {
  readonly name: string;
  readonly count: number;
  readonly callers: readonly string[];
}

export type ViolationKind =
  | "allocation"
  | "contended lock"
  | "log"
  | "page fault"
  | "shared lock"
  | "system call";

export interface Violation {
  readonly kind: ViolationKind;
  readonly text: string;
}

const kindsOfLocks: Readonly<Record<string, ViolationKind>> = {
  contended_lock: "contended lock",
  shared_lock: "shared lock",
  untracked_lock: "shared lock",
};

/** Standard output and standard error. */
const logDescriptors: readonly unknown[] = [1, 2];

function describe({ name, count, callers, ...facts }: LibraryCalls): string {
  return `${count} x ${name} ${JSON.stringify(facts)} by ${callers.join(" < ")}`;
}

/**
 * The word that the thread sleeps on: a lock is never waited for with a timeout. There may be no
 * timed sleep where a device is brought back again and again.
 */
function sleepOf({ systemCalls }: ObservedThread): number | undefined {
  const sleeps = systemCalls.filter(isSleep);
  return (sleeps.find(({ timed }) => timed) ?? sleeps[0])?.address;
}

/** How often the thread went to sleep. */
export function sleepsOf(thread: ObservedThread): number {
  const sleep = sleepOf(thread);
  const sleeps = thread.systemCalls.filter((call) => isSleep(call) && call.address === sleep);
  return sleeps.reduce((sum, { count }) => sum + count, 0);
}

function kindOf({ name, descriptor }: SystemCall): ViolationKind {
  if (name === "futex") return "contended lock";
  return name === "write" && logDescriptors.includes(descriptor) ? "log" : "system call";
}

export function violationsOf(thread: ObservedThread): readonly Violation[] {
  const sleep = sleepOf(thread);
  const forbidden = thread.systemCalls.filter((call) =>
    !permittedCalls.some(({ name, only }) => name === call.name && (only?.(call, sleep) ?? true))
  );
  const violations = [
    ...forbidden.map((call) => ({ kind: kindOf(call), text: describe(call) })),
    ...thread.libraryCalls.map((calls) => ({
      kind: kindsOfLocks[calls.name] ?? "allocation",
      text: describe(calls),
    })),
  ];
  const { minorFaults, majorFaults, faults } = thread;
  if (minorFaults + majorFaults > 0) {
    const places = faults.map(([address, instruction]) => `${address} by ${instruction}`);
    const text = `${minorFaults} minor, ${majorFaults} major: ${places.join(", ")}`;
    violations.push({ kind: "page fault", text });
  }
  return violations;
}
