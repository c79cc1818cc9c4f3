/** A control: the write thread sleeps in the middle of a fill, as a fault of the card makes it. */
import { openPlayback, tone } from "../../mod.ts";
import { openCard, wakeUps, whileObserved } from "./observed.ts";

const wakeUpsBetween = 3;

await using card = await openCard();
const source = tone({ frequencyHz: 440 });
await using out = await openPlayback({ device: card.device, rate: 48_000, source });
await wakeUps([out], wakeUpsBetween);
await whileObserved(async () => {
  card.injectFault({ kind: "preempted-fill", ms: 1 });
  await wakeUps([out], wakeUpsBetween);
});
