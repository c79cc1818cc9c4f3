/**
 * Devices to play on, as a table for people.
 *
 * @module
 */

import type { DeviceCapabilities, DeviceRange } from "../devices/capabilities.ts";
import type { Device, DeviceDirection, DeviceHolder } from "../devices/device.ts";

interface Row {
  readonly name: string;
  readonly description: string;
  readonly details?: readonly string[];
}

const DEFAULT: Row = {
  name: "default",
  description: "The system's default: its sound server or its first card",
};
const INDENT = "    ";

const rangeText = ({ min, max }: DeviceRange): string =>
  min === max ? `${min}` : `${min} to ${max}`;

function holderText({ pid, name }: DeviceHolder): string {
  return pid === 0 ? "a process that cannot be seen from here" : `${name} (${pid})`;
}

function useText({ freeSubstreams, holders }: DeviceDirection): string {
  if (holders.length === 0) return freeSubstreams > 0 ? "" : "; busy";
  const free = freeSubstreams > 0 ? `, ${freeSubstreams} more free` : "";
  return `; in use by ${holders.map(holderText).join(", ")}${free}`;
}

function capabilityLines(can: DeviceCapabilities): string[] {
  const maps = can.channelMaps.map(({ kind, positions }) => `${positions.join(" ")} (${kind})`);
  const features = [
    can.mmap === "real" ? "real mmap" : can.mmap === "none" ? "no mmap" : "emulated mmap",
    can.batch && "batch",
    can.canPause && "can pause",
    can.canResume && "can resume",
    can.canDisablePeriodWakeup && "can run without period interrupts",
  ];
  return [
    `formats       ${can.alsaFormats.join(" ")}`,
    `rates         ${rangeText(can.rate)} Hz: ${can.usualRates.join(" ")}`,
    `channels      ${rangeText(can.channels)}`,
    ...(maps.length > 0 ? [`channel maps  ${maps.join(", ")}`] : []),
    `period        ${rangeText(can.periodFrames)} frames`,
    `buffer        ${rangeText(can.bufferFrames)} frames, ${rangeText(can.periods)} periods`,
    `access        ${can.access.join(" ")}`,
    `hardware      ${features.filter(Boolean).join(", ")}`,
  ];
}

function detailsOf({ capabilities, probeError }: DeviceDirection): readonly string[] {
  if (capabilities !== undefined) return capabilityLines(capabilities);
  return probeError === undefined ? [] : [probeError.message];
}

function rowOf(device: Device): Row {
  const { device: name, description } = device;
  if (device.kind !== "hardware") return { name, description };
  const { playback } = device;
  return {
    name,
    description: `${description}: the hardware itself${useText(playback!)}`,
    details: detailsOf(playback!),
  };
}

/** The table of those devices that play, with what is known of each. */
export function devicesText(devices: readonly Device[]): string {
  const rows = devices.filter(({ directions }) => directions.includes("playback")).map(rowOf);
  // It can be opened on most systems, although few configurations list it.
  if (!rows.some(({ name }) => name === DEFAULT.name)) rows.unshift(DEFAULT);
  const width = Math.max(...rows.map(({ name }) => name.length));
  return rows.flatMap(({ name, description, details = [] }) => [
    `${name.padEnd(width)}  ${description}`.trimEnd(),
    ...details.map((line) => INDENT + line),
  ]).map((line) => `${line}\n`).join("");
}
