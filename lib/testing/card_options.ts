/**
 * The options of a virtual card and their checks.
 *
 * @module
 */

import {
  checkBoolean,
  checkInteger,
  checkNumber,
  checkOptions,
  checkText,
  checkWord,
} from "../check.ts";
import {
  CARD_OPTIONS_LENGTH,
  CardChannelMaps,
  CardClock,
  CardOptions,
  Tap,
} from "../ffi/abi.generated.ts";
import { nativeFormat, SAMPLE_FORMATS, type SampleFormat } from "../format.ts";
import {
  CHANNELS_RANGE,
  PERIOD_FRAMES_RANGE,
  PERIODS_RANGE,
  type Range,
  RATE_RANGE,
} from "../ranges.ts";

/** How a virtual card can be reached. */
export type CardAccess =
  | "mmap-interleaved"
  | "mmap-noninterleaved"
  | "write-interleaved"
  | "write-noninterleaved";

/** A lower and an upper limit, each of which can be left out. */
export interface Limits {
  /** Lowest value. */
  min?: number;
  /** Highest value. */
  max?: number;
}

/** Where a virtual card records what it played: not at all, in memory, or in a WAV file. */
export type CardTap = "none" | "memory" | {
  /** Path of the WAV file. */
  path: string;
};

/** Options of {@linkcode openVirtualCard}. What is left out is not limited. */
export interface VirtualCardOptions {
  /**
   * `realtime`: the card plays by itself, at its rate. `simulated`: it stands still until `advance()`
   * is called. The default is `simulated`.
   */
  clock?: "realtime" | "simulated";
  /** Where the card records what it played. The default is `memory`. */
  tap?: CardTap;
  /** Deviation of the card's clock in parts per million, from -100000 to 100000. The default is 0. */
  driftPpm?: number;
  /** Formats that the card plays. */
  formats?: readonly SampleFormat[];
  /** How the card can be reached. */
  access?: readonly CardAccess[];
  /** Rates that the card plays at, in frames per second. */
  rate?: Limits;
  /** Numbers of channels that the card plays. */
  channels?: Limits;
  /**
   * Whether the card tells what its channels are for: `none` does not; `fixed` has the usual maps of
   * 1, 2, 4, 6 and 8 channels (`MONO`, or as many of `FL FR RL RR FC LFE SL SR`); `variable` lets their
   * positions be swapped. The default is `none`.
   */
  channelMaps?: "none" | "fixed" | "variable";
  /** Frames per period that the card grants. */
  periodFrames?: Limits;
  /** Periods per buffer that the card grants. */
  periods?: Limits;
  /** Streams that can be open at once, an integer from 1 to 8192; one more is refused as busy. */
  substreams?: number;
  /** Whether the card can pause. The default is true. */
  canPause?: boolean;
  /**
   * Whether the card transfers in batches, as USB devices and others do: its pointer moves in whole
   * periods. The default is false.
   */
  batch?: boolean;
  /**
   * Starts the PCM's pointers that many frames before they wrap, for tests of just that: an integer
   * from 0 to 2147483647. The default is 0, no such start.
   */
  framesBeforeBoundary?: number;
}

const NAMES = [
  "clock",
  "tap",
  "driftPpm",
  "formats",
  "access",
  "rate",
  "channels",
  "channelMaps",
  "periodFrames",
  "periods",
  "substreams",
  "canPause",
  "batch",
  "framesBeforeBoundary",
] as const;

const ACCESS_WORDS: readonly CardAccess[] = [
  "mmap-interleaved",
  "mmap-noninterleaved",
  "write-interleaved",
  "write-noninterleaved",
];
const CHANNEL_MAPS: readonly (keyof typeof CardChannelMaps)[] = ["none", "fixed", "variable"];
const MAX_DRIFT_PPM = 100_000;
const MAX_SUBSTREAMS = 8192;
const MAX_FRAMES_BEFORE_BOUNDARY = 2 ** 31 - 1;
const MAX_PATH_BYTES = 4095;

/** Options after the checks. */
export interface CheckedCardOptions {
  /** How the card tells the time. */
  readonly clock: "realtime" | "simulated";
  /** Where it records what it played, in the engine's words. */
  readonly tap: number;
  /** The engine's record. */
  readonly record: Float64Array;
  /** Path of the tap, or the empty string. */
  readonly tapPath: string;
}

/** Checks the options of `openVirtualCard()`. */
export function checkCardOptions(options: unknown): CheckedCardOptions {
  const given = checkOptions<VirtualCardOptions>(
    "the options of openVirtualCard()",
    options,
    NAMES,
  );
  const record = new Float64Array(CARD_OPTIONS_LENGTH);
  const clock = checkWord("clock", orDefault(given.clock, "simulated"), ["realtime", "simulated"]);
  const tap = checkTap(orDefault(given.tap, "memory"));
  record[CardOptions.clock] = CardClock[clock];
  record[CardOptions.tap] = tap.native;
  record[CardOptions.drift_ppm] = checkNumber(
    "driftPpm",
    orDefault(given.driftPpm, 0),
    -MAX_DRIFT_PPM,
    MAX_DRIFT_PPM,
  );
  record[CardOptions.format_mask] = mask("formats", given.formats, SAMPLE_FORMATS, nativeFormat);
  record[CardOptions.access_mask] = mask(
    "access",
    given.access,
    ACCESS_WORDS,
    (word) => ACCESS_WORDS.indexOf(word),
  );
  setLimits(record, CardOptions.rate_min, "rate", given.rate, RATE_RANGE);
  setLimits(record, CardOptions.channels_min, "channels", given.channels, CHANNELS_RANGE);
  record[CardOptions.channel_maps] = CardChannelMaps[
    checkWord("channelMaps", orDefault(given.channelMaps, "none"), CHANNEL_MAPS)
  ];
  setLimits(
    record,
    CardOptions.period_frames_min,
    "periodFrames",
    given.periodFrames,
    PERIOD_FRAMES_RANGE,
  );
  setLimits(record, CardOptions.periods_min, "periods", given.periods, PERIODS_RANGE);
  if (given.substreams !== undefined) {
    record[CardOptions.substreams] = checkInteger(
      "substreams",
      given.substreams,
      1,
      MAX_SUBSTREAMS,
    );
  }
  record[CardOptions.no_pause] = checkBoolean("canPause", orDefault(given.canPause, true)) ? 0 : 1;
  record[CardOptions.batch] = checkBoolean("batch", orDefault(given.batch, false)) ? 1 : 0;
  record[CardOptions.frames_before_boundary] = checkInteger(
    "framesBeforeBoundary",
    orDefault(given.framesBeforeBoundary, 0),
    0,
    MAX_FRAMES_BEFORE_BOUNDARY,
  );
  return { clock, tap: tap.native, record, tapPath: tap.path };
}

function orDefault(value: unknown, byDefault: unknown): unknown {
  return value === undefined ? byDefault : value;
}

function checkTap(tap: unknown): { native: number; path: string } {
  if (typeof tap !== "object" || tap === null) {
    return { native: Tap[checkWord("tap", tap, ["none", "memory"])], path: "" };
  }
  const { path } = checkOptions<{ path: string }>('the option "tap"', tap, ["path"]);
  return { native: Tap.wav, path: checkText("path", path, MAX_PATH_BYTES) };
}

function mask<Word extends string>(
  name: string,
  given: unknown,
  words: readonly Word[],
  bit: (word: Word) => number,
): number {
  if (given === undefined) return 0;
  if (!Array.isArray(given)) throw new TypeError(`"${name}" must be an array`);
  if (given.length === 0) throw new RangeError(`"${name}" must not be empty`);
  return given.reduce<number>((bits, word) => bits | 1 << bit(checkWord(name, word, words)), 0);
}

// The highest value follows the lowest one in the record.
function setLimits(
  record: Float64Array,
  minIndex: number,
  name: string,
  given: unknown,
  [lowest, highest]: Range,
): void {
  if (given === undefined) return;
  const { min, max } = checkOptions<Limits>(`the option "${name}"`, given, ["min", "max"]);
  const low = min === undefined ? 0 : checkInteger(`${name}.min`, min, lowest, highest);
  const high = max === undefined ? 0 : checkInteger(`${name}.max`, max, low || lowest, highest);
  record[minIndex] = low;
  record[minIndex + 1] = high;
}
