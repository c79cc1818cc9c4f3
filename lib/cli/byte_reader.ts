/**
 * Reads given numbers of bytes from chunks of any size.
 *
 * @module
 */

const NO_BYTES = new Uint8Array(0);

/** Reads from chunks; only what `peek()` and `read()` ask for is ever held in memory. */
export class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #held: Uint8Array = NO_BYTES;

  /** @param source The chunks. */
  constructor(source: AsyncIterator<Uint8Array>) {
    this.#source = source;
  }

  /** Looks at the next bytes without taking them; they are fewer only at the end. */
  async peek(bytes: number): Promise<Uint8Array> {
    while (this.#held.byteLength < bytes) {
      const chunk = await this.#pull();
      if (chunk === undefined) break;
      this.#held = concat(this.#held, chunk);
    }
    return this.#held.subarray(0, bytes);
  }

  /** Takes the next bytes; they are fewer only at the end. */
  async read(bytes: number): Promise<Uint8Array> {
    const taken = await this.peek(bytes);
    this.#held = this.#held.subarray(taken.byteLength);
    return taken;
  }

  /** Takes and forgets bytes. */
  async skip(bytes: number): Promise<void> {
    for await (const _ of this.take(bytes));
  }

  /** Takes that many bytes, or all there are; yields them in chunks. */
  async *take(bytes: number): AsyncGenerator<Uint8Array, void, void> {
    let left = bytes;
    while (left > 0) {
      const chunk = this.#held.byteLength > 0 ? this.#held : await this.#pull();
      if (chunk === undefined) return;
      const taken = chunk.subarray(0, left);
      this.#held = chunk.subarray(taken.byteLength);
      left -= taken.byteLength;
      yield taken;
    }
  }

  async #pull(): Promise<Uint8Array | undefined> {
    const { done, value } = await this.#source.next();
    return done ? undefined : value;
  }
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array {
  if (first.byteLength === 0) return second;
  const both = new Uint8Array(first.byteLength + second.byteLength);
  both.set(first);
  both.set(second, first.byteLength);
  return both;
}
