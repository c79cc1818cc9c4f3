/**
 * The options of a playback stream and their checks.
 *
 * @module
 */

import { type ChannelPosition, checkChannelMap } from "./channel_map.ts";
import {
  checkInteger,
  checkIntegerOrInfinity,
  checkNumber,
  checkOptions,
  checkPositive,
  checkSignal,
  checkText,
  checkWord,
} from "./check.ts";
import { checkFrames, SAMPLE_FORMATS, type SampleFormat } from "./format.ts";
import { type CheckedMix, checkMixInputs, type MixInputOptions, type MixSource } from "./mix.ts";
import {
  CHANNELS_RANGE,
  GAIN_RANGE,
  PERIOD_FRAMES_RANGE,
  PERIODS_RANGE,
  QUEUE_FRAMES_RANGE,
  type Range,
  RATE_RANGE,
} from "./ranges.ts";
import { type CheckedRealtime, checkRealtime, type RealtimeOption } from "./realtime.ts";
import type { MappedSource, RenderSource } from "./render.ts";
import type { Source } from "./source.ts";
import type { XrunPolicy } from "./xrun.ts";

/** How samples reach the device: `mmap` writes into its ring buffer, `write` calls write(). */
export type Access = "auto" | "mmap" | "write";

/** The options that streams with and without a native source have in common. */
export interface CommonPlaybackOptions<F extends SampleFormat = SampleFormat> {
  /**
   * Any ALSA PCM name, for example `default`, `hw:CARD=PCH,DEV=0`, `hw:0,0` or `plughw:1`; `virtual`
   * for a private virtual card; or the `device` of a card of `halflap/testing`. `listDevices()` lists
   * names. The default is `default`.
   */
  device?: string;
  /**
   * `auto` takes mmap where the device grants it and write() elsewhere; the other words insist.
   * The default is `auto`.
   */
  access?: Access;
  /**
   * Frames per second, an integer from 4000 to 768000. When given, any other rate is an error; when
   * not, 48000 is asked for and the nearest rate of the device is taken.
   */
  rate?: number;
  /** An integer from 1 to 32. The default is that of `channelMap`, or else 2. */
  channels?: number;
  /**
   * What each channel is for, as in `["FL", "FR"]`: a position for each channel, but not `UNKNOWN`.
   * A device that does not offer this map is an error that says which ones it offers; `probeDevice()`
   * lists them. When not given, the device's own map is taken, and told in `granted`.
   */
  channelMap?: readonly ChannelPosition[];
  /** Sample format. The default is `f32`. */
  format?: F;
  /** Frames per period, an integer from 16 to 1048576. The default is about 5 ms. */
  periodFrames?: number;
  /** Periods per device buffer, an integer from 2 to 1024. The default is 4. */
  periods?: number;
  /**
   * Linear gain, from 0 to 16. The default is 1, which leaves samples untouched bit for bit.
   */
  gain?: number;
  /**
   * What the device does when it runs dry. Only `hw` PCMs and virtual cards are known to run on; others
   * get `stop`. The default is `stop`.
   */
  xrunPolicy?: XrunPolicy;
  /** How the thread that feeds the device is scheduled. The default is `"auto"`. */
  realtime?: RealtimeOption;
  /** Aborting it closes the stream, or rejects `openPlayback()` with its reason. */
  signal?: AbortSignal;
}

/** Options of a stream that JavaScript writes to. */
export interface QueuePlaybackOptions<F extends SampleFormat = SampleFormat>
  extends CommonPlaybackOptions<F> {
  /** Not given: the stream plays what is written to it. */
  source?: undefined;
  /**
   * Capacity of the queue between `write()` and the device in frames, an integer from 16 to
   * 16777216. It adds no latency that the writer does not put into it. The default is 100 ms, which
   * survives an ordinary garbage collection.
   */
  queueFrames?: number;
  /**
   * Queued frames at which the stream starts by itself: an integer from 1 to `queueFrames`, or
   * Infinity to start only by `start()`. The default is the size of the device buffer.
   */
  startThreshold?: number;
}

/** Options of a stream that a native source feeds. */
export interface SourcePlaybackOptions<F extends SampleFormat = SampleFormat>
  extends CommonPlaybackOptions<F> {
  /** What plays: `tone()`, `clip()` or `silence()`. It starts as soon as the stream is open. */
  source: Source;
  /** Infinity to start only by `start()`. */
  startThreshold?: number;
}

/** Options of a stream that a mix feeds. */
export interface MixPlaybackOptions<
  Inputs extends readonly MixInputOptions[] = readonly MixInputOptions[],
  F extends SampleFormat = SampleFormat,
> extends CommonPlaybackOptions<F> {
  /** What plays: `mix()`. It starts as soon as the stream is open. */
  source: MixSource<Inputs>;
  /** Infinity to start only by `start()`. */
  startThreshold?: number;
}

/** Options of a stream that JavaScript renders in place. */
export interface RenderPlaybackOptions<
  F extends SampleFormat = SampleFormat,
  S extends RenderSource<F> | MappedSource = RenderSource<F> | MappedSource,
> extends CommonPlaybackOptions<F> {
  /** `render()` or `mapped()`. */
  source: S;
  /**
   * Rendered frames at which the stream starts by itself: a positive integer, of which more than the
   * device's buffer counts as that, or Infinity to start only by `start()`. The default is the size
   * of the device buffer.
   */
  startThreshold?: number;
}

/** Options of `openPlayback()`. */
export type PlaybackOptions<F extends SampleFormat = SampleFormat> =
  | QueuePlaybackOptions<F>
  | MixPlaybackOptions<readonly MixInputOptions[], F>
  | RenderPlaybackOptions<F>
  | SourcePlaybackOptions<F>;

/** Options after the checks: every value given or a default. */
export interface CheckedPlaybackOptions {
  device: string;
  access: Access;
  rate: number;
  rateExact: boolean;
  channels: number;
  /** Empty: the device's own. */
  channelMap: readonly ChannelPosition[];
  format: SampleFormat;
  /** Undefined leaves it to the engine, as in the next three. */
  periodFrames: number | undefined;
  periods: number | undefined;
  queueFrames: number | undefined;
  startThreshold: number | undefined;
  gain: number;
  xrunPolicy: XrunPolicy;
  realtime: CheckedRealtime;
  source: AnySource | undefined;
  signal: AbortSignal | undefined;
}

/** What a stream can play instead of what is written to it. */
export type AnySource = Source | RenderSource | MappedSource | CheckedMix;

const ACCESS_WORDS: readonly Access[] = ["auto", "mmap", "write"];
const XRUN_POLICIES: readonly XrunPolicy[] = ["stop", "silence", "repeat"];
const DEFAULT_RATE = 48_000;
const DEFAULT_CHANNELS = 2;
/** Longest name of a device, in UTF-8. */
export const MAX_DEVICE_BYTES: number = 255;
const MAX_CLIP_BYTES = 2 ** 31 - 1;

type EveryOption = Omit<QueuePlaybackOptions, "source"> & { source?: AnySource | MixSource };

const COMMON_NAMES = [
  "device",
  "access",
  "rate",
  "channels",
  "channelMap",
  "format",
  "periodFrames",
  "periods",
  "gain",
  "xrunPolicy",
  "realtime",
  "signal",
  "source",
  "startThreshold",
] as const;
const QUEUE_NAMES = [...COMMON_NAMES, "queueFrames"] as const;

function optional<Value>(value: unknown, check: (value: unknown) => Value): Value | undefined {
  return value === undefined ? undefined : check(value);
}

/** Checks the options of `openPlayback()` and fills in the defaults. */
export function checkPlaybackOptions(options: unknown): CheckedPlaybackOptions {
  const hasSource = (options as { source?: unknown } | undefined)?.source !== undefined;
  const names = hasSource ? COMMON_NAMES : QUEUE_NAMES;
  const given = checkOptions<EveryOption>("the options of openPlayback()", options, names);
  const integer = (name: keyof EveryOption, [min, max]: Range) =>
    optional(given[name], (value) => checkInteger(name, value, min, max));

  const rate = integer("rate", RATE_RANGE);
  const channelMap = optional(given.channelMap, checkChannelMap) ?? [];
  const queueFrames = integer("queueFrames", QUEUE_FRAMES_RANGE);
  const checked: CheckedPlaybackOptions = {
    device: optional(given.device, (value) => checkText("device", value, MAX_DEVICE_BYTES)) ??
      "default",
    access: optional(given.access, (value) => checkWord("access", value, ACCESS_WORDS)) ?? "auto",
    rate: rate ?? DEFAULT_RATE,
    rateExact: rate !== undefined,
    channels: integer("channels", CHANNELS_RANGE) ?? (channelMap.length || DEFAULT_CHANNELS),
    channelMap,
    format: optional(given.format, (value) => checkWord("format", value, SAMPLE_FORMATS)) ?? "f32",
    periodFrames: integer("periodFrames", PERIOD_FRAMES_RANGE),
    periods: integer("periods", PERIODS_RANGE),
    queueFrames,
    startThreshold: optional(
      given.startThreshold,
      (value) => isNative(given.source) ? checkInfinity(value) : checkThreshold(value, queueFrames),
    ),
    gain: optional(given.gain, (value) => checkNumber("gain", value, ...GAIN_RANGE)) ?? 1,
    xrunPolicy: optional(
      given.xrunPolicy,
      (value) => checkWord("xrunPolicy", value, XRUN_POLICIES),
    ) ?? "stop",
    realtime: checkRealtime(given.realtime),
    source: optional(given.source, checkSource),
    signal: checkSignal(given.signal),
  };
  checkMapFits(checked);
  checkSourceFits(checked.source, checked);
  return checked;
}

function checkMapFits({ channels, channelMap }: CheckedPlaybackOptions): void {
  if (channelMap.length === 0 || channelMap.length === channels) return;
  throw new RangeError(
    `"channelMap" must have a position for each of ${channels} "channels": current value has ` +
      `${channelMap.length}`,
  );
}

function checkThreshold(value: unknown, queueFrames: number | undefined): number {
  const max = queueFrames ?? QUEUE_FRAMES_RANGE[1];
  return checkIntegerOrInfinity("startThreshold", value, 1, max);
}

// A native source has no queue that could fill up to a threshold.
function checkInfinity(value: unknown): number {
  if (value === Infinity) return value;
  const message = '"startThreshold" of a stream with a source must be Infinity';
  throw typeof value === "number" ? new RangeError(message) : new TypeError(message);
}

const NATIVE_KINDS: readonly unknown[] = ["tone", "clip", "silence", "mix"];
const RENDERED_KINDS: readonly unknown[] = ["render", "mapped"];

function kindOf(source: unknown): unknown {
  return typeof source === "object" ? (source as { kind?: unknown } | null)?.kind : undefined;
}

// Whether the source needs no JavaScript while it plays.
function isNative(source: unknown): boolean {
  return NATIVE_KINDS.includes(kindOf(source));
}

/** Whether JavaScript renders the sound in place. */
export function isRendered(source: unknown): source is RenderSource | MappedSource {
  return isRenderedKind(kindOf(source));
}

/** The same by the source's kind. */
export function isRenderedKind(kind: unknown): boolean {
  return RENDERED_KINDS.includes(kind);
}

function checkSource(value: unknown): AnySource {
  if (kindOf(value) === "mix") {
    return { kind: "mix", inputs: checkMixInputs((value as MixSource).inputs) };
  }
  const isForged = isRendered(value) && value.kind === "render" &&
    typeof value.callback !== "function";
  if (!isForged && (isNative(value) || isRendered(value))) return value as AnySource;
  throw new TypeError(
    '"source" must be made by render(), mapped(), mix(), tone(), clip() or silence()',
  );
}

function checkSourceFits(
  source: AnySource | undefined,
  options: CheckedPlaybackOptions,
): void {
  const { rate, channels, format } = options;
  if (source?.kind === "mix") {
    for (const input of source.inputs) checkSourceFits(input.source, options);
    checkInteger("bytes of the clips", clipBytes(source), 0, MAX_CLIP_BYTES);
  } else if (source?.kind === "tone") {
    checkPositive("frequencyHz", source.frequencyHz, rate / 2);
    checkNumber("amplitude", source.amplitude, 0, 1);
  } else if (source?.kind === "clip") {
    const frames = checkFrames(format, channels, source.samples);
    checkInteger("frames of the clip", frames, 1, MAX_CLIP_BYTES);
    checkInteger("bytes of the clip", source.samples.byteLength, 1, MAX_CLIP_BYTES);
  }
}

// Inputs that play the same array share it.
function clipBytes({ inputs }: CheckedMix): number {
  const sources = inputs.map(({ source }) => source);
  const views = new Set(sources.map((source) => source?.kind === "clip" ? source.samples : null));
  return [...views].reduce((sum, view) => sum + (view?.byteLength ?? 0), 0);
}
