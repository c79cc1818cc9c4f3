/**
 * The processes that can be seen, as in /proc.
 *
 * @module
 */

import { Inaccessible } from "./inaccessible.ts";
import type { System } from "./system.ts";

const THREAD_GROUP = /^Tgid:\s*(\d+)$/m;

/** The numbers of all processes. */
export function listProcesses(system: System): number[] | Inaccessible {
  const names = system.list("/proc");
  if (names instanceof Inaccessible) return names;
  return names.filter((name) => /^\d+$/.test(name)).map(Number);
}

/** The name of a process, which can have ended meanwhile. */
export function readProcessName(system: System, pid: number): string | undefined {
  const name = system.readText(`/proc/${pid}/comm`);
  return name instanceof Inaccessible ? undefined : name.trimEnd();
}

/** Says what process has a PCM open, by the thread that opened it. */
export function describeOwner(system: System, thread: number): string {
  const status = system.readText(`/proc/${thread}/status`);
  const group = status instanceof Inaccessible ? undefined : THREAD_GROUP.exec(status)?.[1];
  const pid = Number(group ?? thread);
  // The kernel says 0 of a process in another container.
  const name = pid === 0 ? undefined : readProcessName(system, pid);
  return name === undefined ? "a process that cannot be seen from here" : `${name} (${pid})`;
}

/** Whether the name is that of a sound server. */
export function isSoundServer(name: string): boolean {
  return /^(pipewire|wireplumber|pulseaudio|jackd)/.test(name);
}
