/**
 * What the library asks of a runtime's foreign function interface. One file per runtime implements
 * it; nothing outside this folder names a runtime.
 *
 * @module
 */

import type { SYMBOLS } from "./abi.generated.ts";

type Symbols = typeof SYMBOLS;

type NativeArgument<Type> = Type extends "buffer" ? ArrayBufferView : number;

type NativeArguments<Types extends readonly string[]> = {
  -readonly [Index in keyof Types]: NativeArgument<Types[Index]>;
};

/**
 * The engine's functions that both runtimes call the same way. Arguments are not converted or
 * checked on the way: callers pass numbers that are valid for the declared type, and no view that
 * is empty without also passing a length of 0.
 */
export type Native = {
  readonly [
    Name in keyof Symbols as Symbols[Name] extends { readonly nonblocking: true } ? never : Name
  ]: (...args: NativeArguments<Symbols[Name]["parameters"]>) => number;
};

/**
 * Tells a realm that native code has events for it. While it listens it keeps the process alive;
 * muted, it does not. Rings that come while it is muted are delivered when it listens again.
 */
export interface Doorbell {
  /** Starts to call back; a second call has no effect. */
  listen(): void;
  /** Stops to call back; a second call has no effect. */
  mute(): void;
  /** Mutes, and resolves when nothing of the doorbell is left in the runtime. */
  close(): Promise<void>;
}

/** A loaded engine library. It stays loaded for the life of the process: it owns threads. */
export interface LoadedLibrary {
  /** The engine's functions. */
  readonly native: Native;
  /** Makes the doorbell of the native realm with that handle. */
  doorbell(realm: number, onRing: () => void): Doorbell;
  /** A view of native memory, which it does not keep mapped. */
  view(address: number, byteLength: number): ArrayBuffer;
}

/** Deno's words for the state of a permission. */
export type LoadPermission = "granted" | "denied" | "prompt";

/** A runtime's foreign function interface. Nothing here ever prompts the user. */
export interface FfiBackend {
  /** Whether this is the runtime's build for musl, which cannot load libraries made for glibc. */
  isMusl(): boolean;
  /** An environment variable, or undefined where it is unset or must not be read. */
  env(name: string): string | undefined;
  /** Whether the runtime permits that path to be loaded; `prompt`: nobody said anything about it. */
  loadPermission(path: string): LoadPermission;
  /** Whether the runtime permits views of native memory. */
  viewPermission(): LoadPermission;
  /** The ABI hash of the library at that path. Throws the runtime's own error. */
  abiHash(path: string): number;
  /** Loads the library at that path. Throws the runtime's own error. */
  load(path: string): LoadedLibrary;
}
