/**
 * RealtimeKit, which gives realtime scheduling to programs that must not take it.
 *
 * @module
 */

import type { Examination } from "./check.ts";
import { Inaccessible } from "./inaccessible.ts";
import { listProcesses, readProcessName } from "./processes.ts";
import { permitsRealtime } from "./realtime_limit.ts";

const SERVICE_FILE = "/usr/share/dbus-1/system-services/org.freedesktop.RealtimeKit1.service";

/** RealtimeKit. */
export const rtkit: Examination = {
  id: "rtkit",
  title: "RealtimeKit",
  meaning: "Sound servers get realtime scheduling from it where the limits deny it; halflap asks " +
    "the kernel itself and does not need it.",
  examine(system) {
    const pids = listProcesses(system);
    if (pids instanceof Inaccessible) return pids;
    const isRunning = pids.some((pid) => readProcessName(system, pid) === "rtkit-daemon");
    if (isRunning) return { status: "ok", found: "running" };
    const service = system.readText(SERVICE_FILE);
    if (!(service instanceof Inaccessible)) return { status: "ok", found: "started when needed" };
    if (service.reason !== "missing") return service;
    if (permitsRealtime(system) === true) {
      return { status: "ok", found: "not installed, and not needed: the limits suffice" };
    }
    const mend = 'install it ("apt-get install rtkit") where a sound server runs';
    return { status: "advice", found: "not installed", mend };
  },
};
