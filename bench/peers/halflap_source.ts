/**
 * halflap with a native source.
 *
 * @module
 */

import process from "node:process";
import { clip, openPlayback } from "../../mod.ts";
import { RATE, tellUnderruns } from "./halflap.ts";

const [device, periodFrames, periods] = process.argv.slice(2) as [string, string, string];
const out = await openPlayback({
  device,
  rate: RATE,
  channels: 2,
  format: "s16",
  periodFrames: Number(periodFrames),
  periods: Number(periods),
  source: clip(new Int16Array(2 * RATE), { loop: true }),
});
tellUnderruns(out);
