/** A tone, a clip and a queue that are started, the first time while the observer watches. */
import { clip, openPlayback, tone } from "../../mod.ts";
import { access, deviceOf, openCard, until, whileObserved } from "./observed.ts";

const rounds = 3;
const wakeUpsAfter = 5;

await using card = await openCard();
const common = { device: deviceOf(card), access, channels: 2, rate: 48_000 } as const;
const options = { ...common, startThreshold: Infinity } as const;
const samples = Float32Array.from({ length: 2 * 4800 }, (_, index) => Math.sin(index / 20));
await using first = await openPlayback({ ...options, source: tone({ frequencyHz: 440 }) });
await using second = await openPlayback({ ...options, source: clip(samples, { loop: true }) });
await using queue = await openPlayback({ ...options, queueFrames: 48_000 });
const streams = [first, second, queue];

/** Until each was served so often, or had an xrun: behind that it does not start by itself. */
async function start(): Promise<void> {
  await queue.write(samples);
  const ends = streams.map((out) => ({ out, wakeUps: out.stats().wakeUps + wakeUpsAfter }));
  await Promise.all(streams.map((out) => out.start()));
  await until(() =>
    ends.every(({ out, wakeUps }) => out.state === "prepared" || out.stats().wakeUps >= wakeUps)
  );
  await Promise.all(streams.map((out) => out.drop()));
}

await whileObserved(async () => {
  for (let round = 0; round < rounds; round++) await start();
});
