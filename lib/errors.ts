/**
 * The errors that halflap throws besides TypeError and RangeError.
 *
 * @module
 */

import { ErrorCode } from "./ffi/abi.generated.ts";

/**
 * What went wrong, as a fixed word that programs can test for:
 *
 * - `ERR_HALFLAP_UNSUPPORTED_PLATFORM`, `ERR_HALFLAP_UNSUPPORTED_RUNTIME`,
 *   `ERR_HALFLAP_FFI_PERMISSION`, `ERR_HALFLAP_ENGINE_NOT_FOUND`, `ERR_HALFLAP_ENGINE_LOAD`,
 *   `ERR_HALFLAP_ENGINE_MISMATCH`: halflap's own library cannot be loaded.
 * - `ERR_HALFLAP_LIBRARY_MISSING`, `ERR_HALFLAP_LIBRARY_TOO_OLD`: ALSA's library cannot be loaded.
 * - `ERR_HALFLAP_DEVICE_NOT_FOUND`, `ERR_HALFLAP_DEVICE_BUSY`, `ERR_HALFLAP_PERMISSION_DENIED`,
 *   `ERR_HALFLAP_UNSUPPORTED_FORMAT`, `..._RATE`, `..._CHANNELS`, `..._CHANNEL_MAP`, `..._ACCESS`,
 *   `..._BUFFER`: the device cannot be opened, or not with these options.
 * - `ERR_HALFLAP_DEVICE_LOST`, `ERR_HALFLAP_ALSA`: the device failed.
 * - `ERR_HALFLAP_RENDER`: the callback of `render()` threw, which is the `cause`, or returned a promise.
 * - `ERR_HALFLAP_CLOSED`: the stream or card was closed; `cause` is the failure that closed it.
 * - `ERR_HALFLAP_DETACHED`: the stream was given away by `detach()`.
 * - `ERR_HALFLAP_UNKNOWN_TOKEN`: nothing waits to be attached by this token: it was used before, is too
 *   old, or is of another process.
 * - `ERR_HALFLAP_ABANDONED`: the realm's event loop was blocked for so long that the engine took the
 *   realm for dead, and closed its streams.
 * - `ERR_HALFLAP_ABORTED`, `ERR_HALFLAP_CANCELLED`, `ERR_HALFLAP_TIMEOUT`: the operation was ended
 *   by its `AbortSignal`, by a later `drop()`, or by its own `timeoutMs`.
 * - `ERR_HALFLAP_INVALID_STATE`: the operation does not exist in the present state.
 * - `ERR_HALFLAP_OUT_OF_MEMORY`, `ERR_HALFLAP_TOO_MANY_HANDLES`, `ERR_HALFLAP_THREAD`,
 *   `ERR_HALFLAP_IO`: the system refused what the engine needs.
 * - `ERR_HALFLAP_UNSUPPORTED_KERNEL`: the kernel does not show in /proc/asound what was asked for.
 * - `ERR_HALFLAP_INVALID_ARGUMENT`, `ERR_HALFLAP_INVALID_HANDLE`: a fault of halflap itself; please
 *   report it.
 */
export type HalflapErrorCode =
  | "ERR_HALFLAP_ABANDONED"
  | "ERR_HALFLAP_ABORTED"
  | "ERR_HALFLAP_ALSA"
  | "ERR_HALFLAP_CANCELLED"
  | "ERR_HALFLAP_CLOSED"
  | "ERR_HALFLAP_DETACHED"
  | "ERR_HALFLAP_DEVICE_BUSY"
  | "ERR_HALFLAP_DEVICE_LOST"
  | "ERR_HALFLAP_DEVICE_NOT_FOUND"
  | "ERR_HALFLAP_ENGINE_LOAD"
  | "ERR_HALFLAP_ENGINE_MISMATCH"
  | "ERR_HALFLAP_ENGINE_NOT_FOUND"
  | "ERR_HALFLAP_FFI_PERMISSION"
  | "ERR_HALFLAP_INVALID_ARGUMENT"
  | "ERR_HALFLAP_INVALID_HANDLE"
  | "ERR_HALFLAP_INVALID_STATE"
  | "ERR_HALFLAP_IO"
  | "ERR_HALFLAP_LIBRARY_MISSING"
  | "ERR_HALFLAP_LIBRARY_TOO_OLD"
  | "ERR_HALFLAP_OUT_OF_MEMORY"
  | "ERR_HALFLAP_PERMISSION_DENIED"
  | "ERR_HALFLAP_RENDER"
  | "ERR_HALFLAP_THREAD"
  | "ERR_HALFLAP_TIMEOUT"
  | "ERR_HALFLAP_TOO_MANY_HANDLES"
  | "ERR_HALFLAP_UNKNOWN_TOKEN"
  | "ERR_HALFLAP_UNSUPPORTED_ACCESS"
  | "ERR_HALFLAP_UNSUPPORTED_BUFFER"
  | "ERR_HALFLAP_UNSUPPORTED_CHANNELS"
  | "ERR_HALFLAP_UNSUPPORTED_CHANNEL_MAP"
  | "ERR_HALFLAP_UNSUPPORTED_FORMAT"
  | "ERR_HALFLAP_UNSUPPORTED_KERNEL"
  | "ERR_HALFLAP_UNSUPPORTED_PLATFORM"
  | "ERR_HALFLAP_UNSUPPORTED_RATE"
  | "ERR_HALFLAP_UNSUPPORTED_RUNTIME";

/** What a {@linkcode HalflapError} carries besides its message. */
export interface HalflapErrorOptions {
  /** What went wrong, as a fixed word. */
  code: HalflapErrorCode;
  /** The system's error number, a positive integer as in `<errno.h>`. */
  errno?: number | undefined;
  /** The libasound call that failed. */
  call?: string | undefined;
  /** What to do about it. */
  hint?: string | undefined;
  /** The error behind this one. */
  cause?: unknown;
}

/**
 * An error of the engine, of ALSA, or of loading them. Wrong arguments are a TypeError or a
 * RangeError instead.
 *
 * @example Telling errors apart
 * ```ts
 * import { HalflapError, openPlayback } from "halflap";
 *
 * try {
 *   await using out = await openPlayback({ device: "hw:0,0" });
 * } catch (error) {
 *   if (error instanceof HalflapError && error.code === "ERR_HALFLAP_DEVICE_BUSY") {
 *     console.error(error.hint);
 *   } else throw error;
 * }
 * ```
 */
export class HalflapError extends Error {
  static {
    this.prototype.name = "HalflapError";
  }

  /** What went wrong, as a fixed word. */
  readonly code: HalflapErrorCode;
  /** The system's error number, a positive integer as in `<errno.h>`, where there is one. */
  readonly errno: number | undefined;
  /** The libasound call that failed, where it was one. */
  readonly call: string | undefined;
  /** What to do about it, where that is known. The message ends with it, too. */
  readonly hint: string | undefined;

  /**
   * Makes an error.
   *
   * @param message What went wrong; the hint is appended to it.
   * @param options What the error carries.
   */
  constructor(message: string, options: HalflapErrorOptions) {
    const { code, errno, call, hint, cause } = options;
    super(hint ? `${message}; ${hint}` : message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.errno = errno;
    this.call = call;
    this.hint = hint;
  }
}

/**
 * A `write()` whose `AbortSignal` was aborted. Its `name` is `"AbortError"`, as everywhere on the web
 * platform, and its `cause` is the signal's reason.
 */
export class WriteAbortedError extends HalflapError {
  static {
    this.prototype.name = "AbortError";
  }

  /** Frames of this write that had been accepted before; they are played. */
  readonly framesWritten: number;

  /**
   * Makes an error.
   *
   * @param framesWritten Frames accepted before the abort.
   * @param reason The signal's reason.
   */
  constructor(framesWritten: number, reason: unknown) {
    super(`The write was aborted after ${framesWritten} frames`, {
      code: "ERR_HALFLAP_ABORTED",
      cause: reason,
    });
    this.framesWritten = framesWritten;
  }
}

interface NativeError {
  readonly code: HalflapErrorCode;
  readonly message: string;
  readonly hint?: string;
}

/** Errors of a plug-in whose server does not run: ECONNREFUSED and EHOSTDOWN. */
const SERVER_ERRNOS: readonly number[] = [111, 112];
const SERVER_HINT = "start the sound server (PipeWire or PulseAudio), " +
  'or choose another of the devices that "halflap devices" lists';
const CONVERT_HINT = 'use a device that converts, such as "default" or "plughw:" for "hw:"';

const NATIVE_ERRORS: Readonly<Record<Exclude<keyof typeof ErrorCode, "ok">, NativeError>> = {
  invalid_argument: {
    code: "ERR_HALFLAP_INVALID_ARGUMENT",
    message: "The engine refused an argument",
  },
  invalid_handle: {
    code: "ERR_HALFLAP_INVALID_HANDLE",
    message: "The engine does not know this handle",
  },
  invalid_state: {
    code: "ERR_HALFLAP_INVALID_STATE",
    message: "The operation does not exist in the present state",
  },
  out_of_memory: {
    code: "ERR_HALFLAP_OUT_OF_MEMORY",
    message: "The engine cannot allocate memory",
    hint: 'lower "queueFrames" or close other streams',
  },
  too_many_handles: {
    code: "ERR_HALFLAP_TOO_MANY_HANDLES",
    message: "All handles of the engine are in use",
    hint: "close streams that are no longer used",
  },
  library_missing: {
    code: "ERR_HALFLAP_LIBRARY_MISSING",
    message: 'Cannot load "libasound.so.2"',
    hint: 'install ALSA: "apt-get install libasound2" (Debian 13, Ubuntu 24.04: libasound2t64), ' +
      '"dnf install alsa-lib" or "pacman -S alsa-lib"',
  },
  library_too_old: {
    code: "ERR_HALFLAP_LIBRARY_TOO_OLD",
    message: 'The installed "libasound.so.2" is too old',
    hint: "install libasound 1.1.4 or later",
  },
  device_not_found: {
    code: "ERR_HALFLAP_DEVICE_NOT_FOUND",
    message: "There is no such device",
    hint: 'run "halflap devices" to list them; the device "virtual" needs no sound card',
  },
  device_busy: {
    code: "ERR_HALFLAP_DEVICE_BUSY",
    message: "The device is in use",
    hint: 'end the program that holds it, or use "default"',
  },
  permission_denied: {
    code: "ERR_HALFLAP_PERMISSION_DENIED",
    message: "The device must not be opened",
    hint: 'add the user to the group "audio"',
  },
  device_lost: {
    code: "ERR_HALFLAP_DEVICE_LOST",
    message: "The device went away",
    hint: "open a new stream when it is back",
  },
  unsupported_format: {
    code: "ERR_HALFLAP_UNSUPPORTED_FORMAT",
    message: "The device does not play this format",
    hint: CONVERT_HINT,
  },
  unsupported_rate: {
    code: "ERR_HALFLAP_UNSUPPORTED_RATE",
    message: "The device does not play at this rate",
    hint: CONVERT_HINT,
  },
  unsupported_channels: {
    code: "ERR_HALFLAP_UNSUPPORTED_CHANNELS",
    message: "The device does not play this number of channels",
    hint: CONVERT_HINT,
  },
  unsupported_channel_map: {
    code: "ERR_HALFLAP_UNSUPPORTED_CHANNEL_MAP",
    message: "The device does not take this channel map",
    hint: 'put the channels into an order that it offers, or leave out "channelMap"',
  },
  unsupported_access: {
    code: "ERR_HALFLAP_UNSUPPORTED_ACCESS",
    message: "The device does not grant this access",
    hint: 'use access "auto"',
  },
  unsupported_buffer: {
    code: "ERR_HALFLAP_UNSUPPORTED_BUFFER",
    message: "The device does not grant such a buffer",
    hint: 'leave out "periodFrames" and "periods"',
  },
  alsa: { code: "ERR_HALFLAP_ALSA", message: "ALSA failed" },
  thread: {
    code: "ERR_HALFLAP_THREAD",
    message: "Cannot start a native thread",
    hint: 'raise the limit of processes ("ulimit -u")',
  },
  io: { code: "ERR_HALFLAP_IO", message: "Cannot write a file" },
  timeout: {
    code: "ERR_HALFLAP_TIMEOUT",
    message: 'The time given as "timeoutMs" passed first; the stream goes on',
  },
  cancelled: {
    code: "ERR_HALFLAP_CANCELLED",
    message: "The operation was cancelled by a later one, such as drop()",
  },
  abandoned: {
    code: "ERR_HALFLAP_ABANDONED",
    message: "Its owner gave no sign of life for too long",
    hint: "do not block the event loop for so long, or play from a Worker",
  },
  unknown_token: {
    code: "ERR_HALFLAP_UNKNOWN_TOKEN",
    message: "No stream waits to be attached by this token",
    hint: "a token can be used once, in the process that made it, and soon",
  },
};

const NATIVE_ERRORS_BY_NUMBER: ReadonlyMap<number, NativeError> = new Map(
  Object.entries(NATIVE_ERRORS).map((
    [name, error],
  ) => [ErrorCode[name as keyof typeof ErrorCode], error]),
);

/** What is known about a failure that the engine reported. */
export interface NativeFailure {
  /** The engine's `ErrorCode`. */
  result: number;
  /** The engine's words for it, or the empty string. */
  text: string;
  /** The failed libasound call, or the empty string. */
  call?: string;
  /** The system's error number, or 0. */
  errno?: number;
}

/** Makes the error for a result below 0 of an engine function. */
export function nativeError(failure: NativeFailure): HalflapError {
  const known = NATIVE_ERRORS_BY_NUMBER.get(failure.result);
  if (known === undefined) {
    throw new Error(`The engine returned the unknown error ${failure.result}: ${failure.text}`);
  }
  return new HalflapError(failure.text || known.message, {
    code: known.code,
    errno: failure.errno || undefined,
    call: failure.call || undefined,
    hint: hintOf(known, failure.errno),
  });
}

function hintOf(known: NativeError, errno = 0): string | undefined {
  const isServer = known.code === "ERR_HALFLAP_DEVICE_NOT_FOUND" && SERVER_ERRNOS.includes(errno);
  return isServer ? SERVER_HINT : known.hint;
}

/** The error of what is pending when a stream is given away, and of all methods from then on. */
export function detachedError(): HalflapError {
  return new HalflapError("The stream was given away", {
    code: "ERR_HALFLAP_DETACHED",
    hint: "use it where it was attached by its token",
  });
}

/** The error of a method that is called after the stream or card was closed. */
export function closedError(what: string, cause?: unknown): HalflapError {
  return new HalflapError(`The ${what} is closed`, { code: "ERR_HALFLAP_CLOSED", cause });
}
