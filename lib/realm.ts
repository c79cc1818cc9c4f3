/**
 * The engine's counterpart of this JavaScript realm: one doorbell for all its streams. It is opened
 * with the first stream or card and closed with the last. Where the realm is silent for long, the
 * engine takes it for a Worker that was terminated, so it calls every few seconds.
 *
 * @module
 */

import { clearInterval, clearTimeout, setInterval, setTimeout } from "node:timers";
import type { Doorbell, Native } from "./ffi/backend.ts";
import { ErrorCode } from "./ffi/abi.generated.ts";
import { engine } from "./ffi/engine.ts";
import { type HalflapError, nativeError } from "./errors.ts";
import { check } from "./native_call.ts";
import { performanceOffsetMs } from "./output_timestamp.ts";

/**
 * What a stream asks of the realm: nothing, its events while the process lives for other reasons, or
 * that the process stays alive.
 */
export type Attention = "none" | "unrefed" | "refed";

/** A stream as the realm sees it. */
export interface RealmMember {
  /** Takes a mask of the engine's `Event` bits. */
  handleEvents(mask: number): void;
  /** The engine has given up the realm, and has freed all that it had. */
  handleLoss(error: HalflapError): void;
}

const EVENT_PAIRS = 64;
const POLL_MS = 10;

let current: Realm | undefined;

/** The realm of the streams that are open, and of the one being opened. */
export class Realm {
  /** The engine's functions. */
  readonly native: Native;
  /** The engine's handle. */
  readonly handle: number;
  /** Milliseconds to add to the engine's clock to get `performance.now()`. */
  readonly performanceOffsetMs: number;
  /** A view of native memory. */
  readonly view: (address: number, byteLength: number) => ArrayBuffer;
  readonly #doorbell: Doorbell;
  readonly #members = new Map<number, RealmMember>();
  readonly #events = new Uint32Array(EVENT_PAIRS * 2);
  readonly #attention = { none: 0, unrefed: 0, refed: 0 };
  #users = 0;
  #dispatching = false;
  #poll: ReturnType<typeof setInterval> | undefined;
  #signOfLife: ReturnType<typeof setInterval> | undefined;
  #muting: ReturnType<typeof setTimeout> | undefined;
  #isLost = false;

  private constructor() {
    const library = engine();
    this.native = library.native;
    this.view = library.view;
    this.performanceOffsetMs = performanceOffsetMs(library.native);
    this.handle = check(library.native.halflap_realm_open());
    this.#doorbell = library.doorbell(this.handle, () => this.dispatch());
    const silenceMs = check(library.native.halflap_realm_silence_ms());
    if (silenceMs === 0) return;
    this.#signOfLife = setInterval(() => this.dispatch(), silenceMs);
    this.#signOfLife.unref();
  }

  /** Returns the realm that is open, or opens it. Every call needs its `release()`. */
  static acquire(): Realm {
    current ??= new Realm();
    current.#users++;
    return current;
  }

  /** Dispatches the events of the realm, if it is open. */
  static dispatchCurrent(): void {
    current?.dispatch();
  }

  /** Gives up one `acquire()`; the last one closes the realm, and then resolves. */
  async release(): Promise<void> {
    this.#users--;
    if (this.#users > 0 || this.#isLost) return;
    // A stream opened from now on gets a realm of its own, instead of waiting for this one's end.
    current = undefined;
    this.#stopTimers();
    await this.#doorbell.close();
    check(this.native.halflap_realm_close(this.handle));
  }

  /** Whether the engine has given up the realm, and freed all that it had. */
  get isLost(): boolean {
    const isKnown = this.#isLost ||
      this.native.halflap_realm_ring(this.handle) !== ErrorCode.invalid_handle;
    if (!isKnown) this.lose();
    return this.#isLost;
  }

  /**
   * Notes that the engine does not know the realm any more, or anything that belonged to it: it was
   * silent for too long.
   */
  lose(): void {
    if (this.#isLost) return;
    this.#isLost = true;
    if (current === this) current = undefined;
    this.#stopTimers();
    // Nothing rings or ends it any more.
    this.#doorbell.mute();
    const error = nativeError({ result: ErrorCode.abandoned, text: "" });
    for (const member of [...this.#members.values()]) member.handleLoss(error);
  }

  /** Sends the events of that stream handle to the member. */
  add(stream: number, member: RealmMember): void {
    this.#members.set(stream, member);
    this.#attention.none++;
  }

  /** Undoes `add()`. The member's attention must be "none" by then. */
  remove(stream: number): void {
    this.#members.delete(stream);
    this.#attention.none--;
  }

  /** Notes that a member asks for something else than before. */
  changeAttention(from: Attention, to: Attention): void {
    this.#attention[from]--;
    this.#attention[to]++;
    if (this.#isLost) return;
    if (this.#attention.refed > 0) {
      this.#stopPolling();
      this.#doorbell.listen();
      return;
    }
    // Not at once: who opens or closes many streams one after the other needs the doorbell again.
    this.#muting ??= setTimeout(() => this.#mute(), 0);
    if (this.#attention.unrefed > 0) this.#startPolling();
    else this.#stopPolling();
  }

  #mute(): void {
    this.#muting = undefined;
    if (this.#attention.refed === 0) this.#doorbell.mute();
  }

  /** Takes the events that native code has for the members, until there are no more. */
  dispatch(): void {
    // A listener can get here again; the loop below takes those events as well.
    if (this.#dispatching || this.#isLost) return;
    this.#dispatching = true;
    try {
      while (this.#dispatchSome() === EVENT_PAIRS);
    } finally {
      this.#dispatching = false;
    }
  }

  #dispatchSome(): number {
    const events = this.#events;
    const result = this.native.halflap_realm_events(this.handle, events, EVENT_PAIRS);
    if (result === ErrorCode.invalid_handle) this.lose();
    if (this.#isLost) return 0;
    const pairs = check(result);
    for (let pair = 0; pair < pairs; pair++) {
      // A listener of an earlier pair can have closed and released this pair's stream.
      this.#members.get(events[pair * 2]!)?.handleEvents(events[pair * 2 + 1]!);
    }
    return pairs;
  }

  #startPolling(): void {
    if (this.#poll !== undefined) return;
    this.#poll = setInterval(() => this.dispatch(), POLL_MS);
    this.#poll.unref();
  }

  #stopTimers(): void {
    this.#stopPolling();
    clearTimeout(this.#muting);
    clearInterval(this.#signOfLife);
  }

  #stopPolling(): void {
    clearInterval(this.#poll);
    this.#poll = undefined;
  }
}
