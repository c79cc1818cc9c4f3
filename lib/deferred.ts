/**
 * Promises that are settled from outside.
 *
 * @module
 */

/**
 * A promise that is settled from outside, and made when somebody asks for it: of a thousand streams
 * hardly any is ever asked. Nobody has to handle its rejection.
 */
export class Deferred {
  #made: PromiseWithResolvers<void> | undefined;
  #outcome: "resolved" | { readonly error: unknown } | undefined;

  /** The promise, always the same. */
  get promise(): Promise<void> {
    if (this.#made === undefined) {
      this.#made = Promise.withResolvers<void>();
      this.#made.promise.catch(() => {});
      this.#pass();
    }
    return this.#made.promise;
  }

  /** Resolves the promise, unless it was settled before. */
  resolve(): void {
    this.#settle("resolved");
  }

  /** Rejects the promise, unless it was settled before. */
  reject(error: unknown): void {
    this.#settle({ error });
  }

  #settle(outcome: "resolved" | { readonly error: unknown }): void {
    this.#outcome ??= outcome;
    this.#pass();
  }

  #pass(): void {
    if (this.#made === undefined || this.#outcome === undefined) return;
    if (this.#outcome === "resolved") this.#made.resolve();
    else this.#made.reject(this.#outcome.error);
  }
}
