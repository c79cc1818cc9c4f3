/**
 * What this process may do, as in /proc/self/status.
 *
 * @module
 */

import { Inaccessible } from "./inaccessible.ts";
import type { System } from "./system.ts";

/** What this process may do. */
export interface Credentials {
  /** Whether it may use any scheduling policy. */
  readonly hasSysNice: boolean;
  /** Whether it may lock any amount of memory. */
  readonly hasIpcLock: boolean;
  /** Whether a filter refuses some of its system calls. */
  readonly isFiltered: boolean;
  /** The numbers of its groups. */
  readonly groups: ReadonlySet<number>;
}

const STATUS_FILE = "/proc/self/status";
const USER_MAP_FILE = "/proc/self/uid_map";

const CAP_IPC_LOCK = 14n;
const CAP_SYS_NICE = 23n;
const SECCOMP_MODE_FILTER = 2;

const CAPABILITIES = /^CapEff:\s*([0-9a-f]{1,16})$/m;
const GROUP = /^Gid:\s*\d+\s+(\d+)/m;
const GROUPS = /^Groups:((?:\s*\d+)*)\s*$/m;
const SECCOMP = /^Seccomp:\s*(\d)$/m;
const INITIAL_USER_MAP = /^\s*0\s+0\s+4294967295\s*$/;

/** Reads what this process may do. */
export function readCredentials(system: System): Credentials | Inaccessible {
  const text = system.readText(STATUS_FILE);
  if (text instanceof Inaccessible) return text;
  const capabilities = CAPABILITIES.exec(text)?.[1];
  const group = GROUP.exec(text)?.[1];
  if (capabilities === undefined || group === undefined) {
    return new Inaccessible(STATUS_FILE, "malformed", text);
  }
  const effective = isInitialUserNamespace(system) ? BigInt(`0x${capabilities}`) : 0n;
  const others = GROUPS.exec(text)?.[1]?.match(/\d+/g) ?? [];
  return {
    hasSysNice: (effective >> CAP_SYS_NICE & 1n) === 1n,
    hasIpcLock: (effective >> CAP_IPC_LOCK & 1n) === 1n,
    isFiltered: Number(SECCOMP.exec(text)?.[1]) === SECCOMP_MODE_FILTER,
    groups: new Set([group, ...others].map(Number)),
  };
}

// In a user namespace of its own, as rootless containers have, a process holds all capabilities,
// but for scheduling and locked memory the kernel asks for those of the initial one.
function isInitialUserNamespace(system: System): boolean {
  const map = system.readText(USER_MAP_FILE);
  return map instanceof Inaccessible || INITIAL_USER_MAP.test(map);
}
