/**
 * What has changed between two lists of devices.
 *
 * @module
 */

import type { PcmDirection } from "../inspect/pcm_place.ts";
import type { FoundHardware, HardwareDevice } from "./device.ts";

/** A device that came or went. */
export interface DeviceChange {
  /** Whether it came or went. */
  readonly type: "arrival" | "removal";
  /** The device as it is now, or as it was before it went. */
  readonly device: HardwareDevice;
  /**
   * Which directions of it came or went. It is all that the device has, unless the system permits
   * them one after the other.
   */
  readonly directions: readonly PcmDirection[];
}

const NOTHING: FoundHardware["inodes"] = {};

// The directions that only the first of two has, or that are another device in the second.
function without(
  { device, inodes }: FoundHardware,
  other: FoundHardware["inodes"],
): PcmDirection[] {
  return device.directions.filter((direction) => inodes[direction] !== other[direction]);
}

/** The changes from one list to the next, removals first. */
export function changesBetween(
  before: readonly FoundHardware[],
  now: readonly FoundHardware[],
): DeviceChange[] {
  return [
    ...changesOf("removal", before, now),
    ...changesOf("arrival", now, before),
  ];
}

function changesOf(
  type: DeviceChange["type"],
  those: readonly FoundHardware[],
  others: readonly FoundHardware[],
): DeviceChange[] {
  const inodes = new Map(others.map(({ device, inodes }) => [device.device, inodes]));
  return those.flatMap((found) => {
    const directions = without(found, inodes.get(found.device.device) ?? NOTHING);
    if (directions.length === 0) return [];
    return Object.freeze({ type, device: found.device, directions: Object.freeze(directions) });
  });
}
