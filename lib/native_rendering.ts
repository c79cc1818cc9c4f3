/**
 * Rendering into the memory of a stream: what is begun, and committed.
 *
 * @module
 */

import { RENDER_BLOCK_LENGTH, RenderBlock, View, VIEW_LENGTH } from "./ffi/abi.generated.ts";
import type { NativeStream } from "./native_stream.ts";

// The engine bounds a wait by the same figure, so that a terminated Worker leaves no thread behind.
const WAIT_MS = 1000;

/** The calls of a stream that is rendered in place. */
export class NativeRendering {
  readonly #stream: NativeStream;
  // What was begun last.
  readonly #block = new Float64Array(RENDER_BLOCK_LENGTH);

  /** @param stream An open stream with a source of this kind. */
  constructor(stream: NativeStream) {
    this.#stream = stream;
  }

  /** The memory that frames are rendered into. */
  view(): ArrayBuffer {
    const { native, handle, realm } = this.#stream;
    const record = new Float64Array(VIEW_LENGTH);
    this.#stream.check(native.halflap_stream_view(handle, record, VIEW_LENGTH));
    return realm.view(record[View.address]!, record[View.byte_length]!);
  }

  /** Begins to render; returns how many frames in one piece, or 0 if there is no room. */
  begin(frames: number): number {
    const { native, handle } = this.#stream;
    const result = native.halflap_stream_begin(handle, frames, this.#block, RENDER_BLOCK_LENGTH);
    return this.#stream.check(result);
  }

  /** Frames of the memory before those that were begun last. */
  get offset(): number {
    return this.#block[RenderBlock.offset_frames]!;
  }

  /** Frames of the stream before those that were begun last. */
  get position(): number {
    return this.#block[RenderBlock.position_frames]!;
  }

  /** When those that were begun last will be heard, or NaN. */
  get timeMs(): number {
    const heardMs = this.#block[RenderBlock.heard_ms]!;
    return heardMs < 0 ? NaN : heardMs + this.#stream.performanceOffsetMs;
  }

  /** Gives the first frames of those begun to the stream; returns how many it took. */
  commit(frames: number): number {
    const { native, handle } = this.#stream;
    const committed = this.#stream.check(native.halflap_stream_commit(handle, frames));
    this.#stream.noteGiven(committed);
    return committed;
  }

  /** Blocks until there is room for that many frames, or for so long. */
  waitForRoom(frames: number, timeoutMs: number): boolean {
    const { native, handle, realm } = this.#stream;
    // In pieces: a Worker that is terminated meanwhile ends at the next one.
    for (let leftMs = timeoutMs; leftMs >= 0; leftMs -= WAIT_MS) {
      const pieceMs = Math.min(leftMs, WAIT_MS);
      const result = native.halflap_stream_wait_room(handle, frames, pieceMs);
      if (result < 0) {
        // The event that says why may not have been dispatched yet.
        realm.dispatch();
        this.#stream.assertOpen();
      }
      if (this.#stream.check(result) > 0) return true;
    }
    return false;
  }
}
