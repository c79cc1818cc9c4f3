/** A queue that runs dry again and again, beside a stream that plays on. */
import { openPlayback, tone } from "../../mod.ts";
import { access, deviceOf, openCard, until, wakeUps, whileObserved } from "./observed.ts";

const rounds = 5;
const wakeUpsBetween = 3;

await using card = await openCard();
const options = { device: deviceOf(card), access, channels: 2, rate: 48_000 } as const;
await using endless = await openPlayback({ ...options, source: tone({ frequencyHz: 440 }) });
await using queue = await openPlayback(options);
const samples = new Float32Array(2 * 1200).fill(0.5);

async function runDry(): Promise<void> {
  const { count } = queue.stats().xruns;
  await queue.write(samples);
  await until(() => queue.stats().xruns.count > count && queue.state === "prepared");
  await wakeUps([endless], wakeUpsBetween);
}

await wakeUps([endless], wakeUpsBetween);
await whileObserved(async () => {
  for (let round = 0; round < rounds; round++) await runDry();
});
