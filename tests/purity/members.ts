/** Streams that are opened and closed again beside one that plays on, in its group. */
import { openPlayback, tone } from "../../mod.ts";
import { access, deviceOf, openCard, wakeUps, whileObserved } from "./observed.ts";

const rounds = 5;
const wakeUpsBetween = 3;

await using card = await openCard();
const source = tone({ frequencyHz: 440 });
const options = { device: deviceOf(card), access, channels: 2, rate: 48_000, source } as const;
await using endless = await openPlayback(options);

async function join(): Promise<void> {
  await using first = await openPlayback(options);
  await using second = await openPlayback(options);
  await wakeUps([endless, first, second], wakeUpsBetween);
}

await wakeUps([endless], 1);
await whileObserved(async () => {
  for (let round = 0; round < rounds; round++) await join();
  await wakeUps([endless], wakeUpsBetween);
});
