/**
 * Watches devices that come and go.
 *
 * @module
 */

/// <reference lib="esnext.disposable" preserve="true" />

import { checkBoolean, checkOptions, checkSignal } from "../check.ts";
import type { HalflapError } from "../errors.ts";
import { check } from "../native_call.ts";
import { Realm } from "../realm.ts";
import { changesBetween, type DeviceChange } from "./changes.ts";
import type { FoundHardware } from "./device.ts";
import { listHardware } from "./list_devices.ts";

/** Options of {@linkcode watchDevices}. */
export interface WatchDevicesOptions {
  /**
   * Whether to begin with an arrival of each device that is there already: so none is missed between
   * a list and the first change. The default is false.
   */
  initial?: boolean;
  /** Aborting it ends the watch; the iteration throws its reason. */
  signal?: AbortSignal;
}

/** Devices that come and go, one change after the other. */
export interface DeviceWatch extends AsyncIterableIterator<DeviceChange>, AsyncDisposable {
  /** Waits for the next change. The first call begins to watch. */
  next(): Promise<IteratorResult<DeviceChange, undefined>>;
  /** Ends the watch, also while `next()` waits; resolves when nothing of it is left. */
  return(): Promise<IteratorResult<DeviceChange, undefined>>;
  /** Itself. */
  [Symbol.asyncIterator](): DeviceWatch;
  /** Does what `return()` does, at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void>;
}

const OPTIONS = ["initial", "signal"] as const;
const DONE = Object.freeze({ done: true, value: undefined } as const);

/** The engine's watch, which says that something may have changed. */
class NativeWatch {
  readonly #realm: Realm;
  readonly #handle: number;
  #hasChanged = false;
  #wake: (() => void) | undefined;
  #loss: HalflapError | undefined;

  private constructor(realm: Realm, handle: number) {
    this.#realm = realm;
    this.#handle = handle;
    realm.add(handle, this);
  }

  static async open(): Promise<NativeWatch> {
    const realm = Realm.acquire();
    try {
      return new NativeWatch(realm, check(realm.native.halflap_watch_open(realm.handle)));
    } catch (error) {
      await realm.release();
      throw error;
    }
  }

  handleEvents(): void {
    this.#hasChanged = true;
    this.wake();
  }

  handleLoss(error: HalflapError): void {
    this.#loss = error;
    this.wake();
  }

  /** Ends a wait. */
  wake(): void {
    this.#wake?.();
  }

  /** Waits until something may have changed since the last wait, or until `wake()`. */
  async wait(): Promise<void> {
    if (!this.#hasChanged && this.#loss === undefined) {
      this.#realm.changeAttention("none", "refed");
      await new Promise<void>((resolve) => this.#wake = resolve);
      this.#wake = undefined;
      this.#realm.changeAttention("refed", "none");
    }
    this.#hasChanged = false;
    if (this.#loss !== undefined) throw this.#loss;
  }

  /** Nobody may wait any more. */
  async close(): Promise<void> {
    this.#realm.remove(this.#handle);
    if (this.#loss === undefined) check(this.#realm.native.halflap_watch_close(this.#handle));
    await this.#realm.release();
  }
}

class HardwareWatch implements DeviceWatch {
  readonly #isInitial: boolean;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => void this.#end();
  // Ends what next() waits for.
  readonly #ending = new AbortController();
  readonly #changes: DeviceChange[] = [];
  #native: NativeWatch | undefined;
  #devices: readonly FoundHardware[] = [];
  #isAbortTold = false;
  #last: Promise<unknown> = Promise.resolve();
  #ended: Promise<void> | undefined;

  constructor(isInitial: boolean, signal: AbortSignal | undefined) {
    this.#isInitial = isInitial;
    this.#signal = signal;
    if (signal?.aborted) void this.#end();
    else signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  next(): Promise<IteratorResult<DeviceChange, undefined>> {
    const next = this.#last.then(() => this.#next());
    // One that comes later waits for this one, whatever becomes of it.
    this.#last = next.catch(() => {});
    return next;
  }

  async return(): Promise<IteratorResult<DeviceChange, undefined>> {
    await this.#end();
    return DONE;
  }

  [Symbol.asyncIterator](): DeviceWatch {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
  }

  async #next(): Promise<IteratorResult<DeviceChange, undefined>> {
    try {
      while (this.#ended === undefined) {
        const value = this.#changes.shift();
        if (value !== undefined) return { done: false, value };
        await this.#look();
      }
    } catch (error) {
      if (this.#ended === undefined) {
        void this.#end();
        throw error;
      }
    }
    if (!this.#signal?.aborted || this.#isAbortTold) return DONE;
    this.#isAbortTold = true;
    throw this.#signal.reason;
  }

  async #look(): Promise<void> {
    if (this.#native === undefined) {
      // First the watch, then the list: what comes in between is seen twice rather than never.
      this.#native = await NativeWatch.open();
      const devices = await listHardware(this.#ending.signal);
      if (this.#isInitial) this.#changes.push(...changesBetween([], devices));
      this.#devices = devices;
      return;
    }
    await this.#native.wait();
    const devices = await listHardware(this.#ending.signal);
    this.#changes.push(...changesBetween(this.#devices, devices));
    this.#devices = devices;
  }

  #end(): Promise<void> {
    this.#ended ??= this.#close();
    return this.#ended;
  }

  async #close(): Promise<void> {
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#ending.abort();
    this.#native?.wake();
    await this.#last;
    await this.#native?.close();
  }
}

/**
 * Watches the devices of sound cards: yields a change for each that comes or goes, as a USB device
 * that is plugged in. A device comes when this process may open it, which can be some time after
 * the system made it. Nothing is watched, and nothing kept, before the iteration begins and after
 * it ended; while it waits for a change it keeps the process alive.
 *
 * In Deno it takes `--allow-ffi` for the path of the library, and nothing else.
 *
 * @example
 * ```ts
 * import { watchDevices } from "halflap";
 *
 * for await (const { type, device } of watchDevices({ initial: true })) {
 *   console.log(type, device.device, device.description);
 *   if (device.card.id === "Scarlett") break;
 * }
 * ```
 *
 * @param options Whether to begin with what is there, and how to end.
 * @returns The changes. `return()`, which `break` calls, ends the watch.
 * @throws TypeError for a wrong option. The iteration throws {@linkcode HalflapError} if the engine or
 *   ALSA's library cannot be loaded, or the system does not let /dev/snd be watched.
 */
export function watchDevices(options?: WatchDevicesOptions): DeviceWatch {
  const { initial = false, signal } = checkOptions<WatchDevicesOptions>(
    "the options of watchDevices()",
    options,
    OPTIONS,
  );
  return new HardwareWatch(checkBoolean("initial", initial), checkSignal(signal));
}
