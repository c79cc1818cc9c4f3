/**
 * A mix as the engine knows it: how it is opened, and the calls of its inputs.
 *
 * @module
 */

import type { HalflapError } from "./errors.ts";
import {
  MIX_INPUT_LENGTH,
  MIX_INPUT_STATS_LENGTH,
  MixEvent,
  MixInput,
  MixInputStats,
  SourceKind,
  STREAM_OPTIONS_LENGTH,
} from "./ffi/abi.generated.ts";
import type { CheckedMixInput } from "./mix.ts";
import type { NativeStream } from "./native_stream.ts";
import type { Realm } from "./realm.ts";
import type { WriteTarget } from "./write_queue.ts";

const EVENT_PAIRS = 64;

/** Opens a stream with a mix; returns the engine's handle or error. */
export function openNativeMix(
  realm: Realm,
  options: Float64Array,
  device: Uint8Array,
  inputs: readonly CheckedMixInput[],
): number {
  const { samples, places } = joinClips(inputs);
  const records = inputs.map((input) => inputRecord(input, places));
  const list = new Float64Array(records.flatMap((record) => [...record]));
  return realm.native.halflap_mix_open(
    realm.handle,
    options,
    STREAM_OPTIONS_LENGTH,
    device,
    device.byteLength,
    list,
    list.length,
    samples,
    samples.byteLength,
  );
}

type Places = ReadonlyMap<ArrayBufferView, number>;

/** The samples of all clips in one piece; inputs that play the same array share them. */
function joinClips(
  inputs: readonly CheckedMixInput[],
): { samples: ArrayBufferView; places: Places } {
  const places = new Map<ArrayBufferView, number>();
  let byteLength = 0;
  for (const { source } of inputs) {
    if (source?.kind !== "clip" || places.has(source.samples)) continue;
    places.set(source.samples, byteLength);
    byteLength += source.samples.byteLength;
  }
  const [only] = places.keys();
  if (places.size === 1 && only) return { samples: only, places };
  const samples = new Uint8Array(byteLength);
  for (const [view, from] of places) {
    samples.set(new Uint8Array(view.buffer, view.byteOffset, view.byteLength), from);
  }
  return { samples, places };
}

function inputRecord({ source, ...input }: CheckedMixInput, places: Places): Float64Array {
  const record = new Float64Array(MIX_INPUT_LENGTH);
  record[MixInput.source] = SourceKind[source?.kind ?? "queue"];
  record[MixInput.gain] = input.gain;
  record[MixInput.queue_frames] = input.queueFrames ?? 0;
  if (source?.kind === "tone") {
    record[MixInput.tone_frequency_hz] = source.frequencyHz;
    record[MixInput.tone_amplitude] = source.amplitude;
  } else if (source?.kind === "clip") {
    const from = places.get(source.samples)!;
    record[MixInput.clip_loop] = source.loop ? 1 : 0;
    record[MixInput.clip_autoplay] = input.autoplay ? 1 : 0;
    record[MixInput.clip_from_bytes] = from;
    record[MixInput.clip_to_bytes] = from + source.samples.byteLength;
  }
  return record;
}

/** Takes the events that native code has for the inputs of a mix. */
export function dispatchMixEvents(
  stream: NativeStream,
  inputs: readonly NativeMixInput[],
): void {
  const events = new Uint32Array(EVENT_PAIRS * 2);
  let pairs = EVENT_PAIRS;
  while (pairs === EVENT_PAIRS && !stream.isEnding) {
    pairs = stream.check(stream.native.halflap_mix_events(stream.handle, events, EVENT_PAIRS));
    for (let pair = 0; pair < pairs; pair++) {
      inputs[events[2 * pair]!]!.handleEvents(events[2 * pair + 1]!);
    }
  }
}

interface Drain {
  readonly ordinal: number;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** An input of a mix of the engine. */
export class NativeMixInput implements WriteTarget {
  /** The stream that it belongs to. */
  readonly stream: NativeStream;
  /** Is called when there is the room that `awaitRoom()` asked for. */
  roomAvailable: (() => void) | undefined;
  readonly #index: number;
  readonly #stats = new Float64Array(MIX_INPUT_STATS_LENGTH);
  #drains: Drain[] = [];

  /**
   * @param stream The stream that it belongs to.
   * @param index Its place among the inputs.
   */
  constructor(stream: NativeStream, index: number) {
    this.stream = stream;
    this.#index = index;
  }

  /** Puts frames of a whole array, from an offset on, into the queue; returns how many it took. */
  write(samples: ArrayBufferView, offsetFrames: number, frames: number): number {
    this.stream.checkFramesLeft(samples, offsetFrames + frames);
    return this.stream.check(
      this.stream.native.halflap_mix_write(
        this.stream.handle,
        this.#index,
        samples,
        samples.byteLength,
        offsetFrames,
        frames,
      ),
    );
  }

  /** Whether there is room for that many frames; if not, `roomAvailable` is called when there is. */
  awaitRoom(frames: number): boolean {
    const { native, handle } = this.stream;
    return this.stream.check(native.halflap_mix_await_room(handle, this.#index, frames)) > 0;
  }

  /** Somebody waits. */
  addPending(): void {
    this.stream.addPending();
  }

  /** Undoes `addPending()`. */
  removePending(): void {
    this.stream.removePending();
  }

  /** Sets the gain. */
  setGain(gain: number, rampMs: number): void {
    this.stream.assertOpen();
    const { native, handle } = this.stream;
    this.stream.check(native.halflap_mix_set_gain(handle, this.#index, gain, rampMs));
  }

  /** Plays a clip from its beginning, or stops it. */
  setPlaying(play: boolean, fadeMs: number): void {
    this.stream.assertOpen();
    const { native, handle } = this.stream;
    this.stream.check(native.halflap_mix_set_playing(handle, this.#index, play ? 1 : 0, fadeMs));
  }

  /** Throws away what is queued. */
  drop(): void {
    this.stream.assertOpen();
    this.stream.check(this.stream.native.halflap_mix_drop(this.stream.handle, this.#index));
  }

  /** Resolves when what is queued now, or what is left of a clip, was heard. */
  async drain(): Promise<void> {
    this.stream.assertOpen();
    const ordinal = this.stream.check(
      this.stream.native.halflap_mix_drain(this.stream.handle, this.#index),
    );
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#drains.push({ ordinal, resolve, reject });
    this.addPending();
    try {
      await promise;
    } finally {
      this.removePending();
    }
  }

  /** Until the next write, that the queue is dry is no starvation. */
  expectNoMore(): void {
    this.stream.check(this.stream.native.halflap_mix_drain(this.stream.handle, this.#index));
  }

  /** Rejects all drains that wait. */
  cancelDrains(error: HalflapError): void {
    for (const { reject } of this.#drains.splice(0)) reject(error);
  }

  /** The engine's record of counters; the next call overwrites it. */
  readStats(): Float64Array {
    this.stream.assertOpen();
    const { native, handle } = this.stream;
    this.stream.check(
      native.halflap_mix_stats(handle, this.#index, this.#stats, MIX_INPUT_STATS_LENGTH),
    );
    return this.#stats;
  }

  /** Takes a mask of the engine's `MixEvent` bits. */
  handleEvents(mask: number): void {
    if (mask & MixEvent.room) this.roomAvailable?.();
    if (mask & MixEvent.drained) this.#settleDrained();
  }

  #settleDrained(): void {
    const drained = this.readStats()[MixInputStats.drained]!;
    while (this.#drains[0] !== undefined && this.#drains[0].ordinal <= drained) {
      this.#drains.shift()!.resolve();
    }
  }
}
