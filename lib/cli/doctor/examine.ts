/**
 * Everything the doctor looks at.
 *
 * @module
 */

import { busyDevices } from "./busy_devices.ts";
import { type Check, check, type Examination } from "./check.ts";
import { clocksource } from "./clocksource.ts";
import { container } from "./container.ts";
import { cpuQuota } from "./cpu_quota.ts";
import { deviceAccess } from "./device_access.ts";
import { dmaLatency } from "./dma_latency.ts";
import { governor } from "./governor.ts";
import { libasound } from "./libasound.ts";
import { lockedMemory } from "./locked_memory.ts";
import { preemption } from "./preemption.ts";
import { realtimeGroup } from "./realtime_group.ts";
import { realtimeLimit } from "./realtime_limit.ts";
import { realtimeScheduling } from "./realtime_scheduling.ts";
import { realtimeThreads } from "./realtime_threads.ts";
import { realtimeThrottling } from "./realtime_throttling.ts";
import { realtimeTimeout } from "./realtime_timeout.ts";
import { rtkit } from "./rtkit.ts";
import { soundCards } from "./sound_cards.ts";
import { swappiness } from "./swappiness.ts";
import type { System } from "./system.ts";
import { timers } from "./timers.ts";

/** What belongs together, in the order of the report. */
const AREAS: Readonly<Record<string, readonly Examination[]>> = {
  Sound: [libasound, soundCards, deviceAccess, busyDevices],
  "Realtime scheduling": [
    ...[realtimeScheduling, realtimeLimit, realtimeTimeout, realtimeThrottling],
    ...[realtimeThreads, rtkit],
  ],
  Container: [container, realtimeGroup, cpuQuota],
  Memory: [lockedMemory, swappiness],
  "Kernel and CPU": [preemption, timers, clocksource, governor, dmaLatency],
};

/** Looks at everything. */
export async function examineSystem(system: System): Promise<Check[]> {
  const checks: Check[] = [];
  for (const [area, examinations] of Object.entries(AREAS)) {
    for (const examination of examinations) checks.push(await check(area, examination, system));
  }
  return checks;
}
