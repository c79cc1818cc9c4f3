/**
 * Says why a shared library could not be loaded, from the dynamic linker's own words.
 *
 * @module
 */

import { HalflapError } from "../errors.ts";

/** Turns what `dlopen` of the engine threw into an error that says what to do. */
export function loadFailure(path: string, cause: unknown): HalflapError {
  const text = cause instanceof Error ? cause.message : String(cause);
  if (text.includes(`${path}: cannot open shared object file: No such file or directory`)) {
    // glibc says so of a library for another processor, too.
    return new HalflapError(`There is no halflap library for this processor at "${path}"`, {
      code: "ERR_HALFLAP_ENGINE_NOT_FOUND",
      hint: 'run "npm run build" in a checkout, or install the package again',
      cause,
    });
  }
  // The words of musl's dynamic linker, which glibc does not use.
  if (/Error (loading shared library|relocating) /.test(text)) return muslUnsupported(cause);
  return new HalflapError(`Cannot load the halflap library "${path}": ${text}`, {
    code: "ERR_HALFLAP_ENGINE_LOAD",
    hint: "install halflap again, or unset HALFLAP_LIBRARY",
    cause,
  });
}

/** The error for systems whose C library is musl. */
export function muslUnsupported(cause?: unknown): HalflapError {
  return new HalflapError("halflap needs glibc 2.28 or later, and this system has musl", {
    code: "ERR_HALFLAP_UNSUPPORTED_PLATFORM",
    hint: "use a distribution with glibc, for example Debian",
    cause,
  });
}
