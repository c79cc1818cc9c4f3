/**
 * halflap, written to by JavaScript 10 ms at a time, as the packages of npm here are. A fourth
 * argument is the length of the queue.
 *
 * @module
 */

import process from "node:process";
import { openPlayback } from "../../mod.ts";
import { RATE, tellUnderruns } from "./halflap.ts";

const [device, periodFrames, periods, queueFrames] = process.argv.slice(2);
const out = await openPlayback({
  device: device!,
  rate: RATE,
  channels: 2,
  format: "s16",
  periodFrames: Number(periodFrames),
  periods: Number(periods),
  ...(queueFrames === undefined ? {} : { queueFrames: Number(queueFrames) }),
});
tellUnderruns(out);
const samples = new Int16Array(2 * RATE / 100);
while (true) await out.write(samples);
