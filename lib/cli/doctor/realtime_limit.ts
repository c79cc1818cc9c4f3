/**
 * The limit of realtime priorities.
 *
 * @module
 */

import type { Examination } from "./check.ts";
import { isContainer } from "./container.ts";
import { type Credentials, readCredentials } from "./credentials.ts";
import { Inaccessible } from "./inaccessible.ts";
import { readLimit } from "./limits.ts";
import type { System } from "./system.ts";

/** The highest priority that the engine gives to a write thread by itself. */
export const HIGHEST_PRIORITY = 3;

const MEND =
  'write "@audio - rtprio 95" into /etc/security/limits.d/audio.conf, add the user to the group ' +
  '"audio" and log in again; for a service of systemd, set LimitRTPRIO=95';
const CONTAINER_MEND =
  'start the container with "--ulimit rtprio=95" or "--cap-add SYS_NICE"; neither helps where ' +
  "the host denies it to the container's runtime";

/** What to do where the limit is too low. */
export function mendRealtimeLimit(system: System): string {
  return isContainer(system) ? CONTAINER_MEND : MEND;
}

/** Whether the limit or a capability permits every priority of the engine's. */
export function permitsRealtime(system: System): boolean | Inaccessible {
  const limit = readLimit(system, "Max realtime priority");
  const credentials = readCredentials(system);
  if (isCapable(credentials)) return true;
  return limit instanceof Inaccessible ? limit : limit >= HIGHEST_PRIORITY;
}

function isCapable(credentials: Credentials | Inaccessible): boolean {
  return !(credentials instanceof Inaccessible) && credentials.hasSysNice;
}

/** The limit of realtime priorities. */
export const realtimeLimit: Examination = {
  id: "realtime-limit",
  title: "Priority limit",
  meaning:
    `Write threads run with priority 1 to ${HIGHEST_PRIORITY}, the shorter their period the ` +
    "higher; without realtime scheduling any busy program can make them late.",
  examine(system) {
    const limit = readLimit(system, "Max realtime priority");
    if (limit instanceof Inaccessible) return limit;
    if (isCapable(readCredentials(system))) {
      return { status: "ok", found: `${limit}, and CAP_SYS_NICE, which needs no limit` };
    }
    if (limit >= HIGHEST_PRIORITY) return { status: "ok", found: String(limit) };
    const mend = mendRealtimeLimit(system);
    if (limit > 0) return { status: "advice", found: `${limit}: too low for short periods`, mend };
    return { status: "problem", found: "0, and no CAP_SYS_NICE", mend };
  },
};
