/** JavaScript renders periods as there is room, and is rung for by the write thread. */
import { openPlayback, render } from "../../mod.ts";
import { access, deviceOf, openCard, until, wakeUps, whileObserved } from "./observed.ts";

const wakeUpsBefore = 3;
const periods = 64;

await using card = await openCard();
let rendered = 0;
const source = render<"f32">(({ samples }) => {
  samples.fill(0.25);
  rendered++;
});
const options = { device: deviceOf(card), access, channels: 2, rate: 48_000, periods: 8 } as const;
await using out = await openPlayback({ ...options, source });
await wakeUps([out], wakeUpsBefore);
await whileObserved(async () => {
  const end = rendered + periods;
  await until(() => rendered >= end);
});
