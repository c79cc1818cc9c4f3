/**
 * Questions about devices. ALSA takes its time to answer them, so a thread of the engine asks it,
 * and the realm's doorbell says when the answer is there.
 *
 * @module
 */

import { type HalflapError, nativeError } from "../errors.ts";
import {
  CAPABILITIES_LENGTH,
  Device,
  DEVICE_LENGTH,
  QUERY_STATUS_LENGTH,
  QueryStatus,
  QueryText,
} from "../ffi/abi.generated.ts";
import type { Native } from "../ffi/backend.ts";
import { check } from "../native_call.ts";
import { Realm } from "../realm.ts";

// More than any list of formats, channel maps or programs takes.
const TEXT_BYTES = 16 * 1024;

/** One PCM in one direction, as the engine tells of it; it can be read while the query is open. */
export class QueryAnswer {
  /** The engine's record. */
  readonly record: Float64Array;
  readonly #native: Native;
  readonly #query: number;
  readonly #index: number;

  constructor(native: Native, query: number, index: number) {
    this.#native = native;
    this.#query = query;
    this.#index = index;
    this.record = new Float64Array(DEVICE_LENGTH);
    check(native.halflap_query_answer(query, index, this.record, DEVICE_LENGTH));
  }

  /** A text, by its number among the `QueryText`. */
  text(which: number): string {
    return readText(this.#native, this.#query, this.#index, which);
  }

  /** What the PCM can do; only where it could be probed. */
  readCapabilities(): Float64Array {
    const record = new Float64Array(CAPABILITIES_LENGTH);
    check(
      this.#native.halflap_query_answer_capabilities(
        this.#query,
        this.#index,
        record,
        CAPABILITIES_LENGTH,
      ),
    );
    return record;
  }

  /** Why it could not be probed, if it could not. */
  probeError(doing: string): HalflapError | undefined {
    const result = this.record[Device.probed]!;
    if (result >= 0) return undefined;
    return nativeError({
      result,
      errno: this.record[Device.probe_errno]!,
      text: doing + this.text(QueryText.failure),
      call: this.text(QueryText.call),
    });
  }
}

/** What to ask, and how. */
export interface QueryOptions<Result> {
  /** Words for the message of an error, such as `Cannot list devices: `. */
  readonly doing: string;
  /** Asks; returns the engine's handle of the query. */
  begin(realm: Realm): number;
  /** Makes the result of the answers. */
  read(answers: readonly QueryAnswer[]): Result;
  /** Ends the waiting. */
  readonly signal?: AbortSignal | undefined;
}

/** Asks the engine. Rejects with the signal's reason if that is aborted first. */
export async function query<Result>(options: QueryOptions<Result>): Promise<Result> {
  options.signal?.throwIfAborted();
  const realm = Realm.acquire();
  try {
    return await queryIn(realm, options);
  } finally {
    await realm.release();
  }
}

async function queryIn<Result>(
  realm: Realm,
  { doing, begin, read, signal }: QueryOptions<Result>,
): Promise<Result> {
  const handle = check(begin(realm));
  const answered = Promise.withResolvers<void>();
  const onAbort = (): void => answered.reject(signal!.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  let isLost = false;
  realm.add(handle, {
    handleEvents: () => answered.resolve(),
    handleLoss: (error) => {
      isLost = true;
      answered.reject(error);
    },
  });
  realm.changeAttention("none", "refed");
  try {
    await answered.promise;
    return read(readAnswers(realm.native, handle, doing));
  } finally {
    signal?.removeEventListener("abort", onAbort);
    realm.changeAttention("refed", "none");
    realm.remove(handle);
    if (!isLost) check(realm.native.halflap_query_close(handle));
  }
}

function readAnswers(native: Native, handle: number, doing: string): QueryAnswer[] {
  const status = new Float64Array(QUERY_STATUS_LENGTH);
  check(native.halflap_query_status(handle, status, QUERY_STATUS_LENGTH));
  const result = status[QueryStatus.result]!;
  const count = status[QueryStatus.count]!;
  if (result < 0) {
    throw nativeError({
      result,
      errno: status[QueryStatus.errno]!,
      text: doing + readText(native, handle, count, QueryText.failure),
      call: readText(native, handle, count, QueryText.call),
    });
  }
  return Array.from({ length: count }, (_, index) => new QueryAnswer(native, handle, index));
}

// An index behind the last answer stands for the query as a whole.
function readText(native: Native, handle: number, index: number, which: number): string {
  const buffer = new Uint8Array(TEXT_BYTES);
  const bytes = check(native.halflap_query_text(handle, index, which, buffer, TEXT_BYTES));
  return new TextDecoder().decode(buffer.subarray(0, bytes));
}
