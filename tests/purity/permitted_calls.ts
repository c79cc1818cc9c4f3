/**
 * The system calls that a write thread may make: all of them, each with the reason. Whatever is not
 * in this table fails the test.
 */
import { readFileSync } from "node:fs";

/** System calls of one thread that are alike, as the observer reports them. */
export interface SystemCall {
  readonly name: string;
  readonly number: number;
  readonly count: number;
  /** Where the first of them was made, the innermost place first. */
  readonly callers: readonly string[];
  /** Of futex: the word. */
  readonly address?: number;
  /** Of futex. */
  readonly operation?: number;
  /** Of futex: it returns in any case. */
  readonly timed?: boolean;
  /** Of calls on a descriptor. */
  readonly descriptor?: number;
  /** Of calls on a descriptor: the file, or what it is otherwise. */
  readonly target?: string;
  /** Of calls on a descriptor: it never waits. */
  readonly nonblocking?: boolean;
  /** Of clock_gettime the clock, of getrusage whose usage. */
  readonly subject?: number;
}

export interface PermittedCall {
  readonly name: string;
  readonly reason: string;
  /** `sleep` is the word that the thread sleeps on. */
  readonly only?: (call: SystemCall, sleep: number | undefined) => boolean;
}

const futexWake = 1;
const futexWaitBitset = 9;
const futexPrivate = 128;
const clockMonotonic = 1;
const clockThreadCputimeId = 3;
const rusageThread = 1;

const clockSourceFile = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
const sourcesOfTheVdso = ["tsc", "kvm-clock", "hyperv_clocksource_tsc_page", "arch_sys_counter"];

function vdsoReadsTheClock(): boolean {
  return sourcesOfTheVdso.includes(readFileSync(clockSourceFile, "utf8").trim());
}

/**
 * A thread sleeps on one word, its group's signal, and always in this way. A lock is another word.
 */
export function isSleep({ name, operation }: SystemCall): boolean {
  return name === "futex" && operation === (futexWaitBitset | futexPrivate);
}

export const permittedCalls: readonly PermittedCall[] = [
  {
    name: "futex",
    reason: "The sleep: until the next deadline, or while nothing plays until a ring.",
    only: (call, sleep) => isSleep(call) && call.address === sleep,
  },
  {
    name: "restart_syscall",
    reason: "The kernel goes on with the sleep that the observer interrupted to begin.",
  },
  {
    name: "futex",
    reason: "Wakes the janitor, a realm or the card's tap, and waits for none of them.",
    only: ({ operation }) => operation === (futexWake | futexPrivate),
  },
  {
    name: "write",
    reason: "The doorbell of a realm in Bun: a byte into a pipe that never waits.",
    only: ({ descriptor = 0, target = "", nonblocking = false }) =>
      descriptor > 2 && target.startsWith("pipe:") && nonblocking,
  },
  {
    name: "ioctl",
    reason: "How libasound moves the pointers of a sound card; the device is opened non-blocking.",
    only: ({ target = "", nonblocking = false }) =>
      target.startsWith("/dev/snd/pcm") && nonblocking,
  },
  {
    name: "clock_gettime",
    reason: "The processor time of the thread, which no vDSO has: how long a fill took.",
    only: ({ subject }) => subject === clockThreadCputimeId,
  },
  {
    name: "clock_gettime",
    reason: "The time, where the machine's clock source cannot be read without a system call.",
    only: ({ subject }) => subject === clockMonotonic && !vdsoReadsTheClock(),
  },
  {
    name: "getrusage",
    reason:
      "Page faults and involuntary switches of the thread: evidence for the cause of an xrun.",
    only: ({ subject }) => subject === rusageThread,
  },
  {
    name: "pread64",
    reason: "Run-queue delay of the thread: evidence for the cause of an xrun.",
    only: ({ target = "" }) => /^\/proc\/\d+\/task\/\d+\/schedstat$/.test(target),
  },
];
