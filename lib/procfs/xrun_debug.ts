/**
 * `card0/pcm0p/xrun_debug`: what the kernel logs of a PCM's xruns and pointers.
 *
 * @module
 */

import { parseCount } from "./values.ts";

/**
 * What the kernel can log of a PCM:
 *
 * - `basic`: each xrun, and each pointer that cannot be right.
 * - `stack`: with them, the stack of the kernel's calls.
 * - `jiffies`: a pointer that moved faster than time is found and corrected, and logged by `basic`.
 * - `periodupdate`, `hwptrupdate`: each update of the pointer, at period interrupts and at others.
 * - `log`, `logonce`: the last ten positions with each error, or with the first one.
 *
 * The last four are in Linux 2.6.31 to 3.18 alone; later kernels keep the bits and ignore them.
 */
export type XrunDebugFlag =
  | "basic"
  | "stack"
  | "jiffies"
  | "periodupdate"
  | "hwptrupdate"
  | "log"
  | "logonce";

/** What the kernel logs of a PCM. */
export interface XrunDebug {
  /** The mask as the kernel has it. */
  readonly mask: number;
  /** The flags in the mask. */
  readonly flags: readonly XrunDebugFlag[];
  /** Bits of the mask that halflap has no name for. */
  readonly unknownBits: number;
}

/** The flags, each at the place of its bit. */
export const XRUN_DEBUG_FLAGS: readonly XrunDebugFlag[] = [
  ...["basic", "stack", "jiffies", "periodupdate", "hwptrupdate", "log", "logonce"] as const,
];

const MAX_MASK = 0xffff_ffff;
const KNOWN_BITS = 2 ** XRUN_DEBUG_FLAGS.length - 1;

/** Parses the file; undefined if it makes no sense. */
export function parseXrunDebug(text: string): XrunDebug | undefined {
  // The kernel prints its unsigned integer as a signed one.
  const isNegative = text.startsWith("-");
  const size = parseCount(text.slice(isNegative ? 1 : 0).trim());
  if (size === undefined || !text.endsWith("\n") || size > MAX_MASK) return undefined;
  const mask = (isNegative ? -size : size) >>> 0;
  const flags = XRUN_DEBUG_FLAGS.filter((_, bit) => (mask & 1 << bit) !== 0);
  return { mask, flags, unknownBits: (mask & ~KNOWN_BITS) >>> 0 };
}

/** The mask of these flags. */
export function xrunDebugMask(flags: readonly XrunDebugFlag[]): number {
  return flags.reduce((mask, flag) => mask | 1 << XRUN_DEBUG_FLAGS.indexOf(flag), 0);
}
