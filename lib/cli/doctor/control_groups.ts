/**
 * The control groups of this process, as in /proc/self/cgroup.
 *
 * @module
 */

import { Inaccessible } from "./inaccessible.ts";
import type { System } from "./system.ts";

const GROUPS_FILE = "/proc/self/cgroup";
// "4:cpu,cpuacct:/docker/0f3a" in version 1, "0::/user.slice" in version 2
const GROUP_LINE = /^\d+:(.*?):(\/.*)$/gm;
const MOUNT = "/sys/fs/cgroup";

/**
 * The folders of this process's group of the cpu controller and of those around it, from the
 * innermost. Some may not exist: a container sees its own group in the place of the root.
 *
 * @param version The version of control groups.
 */
export function cpuGroupFolders(system: System, version: 1 | 2): string[] | Inaccessible {
  const text = system.readText(GROUPS_FILE);
  // A kernel without control groups has no such file.
  if (text instanceof Inaccessible) return text.reason === "missing" ? [] : text;
  const lines = [...text.matchAll(GROUP_LINE)];
  if (lines.length === 0) return new Inaccessible(GROUPS_FILE, "malformed", text);
  const folders: string[] = [];
  for (const [, controllers, path] of lines) {
    const isUnified = controllers === "";
    const hasCpu = isUnified || controllers!.split(",").includes("cpu");
    if (!hasCpu || isUnified !== (version === 2)) continue;
    const mount = isUnified ? MOUNT : `${MOUNT}/${controllers}`;
    folders.push(...withParents(path!).map((group) => mount + group));
  }
  return folders;
}

/** `/a/b`, `/a` and the empty string, for `/a/b`. */
function withParents(path: string): string[] {
  const names = path.split("/").filter((name) => name !== "");
  return Array.from(
    { length: names.length + 1 },
    (_, index) => names.slice(0, names.length - index).map((name) => `/${name}`).join(""),
  );
}
