/**
 * Draining behind the writes that still wait for room.
 *
 * @module
 */

import { clearTimeout, setTimeout } from "node:timers";
import { nativeError } from "./errors.ts";
import { ErrorCode } from "./ffi/abi.generated.ts";
import type { NativeStream } from "./native_stream.ts";

/** The writes that come first. */
export interface Barrier {
  /** Whether anybody waits. */
  readonly isBlocked: boolean;
  /** Runs when all earlier writes are done; later writes wait until it has settled. */
  barrier(run: () => Promise<void>): Promise<void>;
}

/** Drains the stream when all earlier writes are done; a time-out includes them. */
export async function drainWithin(
  stream: NativeStream,
  writes: Barrier,
  timeoutMs: number | undefined,
): Promise<void> {
  if (timeoutMs === undefined) return await writes.barrier(() => stream.command("drain"));
  const { simulated } = stream.granted;
  const calledAt = performance.now();
  const drained = writes.barrier(() => {
    // The engine knows the stream's clock, but not how long the writes before the drain took.
    const waitedMs = simulated ? 0 : performance.now() - calledAt;
    return stream.command("drain", { timeoutMs: Math.max(0, timeoutMs - waitedMs) });
  });
  // A clock that stands still has no time-out but the engine's.
  if (!writes.isBlocked || simulated) return await drained;
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(
    () => late.reject(nativeError({ result: ErrorCode.timeout, text: "" })),
    timeoutMs,
  );
  // The pending drain keeps the process alive as long as it should.
  timer.unref();
  try {
    await Promise.race([late.promise, drained]);
  } finally {
    clearTimeout(timer);
  }
}
