/**
 * Looks at one PCM from outside, as the kernel shows it in /proc/asound.
 *
 * @module
 */

import { checkInteger, checkOptions, checkText, checkWord } from "../check.ts";
import { HalflapError } from "../errors.ts";
import { parseHwParams, type PcmHwParams } from "../procfs/hw_params.ts";
import { parsePcmInfo, type PcmInfo } from "../procfs/pcm_info.ts";
import { parsePcmStatus, type PcmState, type PcmStatus } from "../procfs/pcm_status.ts";
import { parseSwParams, type PcmSwParams } from "../procfs/sw_params.ts";
import { parseXrunDebug, type XrunDebug } from "../procfs/xrun_debug.ts";
import { AsoundFolder } from "./asound_folder.ts";
import { explainPcm, type PcmMeanings } from "./meanings.ts";
import {
  findCard,
  type PcmDirection,
  pcmFolder,
  pcmName,
  pcmNotFound,
  type PcmPlace,
} from "./pcm_place.ts";
import { computeRing, type PcmRing } from "./ring.ts";

/** Which PCM is meant. */
export interface PcmAddress {
  /** Number or id of the card, as in `hw:0` or `hw:CARD=PCH`. */
  card: number | string;
  /** Number of the device on the card; default 0. */
  device?: number | undefined;
  /** Which way sound goes; default `playback`. */
  direction?: PcmDirection | undefined;
}

/** Options of {@linkcode inspectPcm}. */
export interface InspectPcmOptions extends PcmAddress {
  /** Number of the one substream to look at; left out: all of them. */
  substream?: number | undefined;
}

/** What a PCM is and does. */
export interface PcmInspection {
  /** Its name for ALSA, as in `hw:0,3`. */
  readonly name: string;
  /** Number of its card. */
  readonly card: number;
  /** The card's id. */
  readonly cardId: string;
  /** Number of the device on the card. */
  readonly device: number;
  /** Which way sound goes. */
  readonly direction: PcmDirection;
  /** What it is; undefined if the file went away meanwhile. */
  readonly info: PcmInfo | undefined;
  /**
   * What the kernel logs of it; undefined where the kernel was built without
   * CONFIG_SND_PCM_XRUN_DEBUG.
   */
  readonly xrunDebug: XrunDebug | undefined;
  /** Its substreams by their numbers; each can be opened by one program. */
  readonly substreams: readonly SubstreamInspection[];
}

/** What a substream does. */
export interface SubstreamInspection {
  /** Its number. */
  readonly substream: number;
  /** Its state; undefined where the kernel tells it in words that halflap does not know. */
  readonly state: PcmState | "closed" | undefined;
  /** Where its pointers are; undefined if it is closed. */
  readonly status: PcmStatus | undefined;
  /** What program and driver agreed on; undefined if it is closed or they have not yet. */
  readonly hwParams: PcmHwParams | undefined;
  /** When it starts, stops and wakes its program; undefined as `hwParams` is. */
  readonly swParams: PcmSwParams | undefined;
  /** How full its ring is; undefined where that cannot be computed. */
  readonly ring: PcmRing | undefined;
  /** What all this means, in words. */
  readonly meanings: PcmMeanings;
}

const MAX_NUMBER = 9999;
const MAX_ID_BYTES = 64;
const SUBSTREAM_FOLDER = /^sub(\d{1,9})$/;
const DIRECTIONS = ["playback", "capture"] as const;
const ADDRESS = ["card", "device", "direction"] as const;

function checkCard(value: unknown): number | string {
  if (typeof value === "string") return checkText("card", value, MAX_ID_BYTES);
  if (typeof value === "number") return checkInteger("card", value, 0, MAX_NUMBER);
  throw new TypeError(`"card" must be the number or the id of a sound card`);
}

/** Checks where a PCM is, and finds its card. */
export async function findPcm(
  folder: AsoundFolder,
  { card, device = 0, direction = "playback" }: { readonly [Name in keyof PcmAddress]?: unknown },
): Promise<PcmPlace> {
  const wanted = checkCard(card);
  const place = {
    device: checkInteger("device", device, 0, MAX_NUMBER),
    direction: checkWord("direction", direction, DIRECTIONS),
  };
  return { card: await findCard(folder, wanted), ...place };
}

async function readSubstream(
  folder: AsoundFolder,
  direction: PcmDirection,
  path: string,
): Promise<Omit<SubstreamInspection, "substream">> {
  const read = async (name: string): Promise<string> =>
    await folder.readText(`${path}/${name}`) ?? "closed";
  const status = parsePcmStatus(await read("status"));
  // It can be closed between two files.
  const hwParams = status && parseHwParams(await read("hw_params"));
  const swParams = status && parseSwParams(await read("sw_params"));
  const state = status === undefined ? "closed" : status.state;
  const ring = status && hwParams && computeRing(direction, hwParams, status);
  const meanings = explainPcm({ direction, state, hwParams, swParams });
  return { state, status, hwParams, swParams, ring, meanings };
}

/** Looks at a PCM that was found, or at one substream of it. */
export async function inspectPlace(
  folder: AsoundFolder,
  place: PcmPlace,
  wanted?: number,
): Promise<PcmInspection> {
  const path = pcmFolder(place);
  const names = await folder.list(path);
  if (names === undefined) throw await pcmNotFound(folder, place);
  const numbers = names.map((name) => SUBSTREAM_FOLDER.exec(name)?.[1])
    .filter((number) => number !== undefined).map(Number).sort((a, b) => a - b);
  if (wanted !== undefined && !numbers.includes(wanted)) {
    throw new HalflapError(`${pcmName(place)} has no substream ${wanted}`, {
      code: "ERR_HALFLAP_DEVICE_NOT_FOUND",
      hint: `it has ${numbers.length}, counted from 0`,
    });
  }
  const { card, device, direction } = place;
  const info = await folder.readText(`${path}/info`);
  const xrunDebug = await folder.readText(`${path}/xrun_debug`);
  const substreams: SubstreamInspection[] = [];
  for (const substream of wanted === undefined ? numbers : [wanted]) {
    const found = await readSubstream(folder, direction, `${path}/sub${substream}`);
    substreams.push({ substream, ...found });
  }
  return {
    name: pcmName(place),
    card: card.number,
    cardId: card.id,
    device,
    direction,
    info: info === undefined ? undefined : parsePcmInfo(info),
    xrunDebug: xrunDebug === undefined ? undefined : parseXrunDebug(xrunDebug),
    substreams,
  };
}

/** `inspectPcm()` in any folder. */
export async function inspectPcmIn(
  folder: AsoundFolder,
  options: InspectPcmOptions,
): Promise<PcmInspection> {
  const names = [...ADDRESS, "substream"] as const;
  const { substream, ...address } = checkOptions<InspectPcmOptions>("options", options, names);
  const wanted = substream === undefined
    ? undefined
    : checkInteger("substream", substream, 0, MAX_NUMBER);
  return await inspectPlace(folder, await findPcm(folder, address), wanted);
}

/**
 * Looks at a PCM of a sound card from outside, whichever program plays on it: parameters, pointers
 * and how full the ring is, as the kernel shows them in /proc/asound. It disturbs nothing, except
 * that the kernel reads the hardware's pointer, as it does for the program itself, and starts
 * `status.maxAvailFrames` again.
 *
 * What a kernel does not tell is undefined, and lines that halflap does not know are in `unknown`. In
 * Deno this takes `--allow-all`, by which it guards /proc.
 *
 * @example
 * ```ts
 * import { inspectPcm } from "halflap";
 *
 * const { substreams: [first] } = await inspectPcm({ card: 0, device: 0, direction: "playback" });
 * console.log(first?.state, first?.ring?.filledPercent, first?.meanings.stopThreshold);
 * ```
 *
 * @param options Which PCM.
 * @returns What it is and does. A closed substream is no error: its `state` is `closed`.
 * @throws TypeError or RangeError for wrong options, {@linkcode HalflapError} with
 * `ERR_HALFLAP_DEVICE_NOT_FOUND` where there is no such card, device or substream,
 * `ERR_HALFLAP_UNSUPPORTED_KERNEL` where the kernel has no ALSA or does not show it, and
 * `ERR_HALFLAP_PERMISSION_DENIED` where system or runtime forbid to read it.
 */
export async function inspectPcm(options: InspectPcmOptions): Promise<PcmInspection> {
  return await inspectPcmIn(new AsoundFolder(), options);
}
