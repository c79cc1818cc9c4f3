/**
 * What the engine holds in this process.
 *
 * @module
 */

import { Counters as Field, COUNTERS_LENGTH } from "../ffi/abi.generated.ts";
import { engine } from "../ffi/engine.ts";
import { check } from "../native_call.ts";

/** What the engine holds in this process, over all its realms: all 0 when nothing is open. */
export interface EngineCounters {
  /** Handles in use. */
  readonly handles: number;
  /** JavaScript realms with something open. */
  readonly realms: number;
  /** Streams. */
  readonly streams: number;
  /** Virtual cards. */
  readonly cards: number;
  /** Native threads. */
  readonly threads: number;
  /** File descriptors. */
  readonly descriptors: number;
  /** Waits of realms for events. */
  readonly pendingWaits: number;
  /** Views of native memory. */
  readonly views: number;
  /** PCMs of libasound. */
  readonly pcms: number;
  /** Bytes of memory in queues, clips, taps and rings. */
  readonly bytes: number;
}

/**
 * Returns what the engine holds in this process, for tests that look for leaks.
 *
 * @example Nothing leaks
 * ```ts
 * import { openPlayback } from "halflap";
 * import { engineCounters } from "halflap/testing";
 *
 * {
 *   await using out = await openPlayback({ device: "virtual" });
 *   await out.write(new Float32Array(960));
 * }
 * console.assert(engineCounters().streams === 0);
 * ```
 *
 * @returns A snapshot.
 * @throws HalflapError if the engine cannot be loaded.
 */
export function engineCounters(): EngineCounters {
  const record = new Float64Array(COUNTERS_LENGTH);
  check(engine().native.halflap_counters(record, COUNTERS_LENGTH));
  return {
    handles: record[Field.handles]!,
    realms: record[Field.realms]!,
    streams: record[Field.streams]!,
    cards: record[Field.cards]!,
    threads: record[Field.threads]!,
    descriptors: record[Field.descriptors]!,
    pendingWaits: record[Field.pending_waits]!,
    views: record[Field.views]!,
    pcms: record[Field.pcms]!,
    bytes: record[Field.bytes]!,
  };
}
