/**
 * The realtime threads of other programs that come before ours.
 *
 * @module
 */

import type { Examination } from "./check.ts";
import { Inaccessible } from "./inaccessible.ts";
import { isSoundServer, listProcesses, readProcessName } from "./processes.ts";
import { HIGHEST_PRIORITY } from "./realtime_limit.ts";
import type { System } from "./system.ts";

interface Thread {
  readonly pid: number;
  /** The name of its process. */
  readonly program: string;
  readonly policy: string;
  /** 0 for SCHED_DEADLINE, which has none. */
  readonly priority: number;
  readonly isKernels: boolean;
}

const POLICIES: Readonly<Record<number, string>> = {
  1: "SCHED_FIFO",
  2: "SCHED_RR",
  6: "SCHED_DEADLINE",
};
// Counted from behind the name, which is the second field of /proc/PID/stat (see proc(5)).
const FLAGS_FIELD = 9 - 3;
const PRIORITY_FIELD = 40 - 3;
const POLICY_FIELD = 41 - 3;
const FLAG_KERNEL_THREAD = 0x0020_0000;
const MAX_SHOWN = 5;

/** Reads the text of /proc/PID/stat; undefined where the thread does not come before ours. */
export function parseThread(text: string, pid: number, program: string): Thread | undefined {
  // The name may have spaces and parentheses in it.
  const fields = text.slice(text.lastIndexOf(")") + 1).trim().split(" ").map(Number);
  const priority = fields[PRIORITY_FIELD];
  const policy = POLICIES[fields[POLICY_FIELD] ?? 0];
  if (policy === undefined || priority === undefined) return undefined;
  const comesFirst = policy === "SCHED_DEADLINE" || priority > HIGHEST_PRIORITY;
  if (!comesFirst) return undefined;
  const isKernels = (fields[FLAGS_FIELD]! & FLAG_KERNEL_THREAD) !== 0;
  return { pid, program, policy, priority, isKernels };
}

function findThreads(system: System, pids: readonly number[]): Thread[] {
  return pids.flatMap((pid) => {
    const ids = system.list(`/proc/${pid}/task`);
    // Processes end while one looks at them.
    if (ids instanceof Inaccessible) return [];
    const program = readProcessName(system, pid) ?? "?";
    return ids.flatMap((id) => {
      const text = system.readText(`/proc/${pid}/task/${id}/stat`);
      return text instanceof Inaccessible ? [] : parseThread(text, pid, program) ?? [];
    });
  });
}

/** What are there to run sound in time, or to watch over those that do. */
function isExpected({ program, isKernels }: Thread): boolean {
  return isKernels || isSoundServer(program) || program === "rtkit-daemon";
}

function describe({ pid, program, policy, priority }: Thread): string {
  return `${program} (${pid}) ${policy}${priority > 0 ? ` ${priority}` : ""}`;
}

/** The realtime threads of other programs. */
export const realtimeThreads: Examination = {
  id: "realtime-threads",
  title: "Other threads",
  meaning:
    `Realtime threads with a priority above ${HIGHEST_PRIORITY} make write threads wait for ` +
    "as long as they compute. The kernel's own, sound servers' and RealtimeKit's are expected; a " +
    "container shows only those within it.",
  examine(system) {
    const pids = listProcesses(system);
    if (pids instanceof Inaccessible) return pids;
    const threads = findThreads(system, pids);
    const inTheWay = [
      ...new Set(threads.filter((thread) => !isExpected(thread)).map(describe)),
    ];
    const expected = threads.filter(isExpected).length;
    if (inTheWay.length === 0) {
      return { status: "ok", found: `none in the way, ${expected} expected ones` };
    }
    const rest = inTheWay.length - MAX_SHOWN;
    const shown = inTheWay.slice(0, MAX_SHOWN).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
    return {
      status: "advice",
      found: shown,
      mend: "stop what is not needed, or lower its priority: " +
        `sudo chrt --all-tasks --fifo --pid ${HIGHEST_PRIORITY} PID`,
    };
  },
};
