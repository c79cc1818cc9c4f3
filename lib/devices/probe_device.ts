/**
 * Asks a device what it can do.
 *
 * @module
 */

import { checkOptions, checkSignal, checkText, checkWord } from "../check.ts";
import { Direction } from "../ffi/abi.generated.ts";
import type { PcmDirection } from "../inspect/pcm_place.ts";
import { MAX_DEVICE_BYTES } from "../options.ts";
import { capabilitiesFromNative, type DeviceCapabilities } from "./capabilities.ts";
import { query } from "./query.ts";

/** Options of {@linkcode probeDevice}. */
export interface ProbeDeviceOptions {
  /** Which way sound is to go. The default is `playback`. */
  direction?: PcmDirection;
  /** Aborting it rejects with its reason. */
  signal?: AbortSignal;
}

const OPTIONS = ["direction", "signal"] as const;

/**
 * Asks a device what it can do. It is opened for a moment, and nothing is set, so that streams on
 * other substreams of it go on undisturbed; another program that opens the last substream in that
 * moment finds it busy. Opening a device of a sound server can start that server.
 *
 * @example
 * ```ts
 * import { probeDevice } from "halflap";
 *
 * const { rate, formats, channelMaps } = await probeDevice("default");
 * console.log(rate.max, formats, channelMaps.map(({ positions }) => positions.join(" ")));
 * ```
 *
 * @param device What `openPlayback()` takes for `device`.
 * @param options The direction.
 * @returns What the device can do.
 * @throws TypeError or RangeError for a wrong argument; {@linkcode HalflapError} if the device cannot be
 *   opened, with `ERR_HALFLAP_DEVICE_BUSY` and who holds it where it is in use.
 */
export async function probeDevice(
  device: string,
  options?: ProbeDeviceOptions,
): Promise<DeviceCapabilities> {
  const name = new TextEncoder().encode(checkText("device", device, MAX_DEVICE_BYTES));
  const { direction = "playback", signal } = checkOptions<ProbeDeviceOptions>(
    "the options of probeDevice()",
    options,
    OPTIONS,
  );
  const way = Direction[checkWord("direction", direction, ["playback", "capture"])];
  return await query({
    doing: `Cannot probe "${device}": `,
    begin: ({ native, handle }) =>
      native.halflap_query_capabilities(handle, way, name, name.byteLength),
    read: ([answer]) => capabilitiesFromNative(answer!),
    signal: checkSignal(signal),
  });
}
