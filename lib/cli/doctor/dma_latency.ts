/**
 * The device by which programs keep the CPUs awake.
 *
 * @module
 */

import type { Examination } from "./check.ts";

const DEVICE = "/dev/cpu_dma_latency";

/** The device by which programs keep the CPUs awake. */
export const dmaLatency: Examination = {
  id: "cpu-dma-latency",
  title: "cpu_dma_latency",
  meaning:
    `A program that holds ${DEVICE} open keeps the CPUs out of sleep states that take long ` +
    "to leave: wake-ups come sooner, and the battery lasts shorter. halflap does not do it.",
  examine(system) {
    const refusal = system.tryOpen(DEVICE);
    if (refusal === undefined) return { status: "ok", found: "may be opened" };
    if (refusal.reason !== "denied") return refusal;
    return {
      status: "advice",
      found: refusal.why,
      mend: `write 'KERNEL=="cpu_dma_latency", GROUP="audio", MODE="0660"' into ` +
        "/etc/udev/rules.d/40-cpu-dma-latency.rules and restart",
    };
  },
};
