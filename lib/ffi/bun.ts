/**
 * The foreign function interface of Bun: `bun:ffi`, and a doorbell made of a pipe that native code
 * writes to.
 *
 * @module
 */

import process from "node:process";
import { setTimeout } from "node:timers";
import { SYMBOLS } from "./abi.generated.ts";
import type { Doorbell, FfiBackend, LoadedLibrary, Native } from "./backend.ts";

/** The part of the `Bun` namespace used here, so that the file also compiles without its types. */
export interface BunNamespace {
  file(descriptor: number): { stream(): ReadableStream<Uint8Array> };
}

interface BunFfi {
  dlopen(
    path: string,
    symbols: Record<string, { args: string[]; returns: string }>,
  ): { readonly symbols: Record<string, (...args: never[]) => unknown>; close(): void };
  toArrayBuffer(address: number, byteOffset: number, byteLength: number): ArrayBuffer;
}

interface SymbolType {
  readonly parameters: readonly string[];
  readonly result: string;
  readonly nonblocking?: boolean;
}

// Importing "bun:ffi" statically would fail in every other runtime.
function bunFfi(): BunFfi {
  return process.getBuiltinModule("bun:ffi") as unknown as BunFfi;
}

function bunSymbols(
  symbols: Readonly<Record<string, SymbolType>>,
): Record<string, { args: string[]; returns: string }> {
  const mapped: Record<string, { args: string[]; returns: string }> = {};
  for (const [name, { parameters, result, nonblocking }] of Object.entries(symbols)) {
    // Bun has no asynchronous calls; called there, this one would block the realm.
    if (nonblocking) continue;
    const args = parameters.map((type) => type === "buffer" ? "ptr" : type);
    mapped[name] = { args, returns: result };
  }
  return mapped;
}

const POLL_MS = 10;

class BunDoorbell implements Doorbell {
  readonly #bun: BunNamespace;
  readonly #native: Native;
  readonly #realm: number;
  readonly #onRing: () => void;
  #listening = false;
  #pipeOpen = false;
  #loop: Promise<void> | undefined;

  constructor(bun: BunNamespace, native: Native, realm: number, onRing: () => void) {
    this.#bun = bun;
    this.#native = native;
    this.#realm = realm;
    this.#onRing = onRing;
  }

  listen(): void {
    this.#listening = true;
    this.#loop ??= this.#run();
  }

  mute(): void {
    this.#listening = false;
    if (!this.#pipeOpen) return;
    this.#pipeOpen = false;
    // A pending read cannot be unref'd; the end of the file ends it.
    this.#native.halflap_realm_pipe_shut(this.#realm);
  }

  async close(): Promise<void> {
    this.mute();
    await this.#loop;
  }

  async #run(): Promise<void> {
    while (this.#listening) await this.#readPipe();
    this.#loop = undefined;
  }

  async #readPipe(): Promise<void> {
    const descriptor = this.#native.halflap_realm_pipe_open(this.#realm);
    if (descriptor < 0) return await this.#poll();
    this.#pipeOpen = true;
    const reader = this.#bun.file(descriptor).stream().getReader();
    while (!(await reader.read()).done) this.#onRing();
    // Bun leaves the descriptor open at the end of the stream.
    this.#native.halflap_realm_pipe_close(this.#realm);
  }

  // No descriptor is left for a pipe: looks for events by the clock until there is one.
  async #poll(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    this.#onRing();
  }
}

/** Makes the backend for Bun. */
export function bunBackend(bun: BunNamespace): FfiBackend {
  return {
    isMusl() {
      const { header } = process.report.getReport() as {
        header: { glibcVersionRuntime?: string };
      };
      return header.glibcVersionRuntime === undefined;
    },
    env: (name) => process.env[name],
    loadPermission: () => "granted",
    viewPermission: () => "granted",
    abiHash(path) {
      const { halflap_abi_hash } = SYMBOLS;
      const library = bunFfi().dlopen(path, bunSymbols({ halflap_abi_hash }));
      const hash = (library.symbols as unknown as Native).halflap_abi_hash();
      library.close();
      return hash;
    },
    load(path): LoadedLibrary {
      const native = bunFfi().dlopen(path, bunSymbols(SYMBOLS)).symbols as unknown as Native;
      return {
        native,
        doorbell: (realm, onRing) => new BunDoorbell(bun, native, realm, onRing),
        view: (address, byteLength) => bunFfi().toArrayBuffer(address, 0, byteLength),
      };
    },
  };
}
