/**
 * A sound card without hardware, for tests of programs that play sound.
 *
 * @module
 */

/// <reference lib="esnext.disposable" preserve="true" />

import { setImmediate } from "node:timers";
import { checkInteger, checkNumber, checkOptions } from "../check.ts";
import { closedError, HalflapError } from "../errors.ts";
import {
  CARD_OPTIONS_LENGTH,
  CARD_STATUS_LENGTH,
  CardStatus as Field,
  Tap,
} from "../ffi/abi.generated.ts";
import { engine } from "../ffi/engine.ts";
import {
  allocateSamples,
  bytesPerSample,
  formatFromNative,
  type SampleFormat,
  type SamplesOf,
} from "../format.ts";
import { check } from "../native_call.ts";
import { RATE_RANGE } from "../ranges.ts";
import { Realm } from "../realm.ts";
import {
  checkCardOptions,
  type CheckedCardOptions,
  type VirtualCardOptions,
} from "./card_options.ts";
import { checkFault, type Fault } from "./fault.ts";

/** State of a virtual card and of one of its substreams. */
export interface CardStatus {
  /** Substreams opened since the card was: every stream gets the next number, from 0 on. */
  readonly substreams: number;
  /** Format of the substream; without a meaning while there is no such substream. */
  readonly format: SampleFormat;
  /** Channels of the substream; 0 while there is no such substream. */
  readonly channels: number;
  /** Frames per second of the substream; 0 while there is no such substream. */
  readonly rate: number;
  /** Frames that the card has played on the substream. */
  readonly framesPlayed: number;
  /** Frames that were played, but that the tap could not record. */
  readonly tapLostFrames: number;
  /** Time of the card in milliseconds. */
  readonly timeMs: number;
}

/** Options of {@linkcode VirtualCard.advance}. */
export interface AdvanceOptions {
  /**
   * Rate of the frames, an integer from 4000 to 768000. The default is the rate of the card's first
   * stream.
   */
  rate?: number;
}

/** Options of {@linkcode VirtualCard.injectFault}. */
export interface InjectFaultOptions {
  /**
   * Number of the substream, for faults of the hardware: 0, the default, for the first stream
   * opened on the card, and so on. For a fault of the card as a whole it is 0.
   */
  substream?: number;
}

const MAX_FRAMES = 2 ** 40;
const MAX_SUBSTREAM = 2 ** 31 - 1;

class CardHandle {
  readonly realm: Realm;
  readonly handle: number;
  readonly clock: "realtime" | "simulated";
  readonly remembers: boolean;

  constructor(realm: Realm, handle: number, { clock, tap }: CheckedCardOptions) {
    this.realm = realm;
    this.handle = handle;
    this.clock = clock;
    this.remembers = tap === Tap.memory;
  }
}

/** A sound card without hardware. {@linkcode openVirtualCard} opens it. */
export class VirtualCard implements AsyncDisposable {
  readonly #card: CardHandle;
  #isClosed = false;
  #advance: Promise<void> = Promise.resolve();

  /**
   * Not for users: `openVirtualCard()` opens a card.
   *
   * @param card The engine's card.
   */
  constructor(card: unknown) {
    if (!(card instanceof CardHandle)) {
      throw new TypeError("Illegal constructor: use openVirtualCard() to open a card");
    }
    this.#card = card;
  }

  /** The name of the card as `openPlayback()` takes it for `device`. Any number of streams can. */
  get device(): string {
    return `virtual:${this.#card.handle}`;
  }

  /** How the card tells the time. */
  get clock(): "realtime" | "simulated" {
    return this.#card.clock;
  }

  /**
   * Moves a simulated clock forward. All streams of the card play meanwhile; whenever one has room,
   * or an event, JavaScript runs before the time goes on, so that pending `write()` calls are served
   * in time. What a program does within one turn of its event loop takes no simulated time; what it
   * waits for elsewhere (a timer, a file) comes later than it would in real time.
   *
   * Calls can overlap; they are carried out one after the other.
   *
   * @param frames How far, in frames: an integer from 0 to 2^40.
   * @param options The rate of these frames.
   * @returns Resolves when the card has got there, and JavaScript has run.
   * @throws TypeError or RangeError for a wrong argument; HalflapError with
   *   `ERR_HALFLAP_INVALID_STATE` on a real-time clock, or if no rate is known.
   */
  advance(frames: number, options?: AdvanceOptions): Promise<void> {
    return this.#enqueueAdvance(() => {
      checkInteger("frames", frames, 0, MAX_FRAMES);
      const { rate = this.#firstRate() } = checkOptions<AdvanceOptions>(
        "the options of advance()",
        options,
        ["rate"],
      );
      const checkedRate = checkInteger("rate", rate, ...RATE_RANGE);
      return engine().native.halflap_card_advance_frames(this.#handle, frames, checkedRate);
    });
  }

  /**
   * Moves a simulated clock forward as `advance()` does.
   *
   * @param milliseconds How far: a number from 0 to 2^40.
   * @returns Resolves when the card has got there, and JavaScript has run.
   * @throws TypeError or RangeError for a wrong argument; HalflapError with
   *   `ERR_HALFLAP_INVALID_STATE` on a real-time clock.
   */
  advanceMs(milliseconds: number): Promise<void> {
    return this.#enqueueAdvance(() => {
      checkNumber("milliseconds", milliseconds, 0, MAX_FRAMES);
      return engine().native.halflap_card_advance(this.#handle, milliseconds);
    });
  }

  /**
   * Returns what the card has played on a substream, with the option `tap: "memory"`.
   *
   * @param substream Number of the substream: 0 for the first stream opened on the card, and so on.
   * @returns Interleaved samples, in the typed array of the substream's format.
   * @throws TypeError or RangeError for a wrong argument, or if there is no such substream yet;
   *   HalflapError with `ERR_HALFLAP_INVALID_STATE` if there is no tap in memory.
   */
  played(substream: number = 0): SamplesOf<SampleFormat> {
    if (!this.#card.remembers) {
      throw new HalflapError("The card does not remember what it played", {
        code: "ERR_HALFLAP_INVALID_STATE",
        hint: 'open it with tap: "memory"',
      });
    }
    this.flush();
    const { substreams, format, channels, framesPlayed, tapLostFrames } = this.status(substream);
    checkInteger("substream", substream, 0, substreams - 1);
    const frameBytes = bytesPerSample(format) * channels;
    const samples = allocateSamples(format, (framesPlayed - tapLostFrames) * channels);
    const bytes = new Uint8Array(samples.buffer);
    let offset = 0;
    while (offset < bytes.byteLength) {
      const rest = bytes.subarray(offset);
      const copied = check(
        engine().native.halflap_card_played(
          this.#handle,
          substream,
          offset / frameBytes,
          rest,
          rest.byteLength,
        ),
      );
      if (copied === 0) break;
      offset += copied;
    }
    return samples.subarray(0, offset / samples.BYTES_PER_ELEMENT);
  }

  /**
   * Returns the state of the card and of one of its substreams.
   *
   * @param substream Number of the substream: 0 for the first stream opened on the card, and so on.
   * @returns A snapshot.
   * @throws TypeError or RangeError for a wrong argument.
   */
  status(substream: number = 0): CardStatus {
    const record = new Float64Array(CARD_STATUS_LENGTH);
    const number = checkInteger("substream", substream, 0, MAX_SUBSTREAM);
    check(
      engine().native.halflap_card_status(this.#handle, number, record, CARD_STATUS_LENGTH),
    );
    return {
      substreams: record[Field.substreams]!,
      format: formatFromNative(record[Field.format]!),
      channels: record[Field.channels]!,
      rate: record[Field.rate]!,
      framesPlayed: record[Field.frames_played]!,
      tapLostFrames: record[Field.tap_lost_frames]!,
      timeMs: record[Field.time_ms]!,
    };
  }

  /**
   * Arms a fault. Each takes effect once, at its next occasion, and one that is armed again before
   * that replaces the first. A fault of the hardware (`stall`, `pointer-jump`, `xrun`, `suspend`,
   * `disconnect`, `heal`) belongs to one substream, the others to the card as a whole.
   *
   * @example A sound card that is pulled out
   * ```ts
   * import assert from "node:assert/strict";
   * import { openPlayback, silence } from "halflap";
   * import { openVirtualCard } from "halflap/testing";
   *
   * await using card = await openVirtualCard();
   * await using out = await openPlayback({ device: card.device, source: silence() });
   * await card.advanceMs(100);
   * card.injectFault({ kind: "disconnect" });
   * const lost = assert.rejects(out.closed, { code: "ERR_HALFLAP_DEVICE_LOST" });
   * await card.advanceMs(100);
   * await lost;
   * ```
   *
   * @param fault The fault.
   * @param options The substream.
   * @throws TypeError or RangeError for a wrong argument, or if there is no such substream yet;
   *   HalflapError with `ERR_HALFLAP_CLOSED` after the card was closed.
   */
  injectFault(fault: Fault, options?: InjectFaultOptions): void {
    const { native, amount, isOfCard } = checkFault(fault);
    const { substream = 0 } = checkOptions<InjectFaultOptions>(
      "the options of injectFault()",
      options,
      ["substream"],
    );
    const last = isOfCard ? 0 : this.status().substreams - 1;
    const number = checkInteger("substream", substream, 0, last);
    check(engine().native.halflap_card_fault(this.#handle, number, native, amount));
  }

  /**
   * Waits until everything played so far is in the tap; a WAV file can be read then.
   *
   * @throws HalflapError if the file cannot be written.
   */
  flush(): void {
    check(engine().native.halflap_card_flush(this.#handle));
  }

  /**
   * Closes the card.
   *
   * @returns Resolves when it is closed; a second call has no effect.
   * @throws HalflapError with `ERR_HALFLAP_INVALID_STATE` while streams are open on it.
   */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    await this.#advance;
    const { realm, handle } = this.#card;
    if (!realm.isLost) check(engine().native.halflap_card_close(handle));
    this.#isClosed = true;
    await realm.release();
  }

  /** Does what `close()` does, at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  get #handle(): number {
    if (this.#isClosed || this.#card.realm.isLost) throw closedError("card");
    return this.#card.handle;
  }

  #firstRate(): number {
    const { substreams, rate } = this.status(0);
    if (substreams > 0) return rate;
    throw new HalflapError("The card has no stream yet whose rate could be used", {
      code: "ERR_HALFLAP_INVALID_STATE",
      hint: 'give advance() a "rate"',
    });
  }

  #enqueueAdvance(begin: () => number): Promise<void> {
    const advanced = this.#advance.then(() => this.#advanceAll(begin));
    // The next call is to come after this one, whatever became of it.
    this.#advance = advanced.catch(() => {});
    return advanced;
  }

  async #advanceAll(begin: () => number): Promise<void> {
    let hasRest = check(begin()) > 0;
    await settle();
    while (hasRest) {
      hasRest = check(engine().native.halflap_card_advance(this.#handle, 0)) > 0;
      await settle();
    }
  }
}

// Dispatches the events of the streams and lets everything run that needs no more than turns of the
// event loop: promises, and the steps between streams and their sinks.
async function settle(): Promise<void> {
  Realm.dispatchCurrent();
  await new Promise<void>((resolve) => setImmediate(resolve));
  Realm.dispatchCurrent();
}

/**
 * Opens a virtual card, whose `device` name `openPlayback()` takes. It is a real ALSA PCM with a ring
 * buffer, but the time in it can be simulated: a test moves it frame by frame, and hours pass in
 * seconds.
 *
 * @example Testing what a program plays
 * ```ts
 * import assert from "node:assert/strict";
 * import { openPlayback } from "halflap";
 * import { openVirtualCard } from "halflap/testing";
 *
 * await using card = await openVirtualCard();
 * await using out = await openPlayback({ device: card.device, format: "s16", channels: 1 });
 * const samples = Int16Array.from({ length: 48_000 }, (_, n) => n % 100);
 *
 * const drained = out.write(samples).then(() => out.drain());
 * await card.advance(50_000);
 * await drained;
 * assert.deepEqual(card.played().slice(0, samples.length), samples);
 * ```
 *
 * @param options Clock, tap and limits of the card.
 * @returns The card.
 * @throws TypeError or RangeError for a wrong option; HalflapError if the card cannot be opened.
 */
export async function openVirtualCard(options?: VirtualCardOptions): Promise<VirtualCard> {
  const checked = checkCardOptions(options);
  const realm = Realm.acquire();
  try {
    return new VirtualCard(new CardHandle(realm, openNative(realm, checked), checked));
  } catch (error) {
    await realm.release();
    throw error;
  }
}

function openNative(realm: Realm, { record, tapPath }: CheckedCardOptions): number {
  const path = new TextEncoder().encode(tapPath);
  return check(
    realm.native.halflap_card_open(
      realm.handle,
      record,
      CARD_OPTIONS_LENGTH,
      path,
      path.byteLength,
    ),
  );
}
