/**
 * `devices`: the device files below /dev/snd.
 *
 * @module
 */

import { splitLines, type UnknownLines } from "./field_reader.ts";

/** A device file below /dev/snd. */
export interface SoundDevice {
  /** Its minor number. */
  readonly minor: number;
  /** Number of its card; undefined if it belongs to none. */
  readonly card: number | undefined;
  /** Number of the device on the card; undefined if it is the card's only one of its kind. */
  readonly device: number | undefined;
  /** What it is, in the kernel's words, as in `digital audio playback`, `control` or `timer`. */
  readonly kind: string;
}

/** The device files below /dev/snd. */
export interface SoundDeviceList extends UnknownLines {
  /** The device files. */
  readonly devices: readonly SoundDevice[];
}

// "  2: [ 0- 0]: digital audio playback", "  4: [ 0]   : control" or " 33:        : timer"
const DEVICE_LINE = /^\s*(\d{1,9}):(?: \[\s*(\d{1,9})(?:-\s*(\d{1,9}))?\])?\s*: (.+)$/;

const toNumber = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : Number(text);

/** Parses the file. */
export function parseDevices(text: string): SoundDeviceList {
  const devices: SoundDevice[] = [];
  const unknown: string[] = [];
  const { whole, cut } = splitLines(text);
  for (const line of whole) {
    const [, minor, card, device, kind] = DEVICE_LINE.exec(line) ?? [];
    if (minor === undefined) unknown.push(line);
    else {
      const numbers = { minor: Number(minor), card: toNumber(card), device: toNumber(device) };
      devices.push({ ...numbers, kind: kind! });
    }
  }
  return { devices, unknown: [...unknown, ...cut] };
}
