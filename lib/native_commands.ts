/**
 * The commands of a stream: each has an ordinal, by which the engine says that it was carried out.
 *
 * @module
 */

import { nativeError } from "./errors.ts";
import { Command, Completion, COMPLETION_LENGTH, ErrorCode } from "./ffi/abi.generated.ts";
import type { NativeStream } from "./native_stream.ts";

/** The commands, as the engine and as its record of completions name them. */
export type CommandName = keyof typeof Command;

/** What a command can be given. */
export interface CommandOptions {
  /** Length of a fade. */
  fadeMs?: number | undefined;
  /** How long to wait for it, on the stream's clock. */
  timeoutMs?: number | undefined;
}

interface Waiter {
  readonly name: CommandName;
  readonly ordinal: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const NO_TIMEOUT = -1;

// Written and read at once: one is enough for all streams.
const completions = new Float64Array(COMPLETION_LENGTH);

/** The commands of a stream, and who waits for them. */
export class NativeCommands {
  /** Ordinal of a start that waits for the first frame, or 0. */
  waitingStart = 0;
  readonly #stream: NativeStream;
  #waiters: Waiter[] = [];

  /** @param stream The stream. */
  constructor(stream: NativeStream) {
    this.#stream = stream;
  }

  /** Sends a command; returns its ordinal. */
  send(name: CommandName, options: CommandOptions = {}): number {
    const { fadeMs = 0, timeoutMs = NO_TIMEOUT } = options;
    const { native, handle } = this.#stream;
    const ordinal = this.#stream.check(
      native.halflap_stream_command(handle, Command[name], fadeMs, timeoutMs),
    );
    if (name === "start") this.waitingStart = ordinal;
    if (name === "drain" || name === "drop") this.waitingStart = 0;
    return ordinal;
  }

  /** Resolves when the command of that ordinal has been carried out. */
  completion(name: CommandName, ordinal: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiters.push({ name, ordinal, resolve, reject });
    return promise;
  }

  /** Settles what the engine says it has carried out. */
  settle(): void {
    const { native, handle } = this.#stream;
    const record = completions;
    this.#stream.check(native.halflap_stream_completions(handle, record, COMPLETION_LENGTH));
    if (record[Completion.start_count]! >= this.waitingStart) this.waitingStart = 0;
    this.#waiters = this.#waiters.filter(({ name, ordinal, resolve, reject }) => {
      if (ordinal > record[Completion[`${name}_count`]]!) return true;
      // The result is that of the last one; commands that completed together share it.
      const result = record[Completion[`${name}_result`]]!;
      if (result === ErrorCode.ok) resolve();
      else reject(nativeError({ result, text: "" }));
      return false;
    });
  }

  /** Rejects all that waits. */
  rejectAll(error: unknown): void {
    for (const { reject } of this.#waiters.splice(0)) reject(error);
  }
}
