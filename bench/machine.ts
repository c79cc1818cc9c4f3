/**
 * The machine that the figures are from.
 *
 * @module
 */

import { arch, cpus, loadavg, release } from "node:os";
import { Bench } from "tinybench";

/** What the figures depend on. */
export interface Machine {
  /** `deno` or `bun`. */
  readonly runtime: string;
  /** Its version. */
  readonly runtimeVersion: string;
  /** Model of the processor, as the kernel names it. */
  readonly cpu: string;
  /** Processors that the machine has. */
  readonly cpuCount: number;
  /** Architecture in Node's words. */
  readonly arch: string;
  /** Release of the Linux kernel. */
  readonly kernel: string;
  /** Runnable tasks on average over the last minute, when the run began. Above 1 or so is noise. */
  readonly loadAverage: number;
}

/** Looks at the machine. */
export function describeMachine(): Machine {
  const { runtime, runtimeVersion } = new Bench();
  const processors = cpus();
  return {
    runtime,
    runtimeVersion,
    cpu: processors[0]?.model ?? "unknown",
    cpuCount: processors.length,
    arch: arch(),
    kernel: release(),
    loadAverage: loadavg()[0]!,
  };
}
