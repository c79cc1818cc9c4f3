/**
 * What a device can do.
 *
 * @module
 */

import { type OfferedChannelMap, parseOfferedChannelMaps } from "../channel_map.ts";
import { Capabilities as Field, MmapKind, QueryText } from "../ffi/abi.generated.ts";
import { nativeFormat, SAMPLE_FORMATS, type SampleFormat } from "../format.ts";
import { pcmTypeName } from "../granted.ts";
import { wordOf } from "../native_word.ts";
import type { QueryAnswer } from "./query.ts";

/** How samples can reach a device, by ALSA's access modes. */
export type DeviceAccess =
  | "mmap-interleaved"
  | "mmap-noninterleaved"
  | "mmap-complex"
  | "write-interleaved"
  | "write-noninterleaved";

/** Lowest and highest value. */
export interface DeviceRange {
  /** Lowest value. */
  readonly min: number;
  /** Highest value. */
  readonly max: number;
}

/**
 * What a device can do, as ALSA tells before anything is chosen. Not all values go with all others:
 * what a stream got is in its `granted`.
 */
export interface DeviceCapabilities {
  /** ALSA's type of the PCM: `hw`, `plug`, `ioplug`..., or `type 99` for one halflap cannot name. */
  readonly pcmType: string;
  /** Formats that halflap can play on it. */
  readonly formats: readonly SampleFormat[];
  /** All formats, by ALSA's names, as in `S16_LE`. */
  readonly alsaFormats: readonly string[];
  /** Frames per second. */
  readonly rate: DeviceRange;
  /** Which of the usual rates are among them. */
  readonly usualRates: readonly number[];
  /** Channels in a frame. */
  readonly channels: DeviceRange;
  /** Frames per period. */
  readonly periodFrames: DeviceRange;
  /** Periods per buffer. */
  readonly periods: DeviceRange;
  /** Frames in the device's buffer. */
  readonly bufferFrames: DeviceRange;
  /** How samples can reach it. */
  readonly access: readonly DeviceAccess[];
  /** Where the ring buffer of the mmap path lives: in the device, or copied by a plug-in. */
  readonly mmap: "none" | "real" | "emulated";
  /** Whether the hardware transfers in batches, so that its pointer is coarse. */
  readonly batch: boolean;
  /** Whether the hardware can pause. */
  readonly canPause: boolean;
  /** Whether the hardware can resume after a suspend. */
  readonly canResume: boolean;
  /** Whether the device's period interrupts can be switched off. */
  readonly canDisablePeriodWakeup: boolean;
  /** The channel maps that it offers; none where it does not tell. */
  readonly channelMaps: readonly OfferedChannelMap[];
}

/** By `snd_pcm_access_t`. */
const ACCESSES: readonly DeviceAccess[] = [
  "mmap-interleaved",
  "mmap-noninterleaved",
  "mmap-complex",
  "write-interleaved",
  "write-noninterleaved",
];

const hasBit = (mask: number, bit: number): boolean => (mask >> bit & 1) === 1;
const words = (text: string): string[] => text === "" ? [] : text.split(" ");

/** Makes the public form of an answer to a probe that worked. */
export function capabilitiesFromNative(answer: QueryAnswer): DeviceCapabilities {
  const record = answer.readCapabilities();
  const number = (field: keyof typeof Field): number => record[Field[field]]!;
  const range = (min: keyof typeof Field, max: keyof typeof Field): DeviceRange =>
    Object.freeze({ min: number(min), max: number(max) });
  const formatMask = number("format_mask");
  const accessMask = number("access_mask");
  return Object.freeze({
    pcmType: pcmTypeName(number("pcm_type")),
    formats: Object.freeze(
      SAMPLE_FORMATS.filter((format) => hasBit(formatMask, nativeFormat(format))),
    ),
    alsaFormats: Object.freeze(words(answer.text(QueryText.formats))),
    rate: range("rate_min", "rate_max"),
    usualRates: Object.freeze(words(answer.text(QueryText.rates)).map(Number)),
    channels: range("channels_min", "channels_max"),
    periodFrames: range("period_frames_min", "period_frames_max"),
    periods: range("periods_min", "periods_max"),
    bufferFrames: range("buffer_frames_min", "buffer_frames_max"),
    access: Object.freeze(ACCESSES.filter((_, bit) => hasBit(accessMask, bit))),
    mmap: wordOf(MmapKind, number("mmap")),
    batch: number("batch") === 1,
    canPause: number("can_pause") === 1,
    canResume: number("can_resume") === 1,
    canDisablePeriodWakeup: number("can_disable_period_wakeup") === 1,
    channelMaps: parseOfferedChannelMaps(answer.text(QueryText.channel_maps)),
  });
}
