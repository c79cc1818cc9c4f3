/**
 * A file that cannot be read or opened, or makes no sense, and why.
 *
 * @module
 */

/**
 * `missing`: there is none; `denied`: the system forbids it; `not permitted`: the runtime does;
 * `malformed`: it was read and makes no sense; `failed`: anything else.
 */
export type InaccessibleReason = "missing" | "denied" | "not permitted" | "malformed" | "failed";

const MAX_SHOWN_CHARACTERS = 40;

/** A file that cannot be read or opened, or makes no sense. */
export class Inaccessible {
  /** Where it is, or should be. */
  readonly path: string;
  /** Why, as a fixed word. */
  readonly reason: InaccessibleReason;
  readonly #detail: string;

  /**
   * @param path Where it is, or should be.
   * @param reason Why, as a fixed word.
   * @param detail What the system said, or what was read.
   */
  constructor(path: string, reason: InaccessibleReason, detail = "") {
    this.path = path;
    this.reason = reason;
    this.#detail = detail;
  }

  /** Why, in words. */
  get why(): string {
    const { path } = this;
    const words: Readonly<Record<InaccessibleReason, string>> = {
      missing: `there is no ${path}`,
      denied: `access to ${path} is denied`,
      "not permitted": `Deno permits ${path} with --allow-all only`,
      malformed: `${path} makes no sense: ${this.#shown()}`,
      failed: `${path} cannot be opened: ${this.#detail}`,
    };
    return words[this.reason];
  }

  #shown(): string {
    const start = this.#detail.slice(0, MAX_SHOWN_CHARACTERS);
    return JSON.stringify(start === this.#detail ? start : `${start}…`);
  }
}
