/**
 * What a device granted, which can differ from what was asked for.
 *
 * @module
 */

import { type ChannelPosition, parseChannelMap } from "./channel_map.ts";
import {
  Access,
  ClockKind,
  Granted as Field,
  Layout,
  MmapKind,
  XrunPolicy as XrunPolicyNumber,
  XrunPolicyReason,
  ZeroCopy,
  ZeroCopyReason,
} from "./ffi/abi.generated.ts";
import { formatFromNative, type SampleFormat } from "./format.ts";
import { wordOf } from "./native_word.ts";
import { type GrantedRealtime, realtimeFromNative } from "./realtime.ts";
import type { XrunPolicy } from "./xrun.ts";

/** What was granted: read back from ALSA after the parameters were set, never just repeated. */
export interface Granted<F extends SampleFormat = SampleFormat> {
  /** The PCM's name as ALSA gives it. */
  readonly device: string;
  /** How samples reach the device. */
  readonly access: "mmap" | "write";
  /** Why it is this access. */
  readonly accessReason: string;
  /** How the device lays out its channels; what is written to a stream is always interleaved. */
  readonly layout: "interleaved" | "noninterleaved";
  /** Sample format. */
  readonly format: F;
  /** Channels in a frame. */
  readonly channels: number;
  /** What each channel is for; undefined where the device does not tell. */
  readonly channelMap: readonly ChannelPosition[] | undefined;
  /** Frames per second. */
  readonly rate: number;
  /** Frames per period. */
  readonly periodFrames: number;
  /** Periods per buffer, or 0 where the buffer is no whole number of periods. */
  readonly periods: number;
  /** Frames in the device's buffer. */
  readonly bufferFrames: number;
  /** Frames at which ALSA's pointers wrap. */
  readonly boundary: number;
  /** Frames that JavaScript can be ahead of the device; 0 with a native source. */
  readonly queueFrames: number;
  /** Queued frames at which the stream starts by itself; Infinity: only by `start()`. */
  readonly startThreshold: number;
  /** Whether the device's pointer paces the stream, or the engine's clock (ALSA `null`, `file`). */
  readonly clock: "device" | "self";
  /** Where the ring buffer of the mmap path lives: in the device, or copied by a plug-in. */
  readonly mmap: "none" | "real" | "emulated";
  /** ALSA's type of the PCM: `hw`, `plug`, `ioplug`..., or `type 99` for one halflap cannot name. */
  readonly pcmType: string;
  /** Whether the hardware transfers in batches, so that its pointer is coarse. */
  readonly batch: boolean;
  /** Whether the hardware can pause. */
  readonly canPause: boolean;
  /** Whether the hardware can resume after a suspend. */
  readonly canResume: boolean;
  /** Whether the device's period interrupts can be switched off. */
  readonly canDisablePeriodWakeup: boolean;
  /** Whether the stream runs on the simulated clock of a virtual card. */
  readonly simulated: boolean;
  /** Whether the device interrupts at each period. */
  readonly periodWakeups: boolean;
  /** What the device does when it runs dry. */
  readonly xrunPolicy: GrantedXrunPolicy;
  /** What JavaScript renders into; undefined with another source than `render()` or `mapped()`. */
  readonly zeroCopy: GrantedZeroCopy | undefined;
  /** How the thread that feeds the device is scheduled. */
  readonly realtime: GrantedRealtime;
}

/** What the device does when it runs dry. */
export interface GrantedXrunPolicy {
  /** The policy that holds. */
  readonly policy: XrunPolicy;
  /** Why it is this one. */
  readonly reason: string;
}

/** What JavaScript renders into. */
export interface GrantedZeroCopy {
  /**
   * The DMA ring of the hardware, the ring of a virtual card, or a queue of the engine, from which
   * the frames are copied.
   */
  readonly memory: "dma" | "card" | "queue";
  /** Why it is this memory. */
  readonly reason: string;
}

const ZERO_COPY_REASONS: Readonly<Record<keyof typeof ZeroCopyReason, string>> = {
  possible: "the device's ring can be rendered into",
  write_access: "the PCM is accessed by write, not by mmap",
  plug_in: "the ring belongs to a plug-in of ALSA, which can free it at any time",
  noninterleaved: "the device wants each channel on its own",
  runs_on: 'with an xrunPolicy other than "stop" the device plays what is being rendered too late',
  uneven_ring: "the device's ring is no whole number of periods",
  refused: "the device does not let its ring be mapped",
};

const POLICY_REASONS: Readonly<Record<keyof typeof XrunPolicyReason, string>> = {
  asked_for: "asked for",
  plug_in:
    "the PCM is a plug-in; only hw PCMs and virtual cards are known to run on when they are dry",
  refused: "the PCM refused the software parameters of another policy",
};

/** `snd_pcm_type_t` of `<alsa/pcm.h>`, in its order. */
const PCM_TYPES: readonly string[] = [
  "hw",
  "hooks",
  "multi",
  "file",
  "null",
  "shm",
  "inet",
  "copy",
  "linear",
  "alaw",
  "mulaw",
  "adpcm",
  "rate",
  "route",
  "plug",
  "share",
  "meter",
  "mix",
  "droute",
  "lbserver",
  "linear_float",
  "ladspa",
  "dmix",
  "jack",
  "dsnoop",
  "dshare",
  "iec958",
  "softvol",
  "ioplug",
  "extplug",
  "mmap_emul",
];

/** ALSA's name of a type of PCM, by its number. */
export function pcmTypeName(number: number): string {
  return PCM_TYPES[number] ?? `type ${number}`;
}

/** Texts that belong to what was granted. */
export interface GrantedTexts {
  readonly device: string;
  readonly accessReason: string;
  readonly channelMap: string;
}

/** Makes the public form of the engine's record and texts. */
export function grantedFromNative(
  record: Float64Array,
  { device, accessReason, channelMap }: GrantedTexts,
): Granted {
  const number = (index: number): number => record[index]!;
  const threshold = number(Field.start_threshold_frames);
  return Object.freeze({
    device,
    access: number(Field.access) === Access.mmap ? "mmap" : "write",
    accessReason,
    layout: number(Field.layout) === Layout.interleaved ? "interleaved" : "noninterleaved",
    format: formatFromNative(number(Field.format)),
    channels: number(Field.channels),
    channelMap: parseChannelMap(channelMap),
    rate: number(Field.rate),
    periodFrames: number(Field.period_frames),
    periods: number(Field.periods),
    bufferFrames: number(Field.buffer_frames),
    boundary: number(Field.boundary),
    queueFrames: number(Field.queue_frames),
    startThreshold: threshold < 0 ? Infinity : threshold,
    clock: number(Field.clock) === ClockKind.self ? "self" : "device",
    mmap: mmapName(number(Field.mmap)),
    pcmType: pcmTypeName(number(Field.pcm_type)),
    batch: number(Field.batch) === 1,
    canPause: number(Field.can_pause) === 1,
    canResume: number(Field.can_resume) === 1,
    canDisablePeriodWakeup: number(Field.can_disable_period_wakeup) === 1,
    simulated: number(Field.simulated) === 1,
    periodWakeups: number(Field.period_wakeups) === 1,
    xrunPolicy: Object.freeze({
      policy: wordOf(XrunPolicyNumber, number(Field.xrun_policy)),
      reason: POLICY_REASONS[wordOf(XrunPolicyReason, number(Field.xrun_policy_reason))],
    }),
    zeroCopy: zeroCopyFromNative(number(Field.zero_copy), number(Field.zero_copy_reason)),
    realtime: realtimeFromNative(record),
  });
}

function zeroCopyFromNative(native: number, reason: number): GrantedZeroCopy | undefined {
  const memory = wordOf(ZeroCopy, native);
  if (memory === "none") return undefined;
  return Object.freeze({ memory, reason: ZERO_COPY_REASONS[wordOf(ZeroCopyReason, reason)] });
}

function mmapName(native: number): Granted["mmap"] {
  if (native === MmapKind.none) return "none";
  return native === MmapKind.real ? "real" : "emulated";
}
