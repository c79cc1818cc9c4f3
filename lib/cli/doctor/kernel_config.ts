/**
 * What the kernel was built with, and what it was started with.
 *
 * @module
 */

import { Inaccessible } from "./inaccessible.ts";
import type { System } from "./system.ts";

/** "Linux version 6.1.0-37-amd64 (debian-kernel@…) (gcc-12 …) #1 SMP PREEMPT_DYNAMIC …" */
export const VERSION_FILE = "/proc/version";
const RELEASE = /^Linux version ([\w.+~-]+) /;
const COMMAND_LINE_FILE = "/proc/cmdline";

/** Reads what the kernel was built with: `y`, `m` or a value, by names such as `CONFIG_HZ`. */
export function readKernelConfig(system: System): ReadonlyMap<string, string> | Inaccessible {
  const version = system.readText(VERSION_FILE);
  const [, name = "unknown"] = version instanceof Inaccessible ? [] : RELEASE.exec(version) ?? [];
  const paths = ["/proc/config.gz", `/boot/config-${name}`, `/lib/modules/${name}/config`];
  const reasons: Inaccessible[] = [];
  for (const path of paths) {
    const text = system.readText(path);
    if (text instanceof Inaccessible) {
      reasons.push(text);
      continue;
    }
    const options = [...text.matchAll(/^(CONFIG_\w+)=(.*)$/gm)];
    if (options.length > 0) return new Map(options.map(([, option, value]) => [option!, value!]));
    reasons.push(new Inaccessible(path, "malformed", text));
  }
  // That a file is not there says least of all.
  return reasons.find(({ reason }) => reason !== "missing") ?? reasons[0]!;
}

/** Reads the words that the kernel was started with; none where they cannot be read. */
export function readKernelCommandLine(system: System): readonly string[] {
  const text = system.readText(COMMAND_LINE_FILE);
  return text instanceof Inaccessible ? [] : text.trim().split(/\s+/);
}
