/** A Worker that plays a second of simulated sound, closes everything, and says what was played. */
import { openVirtualCard } from "../lib/testing/mod.ts";
import { openPlayback } from "../mod.ts";
import { counting, countingSamples } from "./harness.ts";

async function play(): Promise<number> {
  await using card = await openVirtualCard();
  await using out = await openPlayback({ ...counting, device: card.device });
  const drained = out.write(countingSamples(48_000)).then(() => out.drain());
  await card.advance(50_000);
  await drained;
  return out.stats().framesPlayed;
}

const framesPlayed = await play();
self.postMessage(framesPlayed);
