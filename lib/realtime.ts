/**
 * Realtime scheduling of the engine's write threads: how to ask for it, and what was granted.
 *
 * @module
 */

import { checkInteger, checkOptions, checkWord } from "./check.ts";
import { Granted, Realtime, StreamOptions } from "./ffi/abi.generated.ts";
import { wordOf } from "./native_word.ts";

/** How the thread that feeds the device is to be scheduled, in detail. */
export interface RealtimeOptions {
  /**
   * Priority of SCHED_FIFO, from 1, the lowest, to 99. When not given, it is chosen from
   * `priorityRange` by the length of the period: the shorter, the higher.
   */
  priority?: number;
  /** Lowest and highest priority to choose from, from 1 to 99. The default is [1, 3]. */
  priorityRange?: readonly [lowest: number, highest: number];
  /** CPUs on which the thread may run, by their numbers from 0 to 127. The default is all. */
  cpus?: readonly number[];
  /**
   * While the stream runs, asks the kernel by /dev/cpu_dma_latency that CPUs wake up within so many
   * microseconds, an integer from 0 to 2147483647: they stay out of deep sleep, which costs power. Not
   * asked for when not given.
   */
  cpuDmaLatencyUs?: number;
}

/**
 * How the thread that feeds the device is to be scheduled. `"auto"`: by SCHED_FIFO with priority 1 to
 * 3, higher for shorter periods, where the system permits it and the PCM runs nobody else's threads;
 * `"off"`: like any other thread; an object: like `"auto"` with other values; a `priority` in it holds
 * in any case.
 */
export type RealtimeOption = "auto" | "off" | RealtimeOptions;

/** How the thread that feeds the device is scheduled. */
export interface GrantedRealtime {
  /** Priority of SCHED_FIFO, or 0 where it is not realtime. */
  readonly priority: number;
  /** Why it is this one. */
  readonly reason: string;
  /** What to do for realtime scheduling, where the system denied it. */
  readonly mend?: string;
  /** CPUs that the thread is kept to; undefined where all are allowed, or these were denied. */
  readonly cpus?: readonly number[] | undefined;
  /** Microseconds asked of /dev/cpu_dma_latency; undefined where none were, or it was denied. */
  readonly cpuDmaLatencyUs?: number | undefined;
}

/** The option after its checks. */
export interface CheckedRealtime {
  /** The engine's number: 0 by the period, -1 none, else a priority. */
  readonly priority: number;
  readonly lowest: number;
  readonly highest: number;
  readonly cpus: readonly number[];
  /** -1 asks for none. */
  readonly cpuDmaLatencyUs: number;
}

const MAX_PRIORITY = 99;
const MAX_CPU = 127;
const MAX_LATENCY_US = 2 ** 31 - 1;
const AUTO: CheckedRealtime = {
  priority: 0,
  lowest: 1,
  highest: 3,
  cpus: [],
  cpuDmaLatencyUs: -1,
};

const REASONS: Readonly<Record<keyof typeof Realtime, string>> = {
  granted: "granted",
  off: "not asked for",
  foreign: "the PCM runs threads or locks of others; a priority has to be asked for by number",
  denied: "the system denied SCHED_FIFO",
  simulated: "a simulated clock has no thread",
};

/** Checks the option. */
export function checkRealtime(value: unknown): CheckedRealtime {
  if (value === undefined) return AUTO;
  if (typeof value !== "object" || value === null) {
    return checkWord("realtime", value, ["auto", "off"]) === "auto"
      ? AUTO
      : { ...AUTO, priority: -1 };
  }
  const given = checkOptions<RealtimeOptions>('the option "realtime"', value, [
    "priority",
    "priorityRange",
    "cpus",
    "cpuDmaLatencyUs",
  ]);
  const { priority, cpuDmaLatencyUs } = given;
  const [lowest, highest] = checkRange(given.priorityRange);
  return {
    priority: priority === undefined ? 0 : checkInteger("priority", priority, 1, MAX_PRIORITY),
    lowest,
    highest,
    cpus: checkCpus(given.cpus),
    cpuDmaLatencyUs: cpuDmaLatencyUs === undefined
      ? AUTO.cpuDmaLatencyUs
      : checkInteger("cpuDmaLatencyUs", cpuDmaLatencyUs, 0, MAX_LATENCY_US),
  };
}

function checkRange(value: unknown): readonly [number, number] {
  if (value === undefined) return [AUTO.lowest, AUTO.highest];
  if (!Array.isArray(value) || value.length !== 2) {
    throw new TypeError('"priorityRange" must be an array of two priorities, the lowest first');
  }
  const lowest = checkInteger("priorityRange[0]", value[0], 1, MAX_PRIORITY);
  return [lowest, checkInteger("priorityRange[1]", value[1], lowest, MAX_PRIORITY)];
}

function checkCpus(value: unknown): readonly number[] {
  if (value === undefined) return [];
  if (!Array.isArray(value) || value.length === 0) {
    throw new TypeError('"cpus" must be an array of at least one number of a CPU');
  }
  const cpus = value.map((cpu, index) => checkInteger(`cpus[${index}]`, cpu, 0, MAX_CPU));
  return [...new Set(cpus)].sort((a, b) => a - b);
}

/** Puts the option into the engine's record. */
export function recordRealtime(record: Float64Array, realtime: CheckedRealtime): void {
  record[StreamOptions.realtime] = realtime.priority;
  record[StreamOptions.realtime_lowest] = realtime.lowest;
  record[StreamOptions.realtime_highest] = realtime.highest;
  record[StreamOptions.cpu_dma_latency_us] = realtime.cpuDmaLatencyUs;
  // 32 CPUs in each of four fields in a row.
  for (const cpu of realtime.cpus) {
    record[StreamOptions.cpus_0 + Math.floor(cpu / 32)]! += 2 ** (cpu % 32);
  }
}

/** Makes the public form of what the engine granted. */
export function realtimeFromNative(record: Float64Array): GrantedRealtime {
  const cpus = cpusFromNative(record);
  const cpuDmaLatencyUs = record[Granted.cpu_dma_latency_us]!;
  const outcome = wordOf(Realtime, record[Granted.realtime]!);
  return Object.freeze({
    priority: record[Granted.realtime_priority]!,
    reason: REASONS[outcome],
    ...(outcome === "denied" ? { mend: mendFor(record) } : {}),
    cpus: cpus.length > 0 ? cpus : undefined,
    cpuDmaLatencyUs: cpuDmaLatencyUs >= 0 ? cpuDmaLatencyUs : undefined,
  });
}

function cpusFromNative(record: Float64Array): number[] {
  const numbers = Array.from({ length: MAX_CPU + 1 }, (_, cpu) => cpu);
  return numbers.filter((cpu) => {
    const bits = record[Granted.cpus_0 + Math.floor(cpu / 32)]!;
    return Math.floor(bits / 2 ** (cpu % 32)) % 2 === 1;
  });
}

function mendFor(record: Float64Array): string {
  const rtkit = record[Granted.has_rtkit] === 1
    ? "; RealtimeKit is installed, but halflap asks the kernel itself"
    : "";
  return `the limit rtprio is ${limitText(record[Granted.rtprio_limit]!)} and memlock ` +
    `${
      limitText(record[Granted.memlock_limit]!, " bytes")
    }, and CAP_SYS_NICE is missing: allow it ` +
    'in /etc/security/limits.d/audio.conf ("@audio - rtprio 95" and "@audio - memlock unlimited"), ' +
    'add the user to the group "audio" and log in again; in a container grant CAP_SYS_NICE' + rtkit;
}

function limitText(limit: number, unit = ""): string {
  return limit < 0 ? "unlimited" : `${limit}${unit}`;
}
