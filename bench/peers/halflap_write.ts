/**
 * halflap, written to by JavaScript 10 ms at a time, as the packages of npm here are.
 *
 * @module
 */

import process from "node:process";
import { openPlayback } from "../../mod.ts";
import { RATE, tellUnderruns } from "./halflap.ts";

const [device, periodFrames, periods] = process.argv.slice(2) as [string, string, string];
const out = await openPlayback({
  device,
  rate: RATE,
  channels: 2,
  format: "s16",
  periodFrames: Number(periodFrames),
  periods: Number(periods),
});
tellUnderruns(out);
const samples = new Int16Array(2 * RATE / 100);
while (true) await out.write(samples);
