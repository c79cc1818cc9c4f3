/**
 * Whether this process runs in a container, and what that takes away.
 *
 * @module
 */

import type { Examination } from "./check.ts";
import { readCredentials } from "./credentials.ts";
import { Inaccessible } from "./inaccessible.ts";
import type { System } from "./system.ts";

const MARKS: readonly (readonly [path: string, name: string])[] = [
  ["/.dockerenv", "Docker"],
  ["/run/.containerenv", "Podman"],
  ["/run/systemd/container", "systemd"],
];
const FIRST_PROCESS_GROUPS = "/proc/1/cgroup";
const CONTAINER_GROUP = /\b(docker|kubepods|containerd|libpod|lxc|crio)\b/;

/** What made the container, or undefined where there is no sign of one. */
function findContainer(system: System): string | undefined {
  for (const [path, name] of MARKS) {
    if (!(system.readText(path) instanceof Inaccessible)) return name;
  }
  const groups = system.readText(FIRST_PROCESS_GROUPS);
  return groups instanceof Inaccessible ? undefined : CONTAINER_GROUP.exec(groups)?.[1];
}

/** Whether there are signs of a container. */
export function isContainer(system: System): boolean {
  return findContainer(system) !== undefined;
}

/** Whether this process runs in a container. */
export const container: Examination = {
  id: "container",
  title: "Container",
  meaning:
    "A container has the sound cards, limits and capabilities that it was started with; the " +
    'kernel is the host\'s. The card "virtual" needs none of them.',
  examine(system) {
    const name = findContainer(system);
    const credentials = readCredentials(system);
    if (credentials instanceof Inaccessible) return credentials;
    if (name === undefined) return { status: "ok", found: "none" };
    const { hasSysNice, isFiltered } = credentials;
    const capability = hasSysNice ? "with CAP_SYS_NICE" : "without CAP_SYS_NICE";
    const filter = isFiltered ? "a seccomp filter" : "no seccomp filter";
    return { status: "ok", found: `${name}, ${capability}, ${filter}` };
  },
};
