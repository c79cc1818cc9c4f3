/**
 * A stream of the engine: its handle, its commands and its end. What is public about a stream is in
 * `playback.ts`.
 *
 * @module
 */

import { clearTimeout, setTimeout } from "node:timers";
import { Deferred } from "./deferred.ts";
import { closedError, detachedError, type HalflapError, nativeError } from "./errors.ts";
import {
  ErrorCode,
  Event,
  Granted as GrantedField,
  GRANTED_LENGTH,
  Handover,
  HANDOVER_LENGTH,
  type SourceKind,
  Stats,
  STATS_LENGTH,
  Text,
} from "./ffi/abi.generated.ts";
import type { Native } from "./ffi/backend.ts";
import { bytesPerSample } from "./format.ts";
import { type Granted, grantedFromNative } from "./granted.ts";
import { check, readText } from "./native_call.ts";
import { type CommandName, type CommandOptions, NativeCommands } from "./native_commands.ts";
import { NativeXruns, type XrunObserver } from "./native_xruns.ts";
import { openNative } from "./open_native.ts";
import type { CheckedPlaybackOptions } from "./options.ts";
import { type Attention, Realm } from "./realm.ts";
import { isActive, type PlaybackState, stateFromNative } from "./state.ts";

/** What the owner of a stream is told. */
export interface StreamObserver extends XrunObserver {
  /** The state has changed. */
  stateChanged(state: PlaybackState): void;
  /** The stream is about to close; it still has its statistics. */
  ending(): void;
  /** The stream is no longer usable: it was closed, or it failed and is closing. */
  ended(): void;
}

/** What the one that writes to a stream is told. */
export interface StreamWriter {
  /** The queue has the room that `awaitRoom()` asked for. */
  roomAvailable(): void;
  /** The stream takes no more; the error says why. */
  ended(error: HalflapError): void;
  /** The stream is closed or given away. Returns whether no view of its memory is left. */
  detachView?(): boolean;
  /** A number from which the next owner's writer goes on. */
  state?(): number;
}

/** What feeds a stream. */
export type SourceName = keyof typeof SourceKind;

/**
 * How long a close may take: the engine itself leaves PCMs behind sooner, but there are calls of
 * libasound that wait for a sound server for ever.
 */
const CLOSE_LIMIT_MS = 10_000;

interface Beginning {
  readonly source: SourceName;
  readonly gain: number;
  readonly device?: string;
  readonly startsWhenOpen?: boolean;
}

// Written and read at once: one of each is enough for all streams.
const statsRecord = new Float64Array(STATS_LENGTH);
const grantedRecord = new Float64Array(GRANTED_LENGTH);

/** A stream of the engine. */
export class NativeStream {
  /** What the device granted. Set when `open()` resolves. */
  granted!: Granted;
  /** Inputs of a mix. */
  mixInputs = 0;
  /** The state as last told to the observer. */
  state: PlaybackState = "open";
  /** Is told what happens. */
  observer: StreamObserver | undefined;
  /** Is told when it can write. */
  writer: StreamWriter | undefined;
  /** What feeds it. */
  readonly source: SourceName;
  /** Its xruns. */
  readonly xruns: NativeXruns = new NativeXruns(this);
  /** What the former owner's writer said of itself; 0 if there was none. */
  writerState = 0;
  /** Where it belongs. */
  readonly realm: Realm;
  /** The engine's handle. */
  readonly handle: number;
  readonly #device: string | undefined;
  readonly #commands: NativeCommands = new NativeCommands(this);
  readonly #opened = new Deferred();
  readonly #nativeClosed = new Deferred();
  readonly #nativeDetached = new Deferred();
  #attention: Attention = "none";
  #refed = true;
  #pending = 0;
  #released = false;
  #isDetached = false;
  #isLost = false;
  #gain: number;
  // What decides whether the engine is about to start the stream by itself.
  #queuedFrames = 0;
  #startThreshold = Infinity;
  #frameBytes = 0;
  // A native source that plays as soon as the stream is open, and has not begun to.
  #startsWhenOpen = false;
  #failure: HalflapError | undefined;
  #end: Promise<void> | undefined;

  private constructor(realm: Realm, handle: number, beginning: Beginning) {
    this.realm = realm;
    this.handle = handle;
    this.source = beginning.source;
    this.#gain = beginning.gain;
    this.#device = beginning.device;
    this.#startsWhenOpen = beginning.startsWhenOpen ?? false;
    realm.add(handle, this);
  }

  /** Opens a stream. Rejects with the signal's reason if that is aborted first. */
  static async open(options: CheckedPlaybackOptions): Promise<NativeStream> {
    const { device, gain, signal, source, startThreshold } = options;
    signal?.throwIfAborted();
    const stream = await NativeStream.#make((realm) => openNative(realm, options), {
      source: source?.kind ?? "queue",
      gain,
      device,
      startsWhenOpen: source !== undefined && startThreshold !== Infinity,
    });
    // What blocks nothing was opened by the call itself, and has had its first turn.
    stream.handleEvents(stream.check(stream.native.halflap_stream_events(stream.handle)));
    await stream.#becomeOpen(signal);
    return stream;
  }

  /** Attaches a stream with that source, which waits to be attached by that token of the engine. */
  static async attach(source: SourceName, token: number): Promise<NativeStream> {
    const stream = await NativeStream.#make(
      (realm) => realm.native.halflap_stream_attach(realm.handle, token),
      { source, gain: 1 },
    );
    stream.#takeOver();
    await stream.#becomeOpen(undefined);
    return stream;
  }

  static async #make(
    begin: (realm: Realm) => number,
    beginning: Beginning,
  ): Promise<NativeStream> {
    const realm = Realm.acquire();
    try {
      return new NativeStream(realm, check(begin(realm)), beginning);
    } catch (error) {
      await realm.release();
      throw error;
    }
  }

  /** The gain that was set last. */
  get gain(): number {
    return this.#gain;
  }

  /** The engine's functions. */
  get native(): Native {
    return this.realm.native;
  }

  /** The failure that ended the stream, if it was one. */
  get failure(): HalflapError | undefined {
    return this.#failure;
  }

  /** Whether the stream no longer takes calls. */
  get isEnding(): boolean {
    return this.#end !== undefined;
  }

  /** Throws if the stream is closed or closing. */
  assertOpen(): void {
    if (this.#end === undefined) return;
    throw this.#isDetached ? detachedError() : closedError("stream", this.#failure);
  }

  /** The engine's record of counters; the next call overwrites it. */
  readStats(): Float64Array {
    this.check(this.native.halflap_stream_stats(this.handle, statsRecord, STATS_LENGTH));
    return statsRecord;
  }

  /** Milliseconds to add to the stream's clock to get `performance.now()`. */
  get performanceOffsetMs(): number {
    return this.granted.simulated ? 0 : this.realm.performanceOffsetMs;
  }

  /** Throws where an array has fewer frames: what waited for room may find its memory gone. */
  checkFramesLeft(samples: ArrayBufferView, frames: number): void {
    if (samples.byteLength >= frames * this.#frameBytes) return;
    throw new TypeError("Samples were detached or shrank while they were being written");
  }

  /** Puts frames of a whole array, from an offset on, into the queue; returns how many it took. */
  write(samples: ArrayBufferView, offsetFrames: number, frames: number): number {
    this.checkFramesLeft(samples, offsetFrames + frames);
    const accepted = this.check(
      this.native.halflap_stream_write(
        this.handle,
        samples,
        samples.byteLength,
        offsetFrames,
        frames,
      ),
    );
    this.noteGiven(accepted);
    return accepted;
  }

  /** Notes that the stream took so many frames, by which the engine may start it. */
  noteGiven(frames: number): void {
    if (frames === 0 || this.state !== "prepared") return;
    this.#queuedFrames += frames;
    this.#updateAttention();
  }

  /** Ends the stream because of its user. */
  fail(error: HalflapError): void {
    if (this.#end !== undefined) return;
    this.#failure = error;
    void this.close();
  }

  /** Whether there is room for that many frames; if not, the observer is told when there is. */
  awaitRoom(frames: number): boolean {
    return this.check(this.native.halflap_stream_await_room(this.handle, frames)) > 0;
  }

  /** Starts; resolves when the stream runs, or at once where it still waits for its first frame. */
  async start(fadeMs: number): Promise<void> {
    this.assertOpen();
    const isWaiting = this.state === "prepared" && this.writer !== undefined &&
      this.source !== "mix" &&
      this.readStats()[Stats.frames_queued] === 0;
    const ordinal = this.#send("start", { fadeMs });
    if (!isWaiting) await this.#hold(this.#commands.completion("start", ordinal));
  }

  /** Sends a command; resolves when it has been carried out. */
  async command(name: CommandName, options?: CommandOptions): Promise<void> {
    this.assertOpen();
    const ordinal = this.#send(name, options);
    await this.#hold(this.#commands.completion(name, ordinal));
  }

  /** Sets the gain. */
  setGain(gain: number, rampMs: number): void {
    this.assertOpen();
    this.check(this.native.halflap_stream_set_gain(this.handle, gain, rampMs));
    this.#gain = gain;
  }

  /** Notes that somebody waits for the stream. */
  addPending(): void {
    this.#pending++;
    this.#updateAttention();
  }

  /** Undoes `addPending()`. */
  removePending(): void {
    this.#pending--;
    this.#updateAttention();
  }

  /** Whether the stream keeps the process alive while something is going on. */
  setRef(refed: boolean): void {
    this.#refed = refed;
    this.#updateAttention();
  }

  /** Closes the stream, and resolves when nothing of it is left. */
  close(): Promise<void> {
    if (this.#end === undefined) {
      // What was lost has no statistics any more.
      if (!this.#isLost) this.observer?.ending();
      this.#end = this.#closeNative();
      this.#settleAll(this.#failure ?? closedError("stream"));
    }
    return this.#end;
  }

  /**
   * Gives the stream away. From now on its methods throw; resolves with the engine's token when
   * nothing of it is left in this realm.
   */
  detach(): Promise<number> {
    this.assertOpen();
    this.check(this.native.halflap_stream_detach(this.handle));
    this.observer?.ending();
    this.#isDetached = true;
    const detached = this.#detachNative();
    this.#end = detached.then(() => {}, () => {});
    this.#settleAll(detachedError());
    return detached;
  }

  /** Tells the observer of the xruns that it has not been told of. */
  tellXruns(): void {
    // A native source can run dry before anybody has got the stream.
    if (this.observer !== undefined && !this.#isLost) this.xruns.tell(this.observer);
  }

  /** Takes a mask of the engine's events. */
  handleEvents(mask: number): void {
    if (mask & Event.opened) this.#opened.resolve();
    if (mask & Event.state) this.#updateState();
    if (mask & (Event.xrun | Event.xrun_over)) this.tellXruns();
    // A stream that lost its ring has room. The event that says so could come when nobody waits for
    // events any more: a prepared stream with too little to start keeps no process alive.
    const hasLostRing = mask & Event.state && this.state === "prepared";
    if (mask & Event.room || hasLostRing) this.writer?.roomAvailable();
    if (mask & Event.completed) {
      this.#commands.settle();
      this.#updateAttention();
    }
    if (mask & Event.failed) this.#fail();
    if (mask & Event.closed) {
      this.#nativeClosed.resolve();
      this.#nativeDetached.reject(closedError("stream"));
    }
    if (mask & Event.detached) {
      // The next owner is told of all that this one was not.
      this.tellXruns();
      this.#nativeDetached.resolve();
    }
  }

  /** The engine has freed the stream, since its realm was silent for too long. */
  handleLoss(error: HalflapError): void {
    this.#isLost = true;
    this.#nativeClosed.resolve();
    this.#nativeDetached.reject(error);
    if (this.#end !== undefined) return;
    this.#failure = error;
    void this.close();
  }

  /**
   * Returns the result of an engine function on the stream, if it is none of the errors. One that is
   * may be the first sign that the engine took the realm for dead: it has closed the stream, and then
   * freed everything.
   */
  check(result: number): number {
    if (result >= 0) return result;
    if (result === ErrorCode.invalid_handle) this.realm.lose();
    const isAbandoned = result === ErrorCode.invalid_state &&
      this.readStats()[Stats.error_code] === ErrorCode.abandoned;
    if (isAbandoned) this.#fail();
    this.assertOpen();
    return check(result);
  }

  #send(name: CommandName, options?: CommandOptions): number {
    const ordinal = this.#commands.send(name, options);
    if (name === "drain" || name === "drop") this.#startsWhenOpen = false;
    return ordinal;
  }

  async #becomeOpen(signal: AbortSignal | undefined): Promise<void> {
    const onAbort = (): void => this.#opened.reject(signal!.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      await this.#hold(this.#opened.promise);
      this.#readGranted();
      this.#updateState();
    } catch (error) {
      await this.close();
      // It can have failed as soon as it was open.
      throw this.#failure ?? error;
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }

  async #hold(promise: Promise<void>): Promise<void> {
    this.addPending();
    try {
      await promise;
    } finally {
      this.removePending();
    }
  }

  #readGranted(): void {
    const { native } = this;
    const record = grantedRecord;
    this.check(native.halflap_stream_granted(this.handle, record, GRANTED_LENGTH));
    this.granted = grantedFromNative(
      record,
      {
        device: this.#readText(Text.device),
        accessReason: this.#readText(Text.access_reason),
        channelMap: this.#readText(Text.channel_map),
      },
    );
    this.mixInputs = record[GrantedField.mix_inputs]!;
    this.#startThreshold = this.granted.startThreshold;
    this.#frameBytes = this.granted.channels * bytesPerSample(this.granted.format);
  }

  #readText(which: number): string {
    return readText((buffer, bytes) =>
      this.native.halflap_stream_text(this.handle, which, buffer, bytes)
    );
  }

  #updateState(): void {
    const stats = this.readStats();
    // In this state the device held nothing. By now it may have taken what was queued.
    this.#queuedFrames = stats[Stats.frames_accepted]! - stats[Stats.frames_played]! -
      stats[Stats.frames_dropped]!;
    if (stats[Stats.frames_written]! > 0) this.#startsWhenOpen = false;
    this.#updateAttention();
    this.#changeState(stateFromNative(stats[Stats.state]!));
  }

  #changeState(state: PlaybackState): void {
    if (state === this.state) return;
    this.state = state;
    this.#updateAttention();
    this.observer?.stateChanged(state);
  }

  // Whether the engine has all it needs to start the stream, so that the event that says so will
  // come: somebody has to wait for it.
  get #isStarting(): boolean {
    if (this.state !== "prepared") return false;
    if (this.#startsWhenOpen) return true;
    return this.#queuedFrames >= (this.#commands.waitingStart > 0 ? 1 : this.#startThreshold);
  }

  #updateAttention(): void {
    const needed = this.#pending > 0 || isActive(this.state) || this.#isStarting;
    const attention = needed && !this.#released ? (this.#refed ? "refed" : "unrefed") : "none";
    if (attention === this.#attention) return;
    const before = this.#attention;
    this.#attention = attention;
    this.realm.changeAttention(before, attention);
  }

  #fail(): void {
    if (this.#end !== undefined) return;
    const stats = this.readStats();
    const result = stats[Stats.error_code]!;
    const isOpening = this.state === "open" && this.#device !== undefined;
    const doing = isOpening ? `Cannot open "${this.#device}": ` : "";
    this.#failure = nativeError({
      result,
      errno: stats[Stats.error_errno]!,
      text: result === ErrorCode.abandoned ? "" : doing + this.#readText(Text.failure),
      call: this.#readText(Text.call),
    });
    // Whoever opened the stream waits for its end.
    void this.close();
  }

  async #closeNative(): Promise<void> {
    if (!this.#isLost) this.check(this.native.halflap_stream_close(this.handle));
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, CLOSE_LIMIT_MS);
    // Where nothing else keeps the process alive, nobody waits.
    timer.unref();
    const freed = this.#free();
    try {
      await Promise.race([freed, late.promise.then(() => this.#leaveBehind())]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #free(): Promise<void> {
    await this.#hold(this.#nativeClosed.promise);
    this.#detachView();
    if (!this.#isLost) this.check(this.native.halflap_stream_release(this.handle));
    await this.#leaveRealm();
  }

  // A device that hangs may still answer; the stream is freed then.
  #leaveBehind(): void {
    this.#failure ??= nativeError({
      result: ErrorCode.device_lost,
      text: `The device has not answered for ${CLOSE_LIMIT_MS / 1000} s`,
    });
    this.#changeState("closed");
    this.setRef(false);
  }

  async #detachNative(): Promise<number> {
    const { native } = this;
    let token: number;
    try {
      await this.#hold(this.#nativeDetached.promise);
      this.#detachView();
      const handover = this.#handoverRecord();
      token = check(native.halflap_stream_token(this.handle, handover, HANDOVER_LENGTH));
    } catch {
      // Nothing but that comes in between.
      await this.#closeNative();
      throw nativeError({ result: ErrorCode.abandoned, text: "" });
    }
    await this.#leaveRealm();
    return token;
  }

  #detachView(): void {
    const isGone = this.writer?.detachView?.();
    if (isGone && !this.#isLost) {
      this.check(this.native.halflap_stream_unview(this.handle));
    }
  }

  // What the next owner has to know besides what the engine tells it.
  #handoverRecord(): Float64Array {
    const record = new Float64Array(HANDOVER_LENGTH);
    record[Handover.gain] = this.#gain;
    record[Handover.told_xruns] = this.xruns.toldBegun;
    record[Handover.told_xruns_over] = this.xruns.toldOver;
    record[Handover.waiting_start] = this.#commands.waitingStart;
    record[Handover.starts_when_open] = this.#startsWhenOpen ? 1 : 0;
    record[Handover.writer_state] = this.writer?.state?.() ?? 0;
    return record;
  }

  #takeOver(): void {
    const record = new Float64Array(HANDOVER_LENGTH);
    const { native } = this;
    this.check(native.halflap_stream_handover(this.handle, record, HANDOVER_LENGTH));
    this.#gain = record[Handover.gain]!;
    this.xruns.toldBegun = record[Handover.told_xruns]!;
    this.xruns.toldOver = record[Handover.told_xruns_over]!;
    this.#commands.waitingStart = record[Handover.waiting_start]!;
    this.#startsWhenOpen = record[Handover.starts_when_open] === 1;
    this.writerState = record[Handover.writer_state]!;
  }

  async #leaveRealm(): Promise<void> {
    this.#released = true;
    this.#changeState("closed");
    this.#updateAttention();
    this.realm.remove(this.handle);
    await this.realm.release();
  }

  #settleAll(error: HalflapError): void {
    this.#opened.reject(error);
    this.#commands.rejectAll(error);
    this.writer?.ended(error);
    this.observer?.ended();
  }
}
