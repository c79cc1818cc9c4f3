/** Streams that are paused, resumed, drained and dropped, with fades and without. */
import { openPlayback, tone } from "../../mod.ts";
import { access, deviceOf, openCard, wakeUps, whileObserved } from "./observed.ts";

const rounds = 3;
const wakeUpsBetween = 3;

await using card = await openCard();
const options = { device: deviceOf(card), access, channels: 2, rate: 48_000 } as const;
await using endless = await openPlayback({ ...options, source: tone({ frequencyHz: 440 }) });
await using queue = await openPlayback(options);
const samples = new Float32Array(2 * 2400).fill(0.5);

async function command(fadeMs: number): Promise<void> {
  await endless.pause({ fadeMs });
  await queue.write(samples);
  await queue.drain();
  await endless.resume({ fadeMs });
  await queue.write(samples);
  await wakeUps([endless], wakeUpsBetween);
  await queue.drop({ fadeMs });
}

await wakeUps([endless], wakeUpsBetween);
await whileObserved(async () => {
  for (let round = 0; round < rounds; round++) {
    await command(5);
    await command(0);
  }
});
