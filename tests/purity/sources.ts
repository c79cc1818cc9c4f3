/** A tone, a clip and a queue in one group, while gains ramp and JavaScript asks for all it can. */
import { clip, openPlayback, tone } from "../../mod.ts";
import { access, askEverything, deviceOf, openCard, wakeUps, whileObserved } from "./observed.ts";

const wakeUpsAtStart = 1;
const ramps = 5;
const wakeUpsEach = 10;

await using card = await openCard();
const options = { device: deviceOf(card), access, channels: 2, rate: 48_000 } as const;
const samples = Float32Array.from({ length: 2 * 4801 }, (_, index) => Math.sin(index / 20));
await using first = await openPlayback({ ...options, source: tone({ frequencyHz: 440 }) });
await using second = await openPlayback({ ...options, source: clip(samples, { loop: true }) });
await using queue = await openPlayback(options);
const streams = [first, second, queue];

let isWriting = true;
const written = (async () => {
  while (isWriting) await queue.write(samples);
})();
await wakeUps(streams, wakeUpsAtStart);
await whileObserved(async () => {
  for (let ramp = 0; ramp < ramps; ramp++) {
    for (const out of streams) out.setGain(ramp % 2 === 0 ? 0.25 : 1, { rampMs: 30 });
    askEverything(card, streams);
    await wakeUps(streams, wakeUpsEach);
  }
});
isWriting = false;
await written;
