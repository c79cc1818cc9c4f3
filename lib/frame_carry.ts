/**
 * Cuts a stream of bytes into whole frames.
 *
 * @module
 */

/** Carries the bytes of an incomplete frame over to the next chunk. */
export class FrameCarry {
  readonly #frame: Uint8Array;
  #carried = 0;

  /** @param frameBytes Bytes in a frame. */
  constructor(frameBytes: number) {
    this.#frame = new Uint8Array(frameBytes);
  }

  /** Bytes of the incomplete frame. */
  get carriedBytes(): number {
    return this.#carried;
  }

  /**
   * Takes a chunk and yields what it completes: views of whole frames, without a copy but for the
   * frame that began in an earlier chunk. A view is valid until the next one is asked for.
   */
  *push(chunk: Uint8Array): Generator<Uint8Array, void, void> {
    const frameBytes = this.#frame.byteLength;
    let rest = chunk;
    if (this.#carried > 0) {
      rest = this.#carry(rest);
      if (this.#carried < frameBytes) return;
      this.#carried = 0;
      yield this.#frame;
    }
    const wholeBytes = rest.byteLength - rest.byteLength % frameBytes;
    if (wholeBytes > 0) yield rest.subarray(0, wholeBytes);
    this.#carry(rest.subarray(wholeBytes));
  }

  /** Forgets the incomplete frame. */
  clear(): void {
    this.#carried = 0;
  }

  // Moves as many bytes as fit into the incomplete frame; returns the others.
  #carry(bytes: Uint8Array): Uint8Array {
    const taken = bytes.subarray(0, this.#frame.byteLength - this.#carried);
    this.#frame.set(taken, this.#carried);
    this.#carried += taken.byteLength;
    return bytes.subarray(taken.byteLength);
  }
}
