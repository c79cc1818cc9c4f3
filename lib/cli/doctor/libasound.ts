/**
 * ALSA's library.
 *
 * @module
 */

import { HalflapError } from "../../errors.ts";
import type { Examination } from "./check.ts";
import { splitHint } from "./hint.ts";

/** ALSA's library. */
export const libasound: Examination = {
  id: "libasound",
  title: "libasound",
  meaning: "ALSA's library opens every device, the virtual card as well.",
  examine(system) {
    try {
      return { status: "ok", found: system.libasoundVersion() };
    } catch (error) {
      if (!(error instanceof HalflapError)) throw error;
      const { message, hint } = splitHint(error);
      const status = error.code === "ERR_HALFLAP_FFI_PERMISSION" ? "unknown" : "problem";
      return { status, found: message, ...(hint === undefined ? {} : { mend: hint }) };
    }
  },
};
