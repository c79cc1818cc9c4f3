/**
 * Devices that can be opened.
 *
 * @module
 */

import type { HalflapError } from "../errors.ts";
import { Device as Field, DeviceKind, Direction, QueryText } from "../ffi/abi.generated.ts";
import type { PcmDirection } from "../inspect/pcm_place.ts";
import { wordOf } from "../native_word.ts";
import type { SoundCard } from "../procfs/cards.ts";
import { capabilitiesFromNative, type DeviceCapabilities } from "./capabilities.ts";
import type { QueryAnswer } from "./query.ts";

/** A process that has a device open. */
export interface DeviceHolder {
  /** Its number; 0 of one that cannot be seen from here, such as one of another container. */
  readonly pid: number;
  /** The program's name; empty where it cannot be seen. */
  readonly name: string;
}

/** One direction of a device of a sound card. */
export interface DeviceDirection {
  /** Streams that can be open at once. */
  readonly substreams: number;
  /** How many more can be opened; 0: the device is busy. */
  readonly freeSubstreams: number;
  /** Who has it open. */
  readonly holders: readonly DeviceHolder[];
  /** What it can do, where it was asked for and the device could be asked. */
  readonly capabilities: DeviceCapabilities | undefined;
  /** Why it could not be asked: with `ERR_HALFLAP_DEVICE_BUSY` because it is busy. */
  readonly probeError: HalflapError | undefined;
}

/** A device of a sound card. */
export interface HardwareDevice {
  /** The hardware itself. */
  readonly kind: "hardware";
  /**
   * What `openPlayback()` takes for `device`: `hw:CARD=id,DEV=n`, which stays the same when cards
   * come and go. With `plughw:` in front instead ALSA converts what the hardware does not take.
   */
  readonly device: string;
  /** What it is, for people. */
  readonly description: string;
  /** Which ways sound goes through it. */
  readonly directions: readonly PcmDirection[];
  /** Its card. */
  readonly card: SoundCard;
  /** Number of the device on the card. */
  readonly deviceNumber: number;
  /** The driver's short name for the device. */
  readonly pcmId: string;
  /** The driver's name for the device. */
  readonly pcmName: string;
  /** Playback; undefined where it only records. */
  readonly playback: DeviceDirection | undefined;
  /** Capture; undefined where it only plays. */
  readonly capture: DeviceDirection | undefined;
}

/** A device by a name: one of ALSA's configuration, or the virtual card. */
export interface NamedDevice {
  /** Whether ALSA's configuration names it, or halflap itself. */
  readonly kind: "configuration" | "virtual";
  /** What `openPlayback()` takes for `device`. */
  readonly device: string;
  /** What it is, for people; empty where the configuration does not tell. */
  readonly description: string;
  /** Which ways sound goes through it. */
  readonly directions: readonly PcmDirection[];
}

/** A device that can be opened. */
export type Device = HardwareDevice | NamedDevice;

/** The virtual card, which is always there. */
export const VIRTUAL_DEVICE: NamedDevice = Object.freeze({
  kind: "virtual",
  device: "virtual",
  description: "A virtual card, which needs no hardware and can be recorded",
  directions: Object.freeze(["playback"] as const),
});

/** A device of a sound card, and the inodes in /dev/snd by which a successor is told from it. */
export interface FoundHardware {
  /** The device. */
  readonly device: HardwareDevice;
  /** Of each direction that it has. */
  readonly inodes: { readonly [Direction in PcmDirection]?: number };
}

const DIRECTIONS: readonly PcmDirection[] = ["playback", "capture"];

type Answers = { [Direction in PcmDirection]?: QueryAnswer };

/** The devices of sound cards among the answers. */
export function hardwareIn(answers: readonly QueryAnswer[]): FoundHardware[] {
  return Array.from(byName(answers, "hardware"), ([device, each]) => {
    const answer = each.playback ?? each.capture!;
    const card = cardOf(answer);
    const pcmName = answer.text(QueryText.pcm_name);
    return {
      device: Object.freeze({
        kind: "hardware",
        device,
        description: `${card.name}, ${pcmName}`,
        directions: directionsOf(each),
        card,
        deviceNumber: answer.record[Field.device]!,
        pcmId: answer.text(QueryText.pcm_id),
        pcmName,
        playback: each.playback && directionOf(each.playback, device),
        capture: each.capture && directionOf(each.capture, device),
      }),
      inodes: Object.fromEntries(
        Object.entries(each).map(([direction, { record }]) => [direction, record[Field.inode]!]),
      ),
    };
  });
}

/** The names of the configuration among the answers. */
export function configurationIn(answers: readonly QueryAnswer[]): NamedDevice[] {
  return Array.from(byName(answers, "configuration"), ([device, each]) => {
    const answer = each.playback ?? each.capture!;
    return Object.freeze({
      kind: "configuration",
      device,
      description: answer.text(QueryText.description).trim().replaceAll(/\s*\n\s*/g, ", "),
      directions: directionsOf(each),
    });
  });
}

function byName(answers: readonly QueryAnswer[], kind: string): Map<string, Answers> {
  const found = new Map<string, Answers>();
  for (const answer of answers) {
    if (wordOf(DeviceKind, answer.record[Field.kind]!) !== kind) continue;
    const name = answer.text(QueryText.name);
    const each = found.get(name) ?? {};
    each[wordOf(Direction, answer.record[Field.direction]!)] = answer;
    found.set(name, each);
  }
  return found;
}

function directionsOf(each: Answers): readonly PcmDirection[] {
  return Object.freeze(DIRECTIONS.filter((direction) => each[direction] !== undefined));
}

function cardOf(answer: QueryAnswer): SoundCard {
  return Object.freeze({
    number: answer.record[Field.card]!,
    id: answer.text(QueryText.card_id),
    driver: answer.text(QueryText.card_driver),
    name: answer.text(QueryText.card_name),
    longName: answer.text(QueryText.card_long_name),
  });
}

function directionOf(answer: QueryAnswer, device: string): DeviceDirection {
  const isProbed = answer.record[Field.probed] === 1;
  return Object.freeze({
    substreams: answer.record[Field.substreams]!,
    freeSubstreams: answer.record[Field.substreams_free]!,
    holders: holdersIn(answer.text(QueryText.holders)),
    capabilities: isProbed ? capabilitiesFromNative(answer) : undefined,
    probeError: answer.probeError(`Cannot probe "${device}": `),
  });
}

// A line each: the process and its name, in which there can be spaces.
function holdersIn(text: string): readonly DeviceHolder[] {
  const lines = text.split("\n").filter((line) => line !== "");
  return Object.freeze(lines.map((line) => {
    const space = line.indexOf(" ");
    return Object.freeze({ pid: Number(line.slice(0, space)), name: line.slice(space + 1) });
  }));
}
