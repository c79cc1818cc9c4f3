/** One stream on the PCM of the first argument, which is expected to misbehave. */
import process from "node:process";
import { openPlayback, tone } from "../../mod.ts";
import { wakeUps, whileObserved } from "./observed.ts";

const wakeUpsBefore = 5;
const wakeUpsObserved = 20;

const device = process.argv[2] ?? "default";
await using out = await openPlayback({ device, rate: 48_000, source: tone({ frequencyHz: 440 }) });
await wakeUps([out], wakeUpsBefore);
await whileObserved(() => wakeUps([out], wakeUpsObserved));
