/**
 * Ctrl-C and the other signals that end a command cleanly.
 *
 * @module
 */

import process from "node:process";
import { signalExitCode, type StopSignal } from "./exit_code.ts";
import { leave } from "./output.ts";

const SIGNALS: readonly StopSignal[] = ["SIGHUP", "SIGINT", "SIGTERM"];

/** Thrown by {@linkcode Interrupt.race} when a signal came first. */
export class Interrupted extends Error {
  /** The signal. */
  readonly signal: StopSignal;

  /** @param signal The signal. */
  constructor(signal: StopSignal) {
    super(`Stopped by ${signal}`);
    this.signal = signal;
  }
}

/** Waits for a signal, from its making until `stop()`. A second signal ends the process at once. */
export class Interrupt {
  readonly #listeners = new Map<StopSignal, () => void>();
  readonly #waiting = new Set<(reason: Interrupted) => void>();
  #interrupted: Interrupted | undefined;

  /** Starts to listen. */
  constructor() {
    for (const signal of SIGNALS) {
      const listener = (): void => this.#onSignal(signal);
      this.#listeners.set(signal, listener);
      process.on(signal, listener);
    }
  }

  /** Settles as the promise does, or rejects with `Interrupted` if that comes first. */
  race<Value>(promise: Promise<Value>): Promise<Value> {
    // Promise.race() would leave something behind in a long-lived promise, with every chunk played.
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      promise.finally(() => this.#waiting.delete(reject)).then(resolve, reject);
      if (this.#interrupted !== undefined) reject(this.#interrupted);
    });
  }

  /** Stops to listen. */
  stop(): void {
    for (const [signal, listener] of this.#listeners) process.off(signal, listener);
  }

  #onSignal(signal: StopSignal): void {
    if (this.#interrupted !== undefined) leave(signalExitCode(signal));
    this.#interrupted = new Interrupted(signal);
    for (const reject of this.#waiting) reject(this.#interrupted);
  }
}
