/**
 * A stream of the engine: its handle, its commands and its end. What is public about a stream is in
 * `playback.ts`.
 *
 * @module
 */

import { packChannelMap } from "./channel_map.ts";
import { type Distribution, distributionFromNative } from "./distribution.ts";
import { closedError, detachedError, type HalflapError, nativeError } from "./errors.ts";
import {
  Access,
  Command,
  Completion,
  COMPLETION_LENGTH,
  DISTRIBUTION_LENGTH,
  ErrorCode,
  Event,
  Granted as GrantedField,
  GRANTED_LENGTH,
  GROUP_LENGTH,
  Handover,
  HANDOVER_LENGTH,
  Quantity,
  RENDER_BLOCK_LENGTH,
  RenderBlock,
  SourceKind,
  Stats,
  STATS_LENGTH,
  STREAM_OPTIONS_LENGTH,
  StreamOptions,
  Text,
  View,
  VIEW_LENGTH,
  XrunPolicy,
} from "./ffi/abi.generated.ts";
import type { Native } from "./ffi/backend.ts";
import { bytesPerSample, nativeFormat } from "./format.ts";
import { type Granted, grantedFromNative } from "./granted.ts";
import { check, readText } from "./native_call.ts";
import { openNativeMix } from "./native_mix.ts";
import type { CheckedPlaybackOptions } from "./options.ts";
import { type Attention, Realm } from "./realm.ts";
import { recordRealtime } from "./realtime.ts";
import { isActive, type PlaybackState, stateFromNative } from "./state.ts";
import { type PlaybackStats, statsFromNative } from "./stats.ts";
import { type Xrun, xrunFromNative, xrunRecord } from "./xrun.ts";

/** What the owner of a stream is told. */
export interface StreamObserver {
  /** The state has changed. */
  stateChanged(state: PlaybackState): void;
  /** An xrun has begun. */
  xrun(xrun: Xrun): void;
  /** An xrun is over. */
  xrunOver(xrun: Xrun): void;
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

interface Beginning {
  readonly source: SourceName;
  readonly gain: number;
  readonly device?: string;
  readonly startsWhenOpen?: boolean;
}

interface Waiter {
  readonly ordinal: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** The commands, as the engine and as its record of completions name them. */
export type CommandName = keyof typeof Command;

/** What a command can be given. */
export interface CommandOptions {
  /** Length of a fade. */
  fadeMs?: number | undefined;
  /** How long to wait for it, on the stream's clock. */
  timeoutMs?: number | undefined;
}

const COMMANDS = Object.keys(Command) as CommandName[];
const NO_BYTES = new Uint8Array(0);
const NO_BLOCK = new Float64Array(0);
const NO_TIMEOUT = -1;
const NS_PER_MS = 1e6;
// The engine bounds a wait by the same figure, so that a terminated Worker leaves no thread behind.
const WAIT_MS = 1000;
// As many as the engine keeps.
const KEPT_XRUNS = 16;

// Records that the engine writes and that are read at once: one of each is enough for all streams.
const statsRecord = new Float64Array(STATS_LENGTH);
const completionsRecord = new Float64Array(COMPLETION_LENGTH);
const distributionRecord = new Float64Array(DISTRIBUTION_LENGTH);

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
  /** What the former owner's writer said of itself; 0 if there was none. */
  writerState = 0;
  readonly #realm: Realm;
  readonly #handle: number;
  readonly #device: string | undefined;
  readonly #waiters: Record<CommandName, Waiter[]> = {
    start: [],
    pause: [],
    resume: [],
    drain: [],
    drop: [],
  };
  readonly #opened = Promise.withResolvers<void>();
  readonly #nativeClosed = Promise.withResolvers<void>();
  readonly #nativeDetached = Promise.withResolvers<void>();
  // What was begun last; of a stream that is rendered in place.
  #block = NO_BLOCK;
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
  // Ordinal of a start() that waits for the first frame, or 0.
  #waitingStart = 0;
  // Numbers of the last xruns whose begin and end the observer was told of.
  #toldBegun = 0;
  #toldOver = 0;
  #failure: HalflapError | undefined;
  #end: Promise<void> | undefined;

  private constructor(realm: Realm, handle: number, beginning: Beginning) {
    this.#realm = realm;
    this.#handle = handle;
    this.source = beginning.source;
    this.#gain = beginning.gain;
    this.#device = beginning.device;
    this.#startsWhenOpen = beginning.startsWhenOpen ?? false;
    // Rejected where nobody waits for it.
    this.#nativeDetached.promise.catch(() => {});
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
    return this.#realm.native;
  }

  /** The engine's handle. */
  get handle(): number {
    return this.#handle;
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
    this.#check(this.#realm.native.halflap_stream_stats(this.#handle, statsRecord, STATS_LENGTH));
    return statsRecord;
  }

  /** The stream's statistics. */
  stats(): PlaybackStats {
    const group = new Float64Array(GROUP_LENGTH);
    this.#check(this.#realm.native.halflap_stream_group(this.#handle, group, GROUP_LENGTH));
    const stats = this.readStats();
    return statsFromNative(stats, {
      recent: this.#recentXruns(stats[Stats.xruns]!),
      distributions: {
        wakeLatenessMs: this.#readDistribution(Quantity.wake_lateness_ns, NS_PER_MS),
        fillMs: this.#readDistribution(Quantity.fill_ns, NS_PER_MS),
        queueFrames: this.#readDistribution(Quantity.queue_frames, 1),
        availFrames: this.#readDistribution(Quantity.avail_frames, 1),
        delayFrames: this.#readDistribution(Quantity.delay_frames, 1),
      },
      group,
      groupWakeLatenessMs: this.#readDistribution(Quantity.group_wake_lateness_ns, NS_PER_MS),
      groupRoundMs: this.#readDistribution(Quantity.group_round_ns, NS_PER_MS),
    });
  }

  /** Milliseconds to add to the stream's clock to get `performance.now()`. */
  get performanceOffsetMs(): number {
    return this.granted.simulated ? 0 : this.#realm.performanceOffsetMs;
  }

  /** Throws where an array has fewer frames: what waited for room may find its memory gone. */
  checkFramesLeft(samples: ArrayBufferView, frames: number): void {
    if (samples.byteLength >= frames * this.#frameBytes) return;
    throw new TypeError("Samples were detached or shrank while they were being written");
  }

  /** Puts frames of a whole array, from an offset on, into the queue; returns how many it took. */
  write(samples: ArrayBufferView, offsetFrames: number, frames: number): number {
    this.checkFramesLeft(samples, offsetFrames + frames);
    const accepted = this.#check(
      this.#realm.native.halflap_stream_write(
        this.#handle,
        samples,
        samples.byteLength,
        offsetFrames,
        frames,
      ),
    );
    this.#noteGiven(accepted);
    return accepted;
  }

  #noteGiven(frames: number): void {
    if (frames === 0 || this.state !== "prepared") return;
    this.#queuedFrames += frames;
    this.#updateAttention();
  }

  /** The memory that frames are rendered into. */
  view(): ArrayBuffer {
    this.#block = new Float64Array(RENDER_BLOCK_LENGTH);
    const record = new Float64Array(VIEW_LENGTH);
    this.#check(this.#realm.native.halflap_stream_view(this.#handle, record, VIEW_LENGTH));
    return this.#realm.view(record[View.address]!, record[View.byte_length]!);
  }

  /** Begins to render; returns how many frames in one piece, or 0 if there is no room. */
  begin(frames: number): number {
    const { native } = this.#realm;
    return this.#check(
      native.halflap_stream_begin(this.#handle, frames, this.#block, RENDER_BLOCK_LENGTH),
    );
  }

  /** Frames of the memory before those that were begun last. */
  get begunOffset(): number {
    return this.#block[RenderBlock.offset_frames]!;
  }

  /** Frames of the stream before those that were begun last. */
  get begunPosition(): number {
    return this.#block[RenderBlock.position_frames]!;
  }

  /** When those that were begun last will be heard, or NaN. */
  get begunTimeMs(): number {
    const heardMs = this.#block[RenderBlock.heard_ms]!;
    return heardMs < 0 ? NaN : heardMs + this.performanceOffsetMs;
  }

  /** Gives the first frames of those begun to the stream; returns how many it took. */
  commit(frames: number): number {
    const committed = this.#check(this.#realm.native.halflap_stream_commit(this.#handle, frames));
    this.#noteGiven(committed);
    return committed;
  }

  /** Blocks until there is room for that many frames, or for so long. */
  waitForRoom(frames: number, timeoutMs: number): boolean {
    const { native } = this.#realm;
    // In pieces: a Worker that is terminated meanwhile ends at the next one.
    for (let leftMs = timeoutMs; leftMs >= 0; leftMs -= WAIT_MS) {
      const pieceMs = Math.min(leftMs, WAIT_MS);
      const result = native.halflap_stream_wait_room(this.#handle, frames, pieceMs);
      if (result < 0) {
        // The event that says why may not have been dispatched yet.
        this.#realm.dispatch();
        this.assertOpen();
      }
      if (this.#check(result) > 0) return true;
    }
    return false;
  }

  /** Ends the stream because of its user. */
  fail(error: HalflapError): void {
    if (this.#end !== undefined) return;
    this.#failure = error;
    void this.close();
  }

  /** Whether there is room for that many frames; if not, the observer is told when there is. */
  awaitRoom(frames: number): boolean {
    return this.#check(this.#realm.native.halflap_stream_await_room(this.#handle, frames)) > 0;
  }

  /** Starts; resolves when the stream runs, or at once where it still waits for its first frame. */
  async start(fadeMs: number): Promise<void> {
    this.assertOpen();
    const isWaiting = this.state === "prepared" && this.writer !== undefined &&
      this.source !== "mix" &&
      this.readStats()[Stats.frames_queued] === 0;
    const ordinal = this.#send("start", { fadeMs });
    if (!isWaiting) await this.#completion("start", ordinal);
  }

  /** Sends a command; resolves when it has been carried out. */
  async command(name: CommandName, options?: CommandOptions): Promise<void> {
    this.assertOpen();
    await this.#completion(name, this.#send(name, options));
  }

  /** Sets the gain. */
  setGain(gain: number, rampMs: number): void {
    this.assertOpen();
    this.#check(this.#realm.native.halflap_stream_set_gain(this.#handle, gain, rampMs));
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
    this.#check(this.#realm.native.halflap_stream_detach(this.#handle));
    this.observer?.ending();
    this.#isDetached = true;
    const detached = this.#detachNative();
    this.#end = detached.then(() => {}, () => {});
    this.#settleAll(detachedError());
    return detached;
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
    if (mask & Event.completed) this.#settleCompleted();
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

  /** Returns the result of an engine function on the stream, if it is none of the errors. */
  check(result: number): number {
    return this.#check(result);
  }

  // Returns a result that is no error. One that is may be the first sign that the engine took the
  // realm for dead: it has closed the stream, and then freed everything.
  #check(result: number): number {
    if (result >= 0) return result;
    if (result === ErrorCode.invalid_handle) this.#realm.lose();
    const isAbandoned = result === ErrorCode.invalid_state &&
      this.readStats()[Stats.error_code] === ErrorCode.abandoned;
    if (isAbandoned) this.#fail();
    this.assertOpen();
    return check(result);
  }

  /**
   * Tells the observer of the xruns that it has not been told of. Of many at once only the last ones
   * are kept; the others are counted.
   */
  tellXruns(): void {
    // A native source can run dry before anybody has got the stream.
    if (this.observer === undefined || this.#isLost) return;
    const stats = this.readStats();
    const begun = stats[Stats.xruns]!;
    const over = stats[Stats.xruns_over]!;
    while (this.#toldBegun < begun) {
      const xrun = this.#readXrun(++this.#toldBegun);
      if (xrun !== undefined) this.observer.xrun(xrun);
    }
    while (this.#toldOver < over) {
      const xrun = this.#readXrun(++this.#toldOver);
      if (xrun !== undefined) this.observer.xrunOver(xrun);
    }
  }

  #readXrun(number: number): Xrun | undefined {
    const record = xrunRecord();
    const result = this.#realm.native.halflap_stream_xrun(
      this.#handle,
      number,
      record,
      record.length,
    );
    if (result === ErrorCode.invalid_state) return undefined;
    this.#check(result);
    const isRealtime = this.granted.realtime.priority > 0;
    const isRendered = this.granted.zeroCopy !== undefined;
    return xrunFromNative(number, record, this.performanceOffsetMs, { isRealtime, isRendered });
  }

  #recentXruns(count: number): Xrun[] {
    const recent: Xrun[] = [];
    for (let number = Math.max(1, count - KEPT_XRUNS + 1); number <= count; number++) {
      const xrun = this.#readXrun(number);
      if (xrun !== undefined) recent.push(xrun);
    }
    return recent;
  }

  #readDistribution(quantity: number, unit: number): Distribution {
    const record = distributionRecord;
    this.#check(
      this.#realm.native.halflap_stream_distribution(
        this.#handle,
        quantity,
        record,
        record.length,
      ),
    );
    return distributionFromNative(record, unit);
  }

  #send(name: CommandName, options: CommandOptions = {}): number {
    const { fadeMs = 0, timeoutMs = NO_TIMEOUT } = options;
    const ordinal = this.#check(
      this.#realm.native.halflap_stream_command(this.#handle, Command[name], fadeMs, timeoutMs),
    );
    if (name === "start") this.#waitingStart = ordinal;
    if (name === "drain" || name === "drop") {
      this.#waitingStart = 0;
      this.#startsWhenOpen = false;
    }
    return ordinal;
  }

  #completion(name: CommandName, ordinal: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiters[name].push({ ordinal, resolve, reject });
    return this.#hold(promise);
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
    const { native } = this.#realm;
    const record = new Float64Array(GRANTED_LENGTH);
    this.#check(native.halflap_stream_granted(this.#handle, record, GRANTED_LENGTH));
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
      this.#realm.native.halflap_stream_text(this.#handle, which, buffer, bytes)
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
    return this.#queuedFrames >= (this.#waitingStart > 0 ? 1 : this.#startThreshold);
  }

  #updateAttention(): void {
    const needed = this.#pending > 0 || isActive(this.state) || this.#isStarting;
    const attention = needed && !this.#released ? (this.#refed ? "refed" : "unrefed") : "none";
    if (attention === this.#attention) return;
    const before = this.#attention;
    this.#attention = attention;
    this.#realm.changeAttention(before, attention);
  }

  #settleCompleted(): void {
    const { native } = this.#realm;
    this.#check(
      native.halflap_stream_completions(this.#handle, completionsRecord, COMPLETION_LENGTH),
    );
    if (completionsRecord[Completion.start_count]! >= this.#waitingStart) this.#waitingStart = 0;
    for (const name of COMMANDS) {
      const count = completionsRecord[Completion[`${name}_count`]]!;
      // The result is that of the last one; commands that completed together share it.
      const result = completionsRecord[Completion[`${name}_result`]]!;
      const waiters = this.#waiters[name];
      while (waiters[0] !== undefined && waiters[0].ordinal <= count) {
        const { resolve, reject } = waiters.shift()!;
        if (result === ErrorCode.ok) resolve();
        else reject(nativeError({ result, text: "" }));
      }
    }
    this.#updateAttention();
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
    const { native } = this.#realm;
    if (!this.#isLost) this.#check(native.halflap_stream_close(this.#handle));
    await this.#hold(this.#nativeClosed.promise);
    this.#detachView();
    if (!this.#isLost) this.#check(native.halflap_stream_release(this.#handle));
    await this.#leaveRealm();
  }

  async #detachNative(): Promise<number> {
    const { native } = this.#realm;
    let token: number;
    try {
      await this.#hold(this.#nativeDetached.promise);
      this.#detachView();
      const handover = this.#handoverRecord();
      token = check(native.halflap_stream_token(this.#handle, handover, HANDOVER_LENGTH));
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
      this.#check(this.#realm.native.halflap_stream_unview(this.#handle));
    }
  }

  // What the next owner has to know besides what the engine tells it.
  #handoverRecord(): Float64Array {
    const record = new Float64Array(HANDOVER_LENGTH);
    record[Handover.gain] = this.#gain;
    record[Handover.told_xruns] = this.#toldBegun;
    record[Handover.told_xruns_over] = this.#toldOver;
    record[Handover.waiting_start] = this.#waitingStart;
    record[Handover.starts_when_open] = this.#startsWhenOpen ? 1 : 0;
    record[Handover.writer_state] = this.writer?.state?.() ?? 0;
    return record;
  }

  #takeOver(): void {
    const record = new Float64Array(HANDOVER_LENGTH);
    const { native } = this.#realm;
    this.#check(native.halflap_stream_handover(this.#handle, record, HANDOVER_LENGTH));
    this.#gain = record[Handover.gain]!;
    this.#toldBegun = record[Handover.told_xruns]!;
    this.#toldOver = record[Handover.told_xruns_over]!;
    this.#waitingStart = record[Handover.waiting_start]!;
    this.#startsWhenOpen = record[Handover.starts_when_open] === 1;
    this.writerState = record[Handover.writer_state]!;
  }

  async #leaveRealm(): Promise<void> {
    this.#released = true;
    this.#changeState("closed");
    this.#updateAttention();
    this.#realm.remove(this.#handle);
    await this.#realm.release();
  }

  #settleAll(error: HalflapError): void {
    this.#opened.reject(error);
    // Rejected where nobody waits for it any more: the stream had been opened before.
    this.#opened.promise.catch(() => {});
    for (const waiters of Object.values(this.#waiters)) {
      for (const { reject } of waiters.splice(0)) reject(error);
    }
    this.writer?.ended(error);
    this.observer?.ended();
  }
}

function openNative(realm: Realm, options: CheckedPlaybackOptions): number {
  const device = new TextEncoder().encode(options.device);
  const { source } = options;
  if (source?.kind === "mix") {
    return openNativeMix(realm, openRecord(options), device, source.inputs);
  }
  const clip = source?.kind === "clip" ? source.samples : NO_BYTES;
  return realm.native.halflap_stream_open(
    realm.handle,
    openRecord(options),
    STREAM_OPTIONS_LENGTH,
    device,
    device.byteLength,
    clip,
    clip.byteLength,
  );
}

function openRecord(options: CheckedPlaybackOptions): Float64Array {
  const { source, startThreshold } = options;
  const record = new Float64Array(STREAM_OPTIONS_LENGTH);
  record[StreamOptions.access] = Access[options.access];
  record[StreamOptions.format] = nativeFormat(options.format);
  record[StreamOptions.channels] = options.channels;
  record[StreamOptions.rate] = options.rate;
  record[StreamOptions.rate_exact] = options.rateExact ? 1 : 0;
  record[StreamOptions.period_frames] = options.periodFrames ?? 0;
  record[StreamOptions.periods] = options.periods ?? 0;
  record[StreamOptions.queue_frames] = options.queueFrames ?? 0;
  const threshold = startThreshold === Infinity ? -1 : startThreshold ?? 0;
  record[StreamOptions.start_threshold_frames] = threshold;
  record[StreamOptions.source] = SourceKind[source?.kind ?? "queue"];
  record[StreamOptions.gain] = options.gain;
  record[StreamOptions.xrun_policy] = XrunPolicy[options.xrunPolicy];
  packChannelMap(record, StreamOptions.channel_map_0, options.channelMap);
  recordRealtime(record, options.realtime);
  if (source?.kind === "tone") {
    record[StreamOptions.tone_frequency_hz] = source.frequencyHz;
    record[StreamOptions.tone_amplitude] = source.amplitude;
  } else if (source?.kind === "clip") {
    record[StreamOptions.clip_loop] = source.loop ? 1 : 0;
  }
  return record;
}
