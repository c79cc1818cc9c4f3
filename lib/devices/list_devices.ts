/**
 * Lists devices.
 *
 * @module
 */

import { checkBoolean, checkOptions, checkSignal } from "../check.ts";
import {
  configurationIn,
  type Device,
  type FoundHardware,
  hardwareIn,
  VIRTUAL_DEVICE,
} from "./device.ts";
import { query } from "./query.ts";

/** Options of {@linkcode listDevices}. */
export interface ListDevicesOptions {
  /**
   * Whether to ask the hardware what it can do. That opens each device that is free for a moment,
   * sets nothing, and leaves alone those that are busy. The default is false.
   */
  probe?: boolean;
  /** Aborting it rejects with its reason. */
  signal?: AbortSignal;
}

const OPTIONS = ["probe", "signal"] as const;
const DOING = "Cannot list devices: ";

/**
 * Lists the devices that this process may open: those of sound cards, the names of ALSA's
 * configuration, and the virtual card. Sound cards are asked by their control devices, so no
 * stream notices. No device of the configuration is opened, since that can start a sound server:
 * {@linkcode probeDevice} does, for one that the program chose.
 *
 * In Deno it takes `--allow-ffi` for the path of the library, and nothing else.
 *
 * @example
 * ```ts
 * import { listDevices } from "halflap";
 *
 * for (const device of await listDevices({ probe: true })) {
 *   if (device.kind !== "hardware" || device.playback === undefined) continue;
 *   console.log(device.device, device.description, device.playback.capabilities?.usualRates);
 * }
 * ```
 *
 * @param options Whether to probe.
 * @returns The devices: hardware first, then the configuration's, then the virtual card.
 * @throws TypeError for a wrong option; {@linkcode HalflapError} if the engine or ALSA's library cannot
 *   be loaded.
 */
export async function listDevices(options?: ListDevicesOptions): Promise<Device[]> {
  const { probe = false, signal } = checkOptions<ListDevicesOptions>(
    "the options of listDevices()",
    options,
    OPTIONS,
  );
  const isProbing = checkBoolean("probe", probe);
  return await query({
    doing: DOING,
    begin: ({ native, handle }) => native.halflap_query_devices(handle, 1, isProbing ? 1 : 0),
    read: (answers) => [
      ...hardwareIn(answers).map(({ device }) => device),
      ...configurationIn(answers),
      VIRTUAL_DEVICE,
    ],
    signal: checkSignal(signal),
  });
}

/** Lists the devices of sound cards. */
export async function listHardware(signal: AbortSignal): Promise<FoundHardware[]> {
  return await query({
    doing: DOING,
    begin: ({ native, handle }) => native.halflap_query_devices(handle, 0, 0),
    read: hardwareIn,
    signal,
  });
}
