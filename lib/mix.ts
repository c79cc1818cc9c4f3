/**
 * The source that is the sum of many inputs.
 *
 * @module
 */

import { checkBoolean, checkInteger, checkNumber, checkOptions } from "./check.ts";
import { GAIN_RANGE, QUEUE_FRAMES_RANGE } from "./ranges.ts";
import type { ClipSource, ToneSource } from "./source.ts";

/** Most inputs of a mix. */
const MAX_INPUTS = 256;

/** An input of a mix that JavaScript writes to. */
export interface MixQueueOptions {
  /** Not given: the input plays what is written to it. */
  source?: undefined;
  /**
   * Capacity of the input's queue in frames, an integer from 16 to 16777216. The default is 100 ms.
   */
  queueFrames?: number;
  /** Linear gain, from 0 to 16. The default is 1. */
  gain?: number;
}

/** An input of a mix that plays a tone. */
export interface MixToneOptions {
  /** Made by `tone()`. */
  source: ToneSource;
  /** Linear gain, from 0 to 16; 0 mutes the tone. The default is 1. */
  gain?: number;
}

/** An input of a mix that plays a clip, as often as it is told to. */
export interface MixClipOptions {
  /** Made by `clip()`. */
  source: ClipSource;
  /** Linear gain, from 0 to 16. The default is 1. */
  gain?: number;
  /**
   * Whether the clip plays as soon as the stream does, as a stream of its own would. False: only
   * after `play()`. The default is true.
   */
  autoplay?: boolean;
}

type InputKind = "queue" | "tone" | "clip";

/** An input of a mix. */
export type MixInputOptions = MixQueueOptions | MixToneOptions | MixClipOptions;

/** The sum of many inputs. Made by {@linkcode mix}. */
export interface MixSource<
  Inputs extends readonly MixInputOptions[] = readonly MixInputOptions[],
> {
  /** Tells the sources apart. */
  readonly kind: "mix";
  /** The inputs, in the order of `PlaybackMix.inputs`. */
  readonly inputs: Inputs;
}

/** An input after the checks: every value given or a default. */
export interface CheckedMixInput {
  /** Undefined: a queue. */
  readonly source: ToneSource | ClipSource | undefined;
  /** Undefined leaves it to the engine. */
  readonly queueFrames: number | undefined;
  readonly gain: number;
  readonly autoplay: boolean;
}

/** A mix after the checks. */
export type CheckedMix = {
  readonly kind: "mix";
  readonly inputs: readonly CheckedMixInput[];
};

/**
 * Many sounds on one stream, for devices that open only once: what JavaScript writes to any number
 * of queues, clips and tones, each with a gain of its own, summed on the realtime thread. Integer
 * formats are clipped where the sum is beyond full scale. One input alone at gain 1 is played bit for
 * bit.
 *
 * @example An alarm over music
 * ```ts
 * import { clip, mix, openPlayback } from "halflap";
 *
 * const ring = clip(new Float32Array(2 * 24_000).fill(0.5));
 * await using out = await openPlayback({
 *   source: mix([{ gain: 0.8 }, { source: ring, autoplay: false }]),
 * });
 * const [music, alarm] = out.inputs;
 * await music.write(new Float32Array(2 * 48_000));
 * music.setGain(0.2, { rampMs: 50 });
 * alarm.play();
 * await alarm.drain();
 * music.setGain(0.8, { rampMs: 500 });
 * ```
 *
 * @param inputs From 1 to 256 inputs.
 * @returns A source for `openPlayback()`, whose stream has an object for each input.
 * @throws TypeError or RangeError for an option of the wrong type or outside of its range.
 */
export function mix<const Inputs extends readonly MixInputOptions[]>(
  inputs: Inputs,
): MixSource<Inputs> {
  checkMixInputs(inputs);
  const copies = inputs.map((input) => Object.freeze({ ...input }));
  return Object.freeze({ kind: "mix", inputs: Object.freeze(copies) as unknown as Inputs });
}

/** Checks the inputs of a mix and fills in the defaults. */
export function checkMixInputs(inputs: unknown): readonly CheckedMixInput[] {
  if (!Array.isArray(inputs)) {
    throw new TypeError("The inputs of mix() must be an array");
  }
  checkInteger("number of inputs", inputs.length, 1, MAX_INPUTS);
  return Array.from(inputs, checkInput);
}

function checkInput(input: unknown, index: number): CheckedMixInput {
  const what = `inputs[${index}]`;
  if (input === undefined) throw new TypeError(`"${what}" must be an object: it is undefined`);
  const source = checkInputSource(what, (input as { source?: unknown } | null)?.source);
  const { queueFrames, gain, autoplay } = checkOptions<AnyInputOptions>(
    what,
    input,
    NAMES[source?.kind ?? "queue"],
  );
  return {
    source,
    queueFrames: queueFrames === undefined
      ? undefined
      : checkInteger(`${what}.queueFrames`, queueFrames, ...QUEUE_FRAMES_RANGE),
    gain: gain === undefined ? 1 : checkNumber(`${what}.gain`, gain, ...GAIN_RANGE),
    autoplay: autoplay === undefined ? true : checkBoolean(`${what}.autoplay`, autoplay),
  };
}

interface AnyInputOptions {
  source?: unknown;
  queueFrames?: number;
  gain?: number;
  autoplay?: boolean;
}

const NAMES: Readonly<Record<InputKind, readonly (keyof AnyInputOptions)[]>> = {
  queue: ["source", "queueFrames", "gain"],
  tone: ["source", "gain"],
  clip: ["source", "gain", "autoplay"],
};

function checkInputSource(what: string, value: unknown): CheckedMixInput["source"] {
  if (value === undefined) return undefined;
  const kind = typeof value === "object" ? (value as { kind?: unknown } | null)?.kind : undefined;
  if (kind === "tone" || kind === "clip") return value as ToneSource | ClipSource;
  throw new TypeError(`"${what}.source" must be made by tone() or clip()`);
}
