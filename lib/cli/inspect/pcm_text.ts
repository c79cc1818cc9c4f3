/**
 * Describes one PCM for people.
 *
 * @module
 */

import type { PcmInspection, SubstreamInspection } from "../../inspect/inspect_pcm.ts";
import type { PcmDirection } from "../../inspect/pcm_place.ts";
import type { PcmHwParams } from "../../procfs/hw_params.ts";
import type { PcmSwParams } from "../../procfs/sw_params.ts";
import type { XrunDebug } from "../../procfs/xrun_debug.ts";
import { printable } from "./printable.ts";

/** Says who a thread belongs to. */
export type DescribeOwner = (thread: number) => string;

/** What there is to say of something: its name and its value, where that is known. */
type Row = readonly [name: string, value: string | undefined];

const NAME_COLUMNS = 17;
const MARGIN = " ".repeat(4);

/** A time in words. */
export function msText(ms: number): string {
  return `${ms.toFixed(1)} ms`;
}

/** Format, channels and rate in words. */
export function formatText({ format, channels, rate, exactRate }: PcmHwParams): string {
  const exact = exactRate === rate || exactRate === undefined ? "" : ` (${exactRate.toFixed(3)})`;
  const count = channels === 1 ? "1 channel" : `${channels ?? "?"} channels`;
  return `${format ?? "?"}, ${count}, ${rate ?? "?"} Hz${exact}`;
}

/** How long the ring lasts, in words; undefined while it does not move. */
export function untilXrunText(
  direction: PcmDirection,
  untilXrunMs: number | undefined,
): string | undefined {
  if (untilXrunMs === undefined) return undefined;
  const edge = direction === "playback" ? "dry" : "full";
  return untilXrunMs >= 0
    ? `${edge} in ${msText(untilXrunMs)}`
    : `${edge} since ${msText(-untilXrunMs)}`;
}

/** State and owner of a substream in words. */
export function stateText({ state, status }: SubstreamInspection, owner: DescribeOwner): string {
  const pid = status?.ownerPid;
  return `${state ?? "in an unknown state"}${pid === undefined ? "" : `, held by ${owner(pid)}`}`;
}

function framesText(frames: number | undefined, ms: number | undefined): string | undefined {
  if (frames === undefined) return undefined;
  return `${frames} frames${ms === undefined ? "" : `, ${msText(ms)}`}`;
}

function availText({ status }: SubstreamInspection): string | undefined {
  const { availFrames, maxAvailFrames } = status ?? {};
  if (availFrames === undefined) return undefined;
  const most = maxAvailFrames === undefined ? "" : `, at most ${maxAvailFrames} since last asked`;
  return `${availFrames} frames${most}`;
}

function pointerRows(direction: PcmDirection, substream: SubstreamInspection): Row[] {
  const { ring, status } = substream;
  const { filledFrames, filledPercent = 0, untilXrunMs, delayMs } = ring ?? {};
  const lasts = untilXrunText(direction, untilXrunMs);
  const clock = status?.clock === "realtime" ? "CLOCK_REALTIME" : "CLOCK_MONOTONIC";
  const timeText = (ms: number | undefined): string | undefined =>
    ms === undefined ? undefined : `${msText(ms)} on ${clock}`;
  const filled = filledFrames === undefined
    ? undefined
    : `${filledFrames} frames, ${filledPercent.toFixed(0)} %${
      lasts === undefined ? "" : `, ${lasts}`
    }`;
  return [
    ["filled", filled],
    ["delay", framesText(status?.delayFrames, delayMs)],
    ["avail", availText(substream)],
    ["hw_ptr", status?.hwPtr?.toString()],
    ["appl_ptr", status?.applPtr?.toString()],
    ["xruns", status?.xruns?.toString()],
    ["trigger_time", timeText(status?.triggerTimeMs)],
    ["tstamp", timeText(status?.timestampMs)],
  ];
}

function hardwareRows({ hwParams, ring, meanings }: SubstreamInspection): Row[] {
  if (hwParams === undefined) return [];
  const { access, periodFrames, bufferFrames } = hwParams;
  const buffer = framesText(bufferFrames, ring?.bufferMs);
  const periods = ring === undefined ? "" : `, ${Number(ring.periods.toFixed(2))} periods`;
  return [
    ["access", access && explained(access, meanings.access)],
    ["format", formatText(hwParams)],
    ["period", framesText(periodFrames, ring?.periodMs)],
    ["buffer", buffer && `${buffer}${periods}`],
  ];
}

function explained(value: string, meaning: string | undefined): string {
  return meaning === undefined ? value : `${value}: ${meaning}`;
}

/** A number of frames, or that it is the boundary or more. */
function thresholdText(frames: number | undefined, { boundary }: PcmSwParams): string {
  if (frames === undefined) return "?";
  if (boundary === undefined || frames < boundary) return `${frames}`;
  return frames === boundary ? "boundary" : "above the boundary";
}

function boundaryText({ boundary }: PcmSwParams): string {
  // All its digits: it is a multiple of a high power of two, so the number is exact.
  return boundary === undefined ? "?" : `${BigInt(boundary)} frames`;
}

function softwareRows({ swParams, meanings }: SubstreamInspection): Row[] {
  if (swParams === undefined) return [];
  const { availMin, startThreshold, stopThreshold, silenceThreshold, silenceSize } = swParams;
  const text = (frames: number | undefined): string => thresholdText(frames, swParams);
  const silence = `threshold ${text(silenceThreshold)}, size ${text(silenceSize)}`;
  return [
    ["avail_min", explained(text(availMin), meanings.availMin)],
    ["start_threshold", explained(text(startThreshold), meanings.startThreshold)],
    ["stop_threshold", explained(text(stopThreshold), meanings.stopThreshold)],
    ["silence", explained(silence, meanings.silence)],
    ["boundary", explained(boundaryText(swParams), meanings.boundary)],
    ["timestamps", meanings.timestamps],
  ];
}

function unknownRows({ status, hwParams, swParams }: SubstreamInspection): Row[] {
  const lines = [status, hwParams, swParams].flatMap((part) => part?.unknown ?? []);
  return lines.map((line) => ["unknown", line]);
}

function rowText([name, value]: Row): string {
  return value === undefined ? "" : `${MARGIN}${name.padEnd(NAME_COLUMNS)}${printable(value)}\n`;
}

function substreamText(
  direction: PcmDirection,
  substream: SubstreamInspection,
  owner: DescribeOwner,
): string {
  const state = stateText(substream, owner);
  const head = `  substream ${substream.substream}: ${printable(state)}\n`;
  const meaning: Row = ["state", substream.meanings.state];
  const rows = [
    ...[meaning, ...hardwareRows(substream), ...pointerRows(direction, substream)],
    ...[...softwareRows(substream), ...unknownRows(substream)],
  ];
  return `${head}${rows.map(rowText).join("")}`;
}

function xrunDebugText(debug: XrunDebug | undefined): string {
  if (debug === undefined) return "not in this kernel";
  const { mask, flags, unknownBits } = debug;
  const bits = unknownBits === 0 ? [] : [`unknown bits 0x${unknownBits.toString(16)}`];
  const names = [...flags, ...bits].join(", ");
  return `${mask}: ${names === "" ? "nothing is logged" : names}`;
}

/** Describes a PCM. */
export function pcmText(pcm: PcmInspection, owner: DescribeOwner): string {
  const { name, cardId, direction, info, xrunDebug, substreams } = pcm;
  const open = substreams.filter(({ state }) => state !== "closed");
  const closed = substreams.filter(({ state }) => state === "closed");
  const numbers = closed.map(({ substream }) => substream).join(", ");
  const lines = [
    `${name} ${direction}: ${info?.name ?? "?"}, card "${cardId}"`,
    `  xrun_debug ${xrunDebugText(xrunDebug)}`,
    ...(info?.unknown ?? []).map((line) => `  unknown ${line}`),
    ...(closed.length === 0
      ? []
      : [`  closed: ${closed.length === 1 ? "substream" : "substreams"} ${numbers}`]),
  ];
  const texts = open.map((substream) => substreamText(direction, substream, owner));
  return [...lines.map((line) => `${printable(line)}\n`), ...texts].join("");
}
