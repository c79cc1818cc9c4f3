/**
 * Finds the engine's shared library, without any permission but the one to load it.
 *
 * @module
 */

import { resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { HalflapError } from "../errors.ts";
import type { FfiBackend } from "./backend.ts";

/** Names another library than the one that came with the module. */
export const LIBRARY_VARIABLE = "HALFLAP_LIBRARY";

/** What decides where the library is. */
export interface LibraryLocation {
  /** `process.platform`. */
  platform: string;
  /** `process.arch`. */
  arch: string;
  /** `import.meta.url` of a module in `lib/ffi/`, or of its compiled form in `dist/lib/ffi/`. */
  moduleUrl: string;
  /** The working directory. */
  cwd: string;
  /** Value of `HALFLAP_LIBRARY`, where it is set and may be read. */
  override: string | undefined;
}

const CPU_FOLDERS: Readonly<Record<string, string>> = {
  x64: "x86_64-linux",
  arm64: "aarch64-linux",
};

function platformFolder(platform: string, arch: string): string {
  if (platform !== "linux") {
    throw new HalflapError(`halflap plays through ALSA, which "${platform}" does not have`, {
      code: "ERR_HALFLAP_UNSUPPORTED_PLATFORM",
      hint: "run it on Linux",
    });
  }
  const folder = CPU_FOLDERS[arch];
  if (folder === undefined) {
    throw new HalflapError(`There is no halflap library for the processor "${arch}"`, {
      code: "ERR_HALFLAP_UNSUPPORTED_PLATFORM",
      hint: `build it from source and set ${LIBRARY_VARIABLE} to its path`,
    });
  }
  return folder;
}

/**
 * The paths at which the library may be, the preferred one first. Symbolic links are not resolved:
 * Deno compares the path as it is given with the one in `--allow-ffi`, and resolving a link would
 * take permission to read.
 */
export function libraryPaths(location: LibraryLocation): string[] {
  if (location.override) return [resolve(location.cwd, location.override)];
  const file = `native/${platformFolder(location.platform, location.arch)}/libhalflap.so`;
  if (!location.moduleUrl.startsWith("file:")) {
    throw new HalflapError(`Cannot load a native library from "${location.moduleUrl}"`, {
      code: "ERR_HALFLAP_ENGINE_NOT_FOUND",
      hint: `import halflap from npm or from a checkout, or set ${LIBRARY_VARIABLE} to its path`,
    });
  }
  const root = location.moduleUrl.endsWith(".ts") ? "../../" : "../../../";
  return [
    fileURLToPath(new URL(root + file, location.moduleUrl).href),
    // Package managers put symbolic links into node_modules, which runtimes resolve before they
    // set `import.meta.url`; the user permits the path with the link in it.
    resolve(location.cwd, "node_modules/halflap", file),
  ];
}

/**
 * The path of the library, which is also the one to give to `--allow-ffi`. It is not checked that
 * there is a file: that would take permission to read.
 */
export function libraryPath(backend: FfiBackend): string {
  const paths = libraryPaths({
    platform: process.platform,
    arch: process.arch,
    moduleUrl: import.meta.url,
    cwd: process.cwd(),
    override: backend.env(LIBRARY_VARIABLE),
  });
  const preferred = paths[0]!;
  // Where somebody forbade it, another path is no way around that.
  if (backend.loadPermission(preferred) === "denied") return preferred;
  return paths.find((path) => backend.loadPermission(path) === "granted") ?? preferred;
}
