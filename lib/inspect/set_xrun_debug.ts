/**
 * Sets what the kernel logs of a PCM.
 *
 * @module
 */

import { checkOptions, checkWord } from "../check.ts";
import { HalflapError } from "../errors.ts";
import {
  parseXrunDebug,
  XRUN_DEBUG_FLAGS,
  type XrunDebug,
  type XrunDebugFlag,
  xrunDebugMask,
} from "../procfs/xrun_debug.ts";
import { AsoundFolder } from "./asound_folder.ts";
import { findPcm, type PcmAddress } from "./inspect_pcm.ts";
import { pcmFolder, pcmName, pcmNotFound, type PcmPlace } from "./pcm_place.ts";

/** Options of {@linkcode setXrunDebug}. */
export interface SetXrunDebugOptions extends PcmAddress {
  /** What the kernel is to log; an empty array: nothing. */
  flags: readonly XrunDebugFlag[];
}

const OPTIONS = ["card", "device", "direction", "flags"] as const;

function checkFlags(value: unknown): XrunDebugFlag[] {
  if (!Array.isArray(value)) throw new TypeError(`"flags" must be an array of flags`);
  return value.map((flag) => checkWord("flags", flag, XRUN_DEBUG_FLAGS));
}

async function fileNotFound(folder: AsoundFolder, place: PcmPlace): Promise<HalflapError> {
  if (await folder.list(pcmFolder(place)) === undefined) return await pcmNotFound(folder, place);
  return new HalflapError(`The kernel logs nothing of ${pcmName(place)}: it has no xrun_debug`, {
    code: "ERR_HALFLAP_UNSUPPORTED_KERNEL",
    hint: "it takes one with CONFIG_SND_PCM_XRUN_DEBUG",
  });
}

/** Sets the flags of a PCM that was found; resolves with what the kernel took. */
export async function setXrunDebugAt(
  folder: AsoundFolder,
  place: PcmPlace,
  flags: readonly XrunDebugFlag[],
): Promise<XrunDebug> {
  const file = `${pcmFolder(place)}/xrun_debug`;
  const isWritten = await folder.writeText(file, `${xrunDebugMask(flags)}\n`);
  const text = isWritten ? await folder.readText(file) : undefined;
  if (text === undefined) throw await fileNotFound(folder, place);
  const taken = parseXrunDebug(text);
  if (taken !== undefined) return taken;
  throw new HalflapError(`"${folder.path}/${file}" makes no sense: ${JSON.stringify(text)}`, {
    code: "ERR_HALFLAP_IO",
  });
}

/** `setXrunDebug()` in any folder. */
export async function setXrunDebugIn(
  folder: AsoundFolder,
  options: SetXrunDebugOptions,
): Promise<XrunDebug> {
  const { flags, ...address } = checkOptions<SetXrunDebugOptions>("options", options, OPTIONS);
  const checked = checkFlags(flags);
  return await setXrunDebugAt(folder, await findPcm(folder, address), checked);
}

/**
 * Sets what the kernel writes to its log, which `dmesg` shows, about a PCM of a sound card. It holds
 * for all programs until the card goes away. This takes root, a kernel with
 * CONFIG_SND_PCM_XRUN_DEBUG, and in Deno `--allow-all`.
 *
 * @example
 * ```ts
 * import { setXrunDebug } from "halflap";
 *
 * await setXrunDebug({ card: 0, flags: ["basic", "stack"] });
 * ```
 *
 * @param options Which PCM, and what to log.
 * @returns What the kernel took, read back from it.
 * @throws TypeError or RangeError for wrong options, {@linkcode HalflapError} with
 * `ERR_HALFLAP_DEVICE_NOT_FOUND` where there is no such card or device,
 * `ERR_HALFLAP_UNSUPPORTED_KERNEL` where the kernel cannot log, and
 * `ERR_HALFLAP_PERMISSION_DENIED` where system or runtime forbid to write it.
 */
export async function setXrunDebug(options: SetXrunDebugOptions): Promise<XrunDebug> {
  return await setXrunDebugIn(new AsoundFolder(), options);
}
