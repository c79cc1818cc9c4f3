/** A mix whose inputs are written, ramped, played, stopped, drained and dropped, and run dry. */
import { clip, mix, openPlayback, tone } from "../../mod.ts";
import { access, askEverything, deviceOf, openCard, wakeUps, whileObserved } from "./observed.ts";

const rounds = 5;
const wakeUpsEach = 5;
const frames = 2400;

await using card = await openCard();
const options = { device: deviceOf(card), access, channels: 2, rate: 48_000 } as const;
const samples = Float32Array.from({ length: 2 * frames }, (_, index) => Math.sin(index / 20) / 8);
const queues = Array.from({ length: 20 }, () => ({ queueFrames: frames }));
const source = mix([
  { source: tone({ frequencyHz: 440, amplitude: 0.1 }) },
  { source: clip(samples, { loop: true }) },
  { source: clip(samples), autoplay: false },
  ...queues,
]);
await using out = await openPlayback({ ...options, source });
const [, loop, alarm, ...written] = out.inputs;

await wakeUps([out], 1);
await whileObserved(async () => {
  for (let round = 0; round < rounds; round++) {
    const fadeMs = round % 2 === 0 ? 10 : 0;
    for (const input of out.inputs) {
      input.setGain(round % 2 === 0 ? 0.25 : 1, { rampMs: fadeMs });
      input.stats();
    }
    alarm.play({ fadeMs });
    loop.stop({ fadeMs });
    for (const input of written) input.tryWrite(samples);
    askEverything(card, [out]);
    await wakeUps([out], wakeUpsEach);
    written[0]?.drop();
    await alarm.drain();
    await Promise.all(written.map((input) => input.drain()));
    loop.play();
    await wakeUps([out], wakeUpsEach);
  }
  await out.drain();
});
