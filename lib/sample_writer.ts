/**
 * What writes samples of a stream's format into one of its queues.
 *
 * @module
 */

import { checkOptions, checkSignal } from "./check.ts";
import { bytesPerSample, checkFrames, type SampleFormat, type SamplesOf } from "./format.ts";
import type { NativeStream } from "./native_stream.ts";
import { makeWritable, type WritableChunk } from "./writable.ts";
import type { WriteQueue } from "./write_queue.ts";

/** Options of `write()`. */
export interface WriteOptions {
  /** Aborting it rejects the write with a `WriteAbortedError`, which says how much was accepted. */
  signal?: AbortSignal;
}

/** How the WritableStream in front of a queue ends. */
export interface WriteEnds {
  /** Plays what is queued. */
  drain(): Promise<void>;
  /** Throws away what is queued. */
  drop(): Promise<void>;
}

/** Checks samples and puts them into the line. */
export class SampleWriter<F extends SampleFormat> {
  readonly #stream: NativeStream;
  readonly #queue: WriteQueue;
  readonly #ends: WriteEnds;
  readonly #frameBytes: number;
  #writable: WritableStream<WritableChunk> | undefined;

  /**
   * @param stream The engine's stream.
   * @param queue The line in front of the queue.
   * @param ends How its WritableStream ends.
   */
  constructor(stream: NativeStream, queue: WriteQueue, ends: WriteEnds) {
    this.#stream = stream;
    this.#queue = queue;
    this.#ends = ends;
    const { channels, format } = stream.granted;
    this.#frameBytes = channels * bytesPerSample(format);
  }

  /** Writes samples, and resolves when the queue has taken all of them. */
  write(samples: SamplesOf<F>, options?: WriteOptions): Promise<void> {
    try {
      this.#stream.assertOpen();
      const frames = this.#checkFrames(samples);
      return this.#queue.write(samples, frames, signalOf(options));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Writes as many frames as there is room for now; returns how many. */
  tryWrite(samples: SamplesOf<F>): number {
    this.#stream.assertOpen();
    return this.#queue.tryWrite(samples, this.#checkFrames(samples));
  }

  /** A WritableStream in front of `write()`; a new one after it has ended. */
  get writable(): WritableStream<WritableChunk> {
    this.#writable ??= makeWritable({
      format: this.#stream.granted.format,
      frameBytes: this.#frameBytes,
      write: (frames, signal) => this.#writeBytes(frames, signal),
      drain: () => this.#ends.drain(),
      drop: () => this.#ends.drop(),
    }, () => this.#writable = undefined);
    return this.#writable;
  }

  #checkFrames(samples: SamplesOf<F>): number {
    const { channels, format } = this.#stream.granted;
    return checkFrames(format, channels, samples);
  }

  async #writeBytes(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    this.#stream.assertOpen();
    await this.#queue.write(bytes, bytes.byteLength / this.#frameBytes, signal);
  }
}

function signalOf(options: WriteOptions | undefined): AbortSignal | undefined {
  if (options === undefined) return undefined;
  const { signal } = checkOptions<WriteOptions>("the options of write()", options, ["signal"]);
  return checkSignal(signal);
}
