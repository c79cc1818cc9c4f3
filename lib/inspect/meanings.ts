/**
 * Says in words what a stream's parameters make it do.
 *
 * @module
 */

import type { PcmHwParams } from "../procfs/hw_params.ts";
import type { PcmState } from "../procfs/pcm_status.ts";
import type { PcmSwParams } from "../procfs/sw_params.ts";
import type { PcmDirection } from "./pcm_place.ts";

/** What a stream's state and parameters mean; what is not known is left out. */
export interface PcmMeanings {
  /** What the state means. */
  readonly state?: string;
  /** What `hwParams.access` means. */
  readonly access?: string;
  /** What `swParams.timestamps` means. */
  readonly timestamps?: string;
  /** What `swParams.availMin` does. */
  readonly availMin?: string;
  /** What `swParams.startThreshold` does. */
  readonly startThreshold?: string;
  /** What `swParams.stopThreshold` does. */
  readonly stopThreshold?: string;
  /** What `swParams.silenceThreshold` and `silenceSize` do together. */
  readonly silence?: string;
  /** What `swParams.boundary` is. */
  readonly boundary?: string;
}

/** What the meanings depend on. */
export interface PcmParams {
  /** Which way sound goes. */
  readonly direction: PcmDirection;
  /** The state, where it is known. */
  readonly state: PcmState | "closed" | undefined;
  /** What program and driver agreed on, where they did. */
  readonly hwParams: PcmHwParams | undefined;
  /** When the stream starts, stops and wakes its program, where that is set. */
  readonly swParams: PcmSwParams | undefined;
}

/** A stream whose parameters are all known. */
interface Stream {
  readonly isPlayback: boolean;
  readonly rate: number;
  readonly buffer: number;
  readonly boundary: number;
}

type Words = Readonly<Record<PcmDirection, string>>;

const both = (text: string): Words => ({ playback: text, capture: text });

const STATES: Readonly<Record<PcmState | "closed", Words>> = {
  closed: both("no program has it open"),
  open: both("a program has it open and has set no parameters yet"),
  setup: both("parameters are set; it has to be prepared before it can start"),
  prepared: both("ready to start"),
  running: { playback: "the hardware plays the ring", capture: "the hardware fills the ring" },
  xrun: {
    playback: "the ring ran dry and the hardware was stopped; the program has to prepare it again",
    capture: "the ring ran full and the hardware was stopped; the program has to prepare it again",
  },
  draining: {
    playback: "the hardware plays what is left, then stops",
    capture: "the hardware was stopped; the program reads what is left",
  },
  paused: both("the hardware stands still and keeps its place"),
  suspended: both("the system suspended the hardware; the program has to resume it"),
  disconnected: both("the hardware went away"),
};

const ACCESSES: Readonly<Record<string, string>> = {
  MMAP_INTERLEAVED: "in the ring itself, the channels of a frame side by side",
  MMAP_NONINTERLEAVED: "in the ring itself, each channel apart",
  MMAP_COMPLEX: "in the ring itself, channels laid out in another way",
  RW_INTERLEAVED: "copied by the kernel, the channels of a frame side by side",
  RW_NONINTERLEAVED: "copied by the kernel, each channel apart",
};

const MS_PER_S = 1000;

function framesText(frames: number, { rate }: Stream): string {
  return `${frames} frames (${(frames / rate * MS_PER_S).toFixed(1)} ms)`;
}

function explainAvailMin(frames: number, stream: Stream): string {
  const what = stream.isPlayback ? "free" : "captured";
  if (frames > stream.buffer) return `the program is never woken: no ring has ${frames} frames`;
  return `the program is woken when ${framesText(frames, stream)} are ${what}`;
}

function explainStart(frames: number, stream: Stream): string {
  if (frames > stream.buffer) return "never starts by itself: the program has to start it";
  if (frames <= 1) {
    return stream.isPlayback ? "starts at the first frame written" : "starts when it is first read";
  }
  return stream.isPlayback
    ? `starts when ${framesText(frames, stream)} are in the ring`
    : `starts when ${framesText(frames, stream)} are asked for at a time`;
}

function explainStop(frames: number, stream: Stream): string {
  const { isPlayback, buffer, boundary } = stream;
  const xrun = isPlayback ? "an underrun" : "an overrun";
  if (frames >= boundary) return `never stops at ${xrun}`;
  if (frames === buffer) return `stops at ${xrun}: as soon as the ring is ${edge(stream)}`;
  if (frames > buffer) {
    const late = framesText(frames - buffer, stream);
    return `stops at ${xrun} only when it is ${late} late`;
  }
  const left = framesText(buffer - frames, stream);
  return isPlayback
    ? `stops before ${xrun}, when ${left} are left in the ring`
    : `stops before ${xrun}, when ${left} are free in the ring`;
}

const edge = ({ isPlayback }: Stream): string => isPlayback ? "empty" : "full";

function explainSilence(threshold: number, size: number, stream: Stream): string {
  const { isPlayback, boundary } = stream;
  if (!isPlayback) return "of no use for capture";
  if (size === 0) return "none is filled in: a dry ring that goes on plays its old sound again";
  if (size >= boundary) return "what was played becomes silence at once: a dry ring is silent";
  return `up to ${framesText(size, stream)} of it are put behind the sound when fewer than ` +
    `${framesText(threshold, stream)} lie ahead`;
}

function explainParams(stream: Stream, params: PcmSwParams): PcmMeanings {
  const { availMin, startThreshold, stopThreshold, silenceThreshold, silenceSize } = params;
  return {
    ...(availMin === undefined ? {} : { availMin: explainAvailMin(availMin, stream) }),
    ...(startThreshold === undefined
      ? {}
      : { startThreshold: explainStart(startThreshold, stream) }),
    ...(stopThreshold === undefined ? {} : { stopThreshold: explainStop(stopThreshold, stream) }),
    ...(silenceThreshold === undefined || silenceSize === undefined
      ? {}
      : { silence: explainSilence(silenceThreshold, silenceSize, stream) }),
    boundary: "the pointers start again at 0 there",
  };
}

/** Says what a stream's state and parameters mean. */
export function explainPcm({ direction, state, hwParams, swParams }: PcmParams): PcmMeanings {
  const { access, rate, bufferFrames: buffer } = hwParams ?? {};
  const { timestamps, boundary } = swParams ?? {};
  const isKnown = access !== undefined && Object.hasOwn(ACCESSES, access);
  const stream = rate === undefined || buffer === undefined || boundary === undefined
    ? undefined
    : { isPlayback: direction === "playback", rate, buffer, boundary };
  return {
    ...(state === undefined ? {} : { state: STATES[state][direction] }),
    ...(isKnown ? { access: ACCESSES[access]! } : {}),
    ...(timestamps === undefined ? {} : { timestamps: timestamps ? "taken" : "not taken" }),
    ...(stream === undefined || swParams === undefined ? {} : explainParams(stream, swParams)),
  };
}
