/**
 * The processes that can be seen, as in /proc.
 *
 * @module
 */

import { Inaccessible } from "./inaccessible.ts";
import type { System } from "./system.ts";

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

/** Whether the name is that of a sound server. */
export function isSoundServer(name: string): boolean {
  return /^(pipewire|wireplumber|pulseaudio|jackd)/.test(name);
}
