/**
 * The options of `halflap play` and their checks.
 *
 * @module
 */

import { checkText, checkWord } from "../check.ts";
import { SAMPLE_FORMATS } from "../format.ts";
import type { Access } from "../options.ts";
import {
  CHANNELS_RANGE,
  PERIOD_FRAMES_RANGE,
  PERIODS_RANGE,
  type Range,
  RATE_RANGE,
} from "../ranges.ts";
import { type Arguments, parseArguments, parseInteger, parseNumber } from "./arguments.ts";
import { asUsage, UsageError } from "./command_error.ts";
import type { InputOptions } from "./open_input.ts";
import type { WantedLayout } from "./pcm_input.ts";
import { isSameFile } from "./same_file.ts";

/** A tone to be played. */
export interface ToneRequest {
  /** Frequency in hertz. */
  readonly frequencyHz: number;
  /** Peak amplitude relative to full scale. */
  readonly amplitude: number;
  /** Length, fades included. */
  readonly seconds: number;
}

/** What `halflap play` is to do. */
export interface PlayOptions {
  /** The file or stream to play, if it is one. */
  readonly input: InputOptions | undefined;
  /** The tone to play, if it is one. */
  readonly tone: ToneRequest | undefined;
  /** Name of the PCM. */
  readonly device: string;
  /** How samples reach the device. */
  readonly access: Access;
  /** What the user says about the layout of the samples. */
  readonly wanted: WantedLayout;
  /** Frames per period, if given. */
  readonly periodFrames: number | undefined;
  /** Periods per buffer, if given. */
  readonly periods: number | undefined;
  /** WAV file that the virtual card records to, if given. */
  readonly tap: string | undefined;
  /** Whether to print a report. */
  readonly json: boolean;
  /** Whether to draw no progress, and to say nothing about xruns. */
  readonly quiet: boolean;
}

const KINDS = {
  device: "value",
  access: "value",
  rate: "value",
  channels: "value",
  format: "value",
  period: "value",
  periods: "value",
  tap: "value",
  tone: "value",
  seconds: "value",
  amplitude: "value",
  raw: "flag",
  json: "flag",
  quiet: "flag",
} as const;

type PlayArguments = Arguments<typeof KINDS>;
type Values = PlayArguments["values"];

const VIRTUAL_DEVICE = "virtual";
const MAX_DEVICE_BYTES = 1024;
const MAX_PATH_BYTES = 4095;
const DEFAULT_RATE = 48_000;
const DEFAULT_AMPLITUDE = 0.25;
const MIN_FREQUENCY_HZ = 0.001;
const SECONDS_RANGE: Range = [0.001, 86_400];

/** Reads the options from the arguments; undefined means that help is wanted. */
export function parsePlayOptions(args: readonly string[]): PlayOptions | undefined {
  const parsed = parseArguments(args, KINDS);
  return parsed.flags.has("help") ? undefined : asUsage(() => checkPlayOptions(parsed));
}

function checkPlayOptions({ values, flags, positionals }: PlayArguments): PlayOptions {
  const wanted = wantedLayout(values);
  const input = inputOptions(positionals, wanted, flags.has("raw"));
  const options: PlayOptions = {
    input,
    tone: toneRequest(values, wanted),
    device: checkText("--device", values.device ?? "default", MAX_DEVICE_BYTES),
    access: checkWord("--access", values.access ?? "auto", ["auto", "mmap", "write"]),
    wanted,
    periodFrames: optionalInteger("--period", values.period, PERIOD_FRAMES_RANGE),
    periods: optionalInteger("--periods", values.periods, PERIODS_RANGE),
    tap: values.tap === undefined ? undefined : checkText("--tap", values.tap, MAX_PATH_BYTES),
    json: flags.has("json"),
    quiet: flags.has("quiet"),
  };
  checkFit(options, flags.has("raw"));
  return options;
}

function optionalInteger(name: string, text: string | undefined, range: Range): number | undefined {
  return text === undefined ? undefined : parseInteger(name, text, ...range);
}

function wantedLayout({ rate, channels, format }: Values): WantedLayout {
  return {
    rate: optionalInteger("--rate", rate, RATE_RANGE),
    channels: optionalInteger("--channels", channels, CHANNELS_RANGE),
    format: format === undefined ? undefined : checkWord("--format", format, SAMPLE_FORMATS),
  };
}

function inputOptions(
  positionals: readonly string[],
  wanted: WantedLayout,
  raw: boolean,
): InputOptions | undefined {
  const [path, ...others] = positionals;
  if (others.length > 0) throw new UsageError(`One file can be played, not "${others[0]}" as well`);
  return path === undefined
    ? undefined
    : { path: checkText("FILE", path, MAX_PATH_BYTES), raw, wanted };
}

function toneRequest(values: Values, wanted: WantedLayout): ToneRequest | undefined {
  const { tone, seconds, amplitude } = values;
  if (tone === undefined) {
    for (const [name, value] of Object.entries({ seconds, amplitude })) {
      if (value !== undefined) throw new UsageError(`"--${name}" needs "--tone"`);
    }
    return undefined;
  }
  if (seconds === undefined) throw new UsageError('"--tone" needs "--seconds"');
  const maxFrequencyHz = (wanted.rate ?? DEFAULT_RATE) / 2;
  return {
    frequencyHz: parseNumber("--tone", tone, MIN_FREQUENCY_HZ, maxFrequencyHz),
    amplitude: amplitude === undefined
      ? DEFAULT_AMPLITUDE
      : parseNumber("--amplitude", amplitude, 0, 1),
    seconds: parseNumber("--seconds", seconds, ...SECONDS_RANGE),
  };
}

function checkFit({ input, tone, device, tap }: PlayOptions, raw: boolean): void {
  if (input === undefined && tone === undefined) {
    throw new UsageError('Nothing to play: give a file, "-" for standard input, or "--tone"');
  }
  if (input !== undefined && tone !== undefined) {
    throw new UsageError(`Either "${input.path}" or "--tone" can be played`);
  }
  if (raw && tone !== undefined) throw new UsageError('"--raw" needs a file or "-"');
  if (tap === undefined) return;
  if (device !== VIRTUAL_DEVICE) {
    throw new UsageError(`"--tap" needs "--device ${VIRTUAL_DEVICE}": others do not record`);
  }
  if (input !== undefined && isSameFile(tap, input.path)) {
    throw new UsageError(`"--tap" would overwrite the file that is played, "${input.path}"`);
  }
}
