/**
 * A WritableStream in front of a playback stream.
 *
 * @module
 */

import { FrameCarry } from "./frame_carry.ts";
import { checkAttached, isSamplesOf, type SampleFormat } from "./format.ts";

/**
 * What `writable` takes: bytes, as an ArrayBuffer, Uint8Array (Node's Buffer is one) or DataView, or
 * the typed array of the stream's format.
 */
export type WritableChunk = ArrayBufferLike | ArrayBufferView;

/** The playback stream as its WritableStream needs it. */
export interface WritableTarget {
  /** Sample format. */
  readonly format: SampleFormat;
  /** Bytes in a frame. */
  readonly frameBytes: number;
  /** Queues whole frames. */
  write(frames: Uint8Array, signal: AbortSignal): Promise<void>;
  /** Plays what is queued. */
  drain(): Promise<void>;
  /** Throws away what is queued. */
  drop(): Promise<void>;
}

/** Makes a WritableStream; calls back when it was closed, aborted or has failed. */
export function makeWritable(
  target: WritableTarget,
  onEnd: () => void,
): WritableStream<WritableChunk> {
  const carry = new FrameCarry(target.frameBytes);
  return new WritableStream<WritableChunk>({
    async write(chunk, controller): Promise<void> {
      try {
        for (const frames of carry.push(bytesOf(target.format, chunk))) {
          await target.write(frames, controller.signal);
        }
      } catch (error) {
        onEnd();
        throw error;
      }
    },
    async close(): Promise<void> {
      onEnd();
      await target.drain();
      const { carriedBytes } = carry;
      if (carriedBytes === 0) return;
      throw new RangeError(
        `What was written must be whole frames of ${target.frameBytes} bytes: ` +
          `the last one has ${carriedBytes} bytes`,
      );
    },
    async abort(): Promise<void> {
      onEnd();
      await target.drop();
    },
  });
}

function bytesOf(format: SampleFormat, chunk: unknown): Uint8Array {
  if (chunk instanceof ArrayBuffer || chunk instanceof SharedArrayBuffer) {
    return new Uint8Array(chunk);
  }
  if (chunk instanceof DataView) {
    return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  }
  if (chunk instanceof Uint8Array || isSamplesOf(format, chunk)) {
    checkAttached(chunk);
    return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  }
  const given = Object.prototype.toString.call(chunk).slice("[object ".length, -1);
  throw new TypeError(
    `A chunk must be bytes (ArrayBuffer, Uint8Array, DataView) or the typed array of the format ` +
      `"${format}": current value is of type ${given}`,
  );
}
