/**
 * The limit of locked memory.
 *
 * @module
 */

import type { Examination } from "./check.ts";
import { isContainer } from "./container.ts";
import { readCredentials } from "./credentials.ts";
import { Inaccessible } from "./inaccessible.ts";
import { readLimit } from "./limits.ts";

const BYTES_PER_KIB = 1024;
const ENOUGH_BYTES = 8 * 1024 * BYTES_PER_KIB;

/** The limit of locked memory. */
export const lockedMemory: Examination = {
  id: "locked-memory",
  title: "Locked memory",
  meaning: "The engine locks its queues and rings in memory, some MiB with many streams; what it " +
    "cannot lock may be swapped out, and is late when it is needed.",
  examine(system) {
    const limit = readLimit(system, "Max locked memory");
    if (limit instanceof Inaccessible) return limit;
    const found = limit === Infinity ? "unlimited" : `${Math.floor(limit / BYTES_PER_KIB)} KiB`;
    if (limit >= ENOUGH_BYTES) return { status: "ok", found };
    const credentials = readCredentials(system);
    if (!(credentials instanceof Inaccessible) && credentials.hasIpcLock) {
      return { status: "ok", found: `${found}, and CAP_IPC_LOCK, which needs no limit` };
    }
    const mend = isContainer(system)
      ? 'start the container with "--ulimit memlock=-1"'
      : 'write "@audio - memlock unlimited" into /etc/security/limits.d/audio.conf, add the user ' +
        'to the group "audio" and log in again';
    return { status: "advice", found, mend };
  },
};
