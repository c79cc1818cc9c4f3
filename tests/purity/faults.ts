/** A card that misbehaves until it is gone, and a fill that does, beside a stream that plays on. */
import { openPlayback, tone } from "../../mod.ts";
import type { Fault } from "../../lib/testing/mod.ts";
import { access, deviceOf, openCard, until, wakeUps, whileObserved } from "./observed.ts";

const wakeUpsBetween = 3;
const faultySubstream = 1;

await using card = await openCard();
const options = { device: deviceOf(card), access, channels: 2, rate: 48_000 } as const;
const source = tone({ frequencyHz: 440 });
await using endless = await openPlayback({ ...options, source });
await using faulty = await openPlayback({ ...options, source });
const streams = [endless, faulty];
const tooLongMs = (2000 * faulty.granted.bufferFrames) / faulty.granted.rate;

let isLost = false;
faulty.closed.catch(() => isLost = true);

const xruns = () => streams.reduce((sum, out) => sum + out.stats().xruns.count, 0);
// Nothing else is sure to count a stall, or a suspend that was resumed.
const served = () => faulty.stats().wakeUps;
const recoveries = () => faulty.stats().recoveries;

/** Each with the count by which it is seen that it took effect. */
const faults: readonly (readonly [Fault, () => number])[] = [
  [{ kind: "xrun" }, xruns],
  [{ kind: "pointer-jump", frames: 100_000 }, xruns],
  [{ kind: "suspend" }, served],
  [{ kind: "suspend", resume: { again: 2 } }, served],
  [{ kind: "suspend", resume: "unsupported" }, recoveries],
  [{ kind: "suspend", resume: "lies" }, recoveries],
  [{ kind: "stall", ms: tooLongMs }, served],
];

async function suffer(fault: Fault, substream: number, counted: () => number): Promise<void> {
  const before = counted();
  card.injectFault(fault, { substream });
  await until(() => counted() > before);
  await wakeUps(streams, wakeUpsBetween);
}

await wakeUps(streams, wakeUpsBetween);
await whileObserved(async () => {
  for (const [fault, counted] of faults) await suffer(fault, faultySubstream, counted);
  // It befalls the streams of the card together.
  await suffer({ kind: "slow-fill", ms: tooLongMs }, 0, xruns);
  card.injectFault({ kind: "disconnect" }, { substream: faultySubstream });
  await until(() => isLost);
  await wakeUps([endless], wakeUpsBetween);
});
