/**
 * The xruns of a stream: the engine's last records of them, and who was told of which.
 *
 * @module
 */

import { ErrorCode, Stats } from "./ffi/abi.generated.ts";
import type { NativeStream } from "./native_stream.ts";
import { type Xrun, xrunFromNative, xrunRecord } from "./xrun.ts";

// As many as the engine keeps.
const KEPT_XRUNS = 16;

/** What is told of xruns. */
export interface XrunObserver {
  /** An xrun has begun. */
  xrun(xrun: Xrun): void;
  /** An xrun is over. */
  xrunOver(xrun: Xrun): void;
}

/** The xruns of a stream. */
export class NativeXruns {
  /** Number of the last one whose beginning the observer was told of. */
  toldBegun = 0;
  /** Number of the last one whose end the observer was told of. */
  toldOver = 0;
  readonly #stream: NativeStream;

  /** @param stream The stream. */
  constructor(stream: NativeStream) {
    this.#stream = stream;
  }

  /**
   * Tells of the xruns that were not told of. Of many at once only the last ones are kept; the others
   * are counted.
   */
  tell(observer: XrunObserver): void {
    const stats = this.#stream.readStats();
    const begun = stats[Stats.xruns]!;
    const over = stats[Stats.xruns_over]!;
    while (this.toldBegun < begun) {
      const xrun = this.#read(++this.toldBegun);
      if (xrun !== undefined) observer.xrun(xrun);
    }
    while (this.toldOver < over) {
      const xrun = this.#read(++this.toldOver);
      if (xrun !== undefined) observer.xrunOver(xrun);
    }
  }

  /** Those of so many that are kept. */
  recent(count: number): Xrun[] {
    const recent: Xrun[] = [];
    for (let number = Math.max(1, count - KEPT_XRUNS + 1); number <= count; number++) {
      const xrun = this.#read(number);
      if (xrun !== undefined) recent.push(xrun);
    }
    return recent;
  }

  #read(number: number): Xrun | undefined {
    const { native, handle, granted, performanceOffsetMs } = this.#stream;
    const record = xrunRecord();
    const result = native.halflap_stream_xrun(handle, number, record, record.length);
    if (result === ErrorCode.invalid_state) return undefined;
    this.#stream.check(result);
    const isRealtime = granted.realtime.priority > 0;
    const isRendered = granted.zeroCopy !== undefined;
    return xrunFromNative(number, record, performanceOffsetMs, { isRealtime, isRendered });
  }
}
