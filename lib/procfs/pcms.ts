/**
 * `pcm`: the PCM devices of all cards.
 *
 * @module
 */

import { splitLines, type UnknownLines } from "./field_reader.ts";

/** A PCM device, which can play, capture, or both. */
export interface PcmDevice {
  /** Number of the card. */
  readonly card: number;
  /** Number of the device on the card. */
  readonly device: number;
  /** The driver's short name for it. */
  readonly id: string;
  /** Its name for people. */
  readonly name: string;
  /** How many programs can play on it at a time. */
  readonly playbackSubstreams: number;
  /** How many programs can capture from it at a time. */
  readonly captureSubstreams: number;
}

/** The PCM devices of all cards. */
export interface PcmDeviceList extends UnknownLines {
  /** The devices. */
  readonly pcms: readonly PcmDevice[];
}

// "00-03: HDMI 0 : HDMI 0 : playback 1 : capture 1"
const PCM_LINE =
  /^(\d{1,9})-(\d{1,9}): (.*?) : (.*?)(?: : playback (\d{1,9}))?(?: : capture (\d{1,9}))?$/;

/** Parses the file. */
export function parsePcms(text: string): PcmDeviceList {
  const pcms: PcmDevice[] = [];
  const unknown: string[] = [];
  const { whole, cut } = splitLines(text);
  for (const line of whole) {
    const [, card, device, id, name, playback = 0, capture = 0] = PCM_LINE.exec(line) ?? [];
    if (card === undefined) unknown.push(line);
    else {
      pcms.push({
        card: Number(card),
        device: Number(device),
        id: id!,
        name: name!,
        playbackSubstreams: Number(playback),
        captureSubstreams: Number(capture),
      });
    }
  }
  return { pcms, unknown: [...unknown, ...cut] };
}
