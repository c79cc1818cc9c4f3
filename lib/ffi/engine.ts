/**
 * The engine of this realm: loaded when it is first needed, never before.
 *
 * @module
 */

import { HalflapError } from "../errors.ts";
import { ABI_HASH } from "./abi.generated.ts";
import type { FfiBackend, LoadedLibrary } from "./backend.ts";
import { bunBackend, type BunNamespace } from "./bun.ts";
import { denoBackend, type DenoNamespace } from "./deno.ts";
import { libraryPath } from "./library.ts";
import { loadFailure, muslUnsupported } from "./load_failure.ts";

let loaded: LoadedLibrary | undefined;

function backend(): FfiBackend {
  const { Bun, Deno } = globalThis as { Bun?: BunNamespace; Deno?: DenoNamespace };
  if (Deno !== undefined) return denoBackend(Deno);
  if (Bun !== undefined) return bunBackend(Bun);
  throw new HalflapError("halflap runs in Deno and in Bun only", {
    code: "ERR_HALFLAP_UNSUPPORTED_RUNTIME",
    hint: "start the program with Deno 2.9 or Bun 1.4, or later ones",
  });
}

function load(): LoadedLibrary {
  const runtime = backend();
  const path = libraryPath(runtime);
  if (runtime.isMusl()) throw muslUnsupported();
  if (runtime.loadPermission(path) !== "granted") {
    throw new HalflapError(`Deno does not permit to load "${path}"`, {
      code: "ERR_HALFLAP_FFI_PERMISSION",
      hint: `run with --allow-ffi=${shellWord(path)}`,
    });
  }
  try {
    checkAbi(path, runtime.abiHash(path));
    return runtime.load(path);
  } catch (error) {
    throw error instanceof HalflapError ? error : loadFailure(path, error);
  }
}

// As it can be pasted into a shell.
function shellWord(path: string): string {
  return /[^\w./-]/.test(path) ? `'${path.replaceAll("'", "'\\''")}'` : path;
}

function checkAbi(path: string, hash: number): void {
  if (hash === ABI_HASH) return;
  throw new HalflapError(`The library "${path}" belongs to another version of halflap`, {
    code: "ERR_HALFLAP_ENGINE_MISMATCH",
    hint: 'run "npm run build" in a checkout, or install the package again',
  });
}

/** Loads the engine, or returns the one already loaded. */
export function engine(): LoadedLibrary {
  loaded ??= load();
  return loaded;
}

/** Throws unless the runtime permits views of native memory. */
export function assertViewsPermitted(): void {
  if (backend().viewPermission() === "granted") return;
  throw new HalflapError("Deno does not permit views of the device's memory", {
    code: "ERR_HALFLAP_FFI_PERMISSION",
    hint: "run with --allow-ffi, without a path; write() needs only the path",
  });
}

/** The path of the engine's library, which is the one to give to `--allow-ffi`. */
export function enginePath(): string {
  return libraryPath(backend());
}
