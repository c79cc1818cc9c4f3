/**
 * Telephone calls in a Worker of their own, `decoding_worker.ts`.
 *
 * @module
 */

import { setTimeout } from "node:timers/promises";

/** What the Worker and who starts it share: words of an Int32Array. */
export const Shared = {
  /** Counts the orders. */
  order: 0,
  /** How many calls are to talk; -1: all are to be closed. */
  talking: 1,
  /** Counts the Worker's xruns. */
  xruns: 2,
  words: 3,
} as const;

/** The message that starts the Worker, which carries out its orders from then on. */
export interface DecodingOptions {
  readonly shared: Int32Array<SharedArrayBuffer>;
  readonly calls: number;
  readonly rate: number;
  readonly periods: number;
}

/** The Worker. */
export class WorkerCalls implements AsyncDisposable {
  readonly #worker = new Worker(new URL("./decoding_worker.ts", import.meta.url), {
    type: "module",
  });
  readonly #shared = new Int32Array(new SharedArrayBuffer(4 * Shared.words));

  /** Opens calls, of which none talks. */
  static async open(sizes: Omit<DecodingOptions, "shared">): Promise<WorkerCalls> {
    const calls = new WorkerCalls();
    const open = calls.#answer();
    calls.#worker.postMessage({ ...sizes, shared: calls.#shared });
    await open;
    return calls;
  }

  /** Xruns until now. */
  get xruns(): number {
    return Atomics.load(this.#shared, Shared.xruns);
  }

  /** Puts all on hold but so many. */
  async talk(count: number): Promise<void> {
    const done = this.#answer();
    Atomics.store(this.#shared, Shared.talking, count);
    Atomics.add(this.#shared, Shared.order, 1);
    Atomics.notify(this.#shared, Shared.order);
    await done;
  }

  /** Lets them talk for a while. */
  async run(seconds: number): Promise<void> {
    await setTimeout(1000 * seconds);
  }

  /** Hangs up. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.talk(-1);
    this.#worker.terminate();
  }

  /** The Worker has carried out an order. */
  #answer(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#worker.onmessage = () => resolve();
      this.#worker.onerror = ({ message }) => reject(new Error(message));
    });
  }
}
