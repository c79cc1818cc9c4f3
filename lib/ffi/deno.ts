/**
 * The foreign function interface of Deno: `Deno.dlopen`, and a doorbell made of a pending
 * `nonblocking` call.
 *
 * @module
 */

import { ErrorCode, SYMBOLS } from "./abi.generated.ts";
import type { Doorbell, FfiBackend, LoadedLibrary, LoadPermission, Native } from "./backend.ts";

/** The part of the `Deno` namespace used here, so that the file also compiles without its types. */
export interface DenoNamespace {
  readonly build: { readonly target: string };
  readonly env: { get(name: string): string | undefined };
  readonly permissions: {
    querySync(descriptor: { name: string; path?: string; variable?: string }): {
      readonly state: LoadPermission;
    };
  };
  readonly UnsafePointer: { create(address: bigint): object };
  readonly UnsafePointerView: {
    getArrayBuffer(pointer: object, byteLength: number): ArrayBuffer;
  };
  dlopen(path: string, symbols: object): {
    readonly symbols: Record<string, (...args: never[]) => unknown>;
    close(): void;
  };
}

type RealmWait = (realm: number, timeoutMs: number) => Promise<number>;

// The engine bounds a wait by the same figure, so that a terminated Worker leaves no thread behind.
const WAIT_MS = 1000;

class DenoDoorbell implements Doorbell {
  readonly #native: Native;
  readonly #wait: RealmWait;
  readonly #realm: number;
  readonly #onRing: () => void;
  #listening = false;
  #loop: Promise<void> | undefined;

  constructor(native: Native, wait: RealmWait, realm: number, onRing: () => void) {
    this.#native = native;
    this.#wait = wait;
    this.#realm = realm;
    this.#onRing = onRing;
  }

  listen(): void {
    this.#listening = true;
    this.#loop ??= this.#run();
  }

  mute(): void {
    if (!this.#listening) return;
    this.#listening = false;
    // A pending call can neither be cancelled nor unref'd; ringing ends it.
    this.#native.halflap_realm_ring(this.#realm);
  }

  async close(): Promise<void> {
    this.mute();
    await this.#loop;
  }

  async #run(): Promise<void> {
    while (this.#listening) {
      const rung = await this.#wait(this.#realm, WAIT_MS);
      const isGone = rung === ErrorCode.invalid_handle;
      if (rung < 0 && !isGone) throw new Error(`Cannot wait for the engine: error ${rung}`);
      // Who looks for events finds out that the realm is gone, and mutes.
      if (rung !== 0) this.#onRing();
    }
    this.#loop = undefined;
  }
}

/** Makes the backend for Deno. */
export function denoBackend(deno: DenoNamespace): FfiBackend {
  const { permissions } = deno;
  return {
    isMusl: () => deno.build.target.endsWith("musl"),
    env(name) {
      const { state } = permissions.querySync({ name: "env", variable: name });
      return state === "granted" ? deno.env.get(name) : undefined;
    },
    loadPermission: (path) => permissions.querySync({ name: "ffi", path }).state,
    viewPermission: () => permissions.querySync({ name: "ffi" }).state,
    abiHash(path) {
      const { halflap_abi_hash } = SYMBOLS;
      const library = deno.dlopen(path, { halflap_abi_hash });
      const hash = (library.symbols as unknown as Native).halflap_abi_hash();
      library.close();
      return hash;
    },
    load(path): LoadedLibrary {
      const { symbols } = deno.dlopen(path, SYMBOLS);
      const native = symbols as unknown as Native;
      const wait = symbols["halflap_realm_wait"] as unknown as RealmWait;
      return {
        native,
        doorbell: (realm, onRing) => new DenoDoorbell(native, wait, realm, onRing),
        view(address, byteLength) {
          const pointer = deno.UnsafePointer.create(BigInt(address));
          return deno.UnsafePointerView.getArrayBuffer(pointer, byteLength);
        },
      };
    },
  };
}
