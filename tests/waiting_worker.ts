/**
 * A Worker that renders by a loop that waits without the event loop, and marks in the log of its
 * garbage collector where that begins and ends. The message that starts it says whether the loop
 * makes garbage.
 */
import { mapped, openPlayback } from "../mod.ts";
import { beginMeasuring, endMeasuring } from "./collector_marks.ts";

const periodFrames = 64;

async function run(allocates: boolean, periods: number): Promise<number> {
  const sizes = { rate: 768_000, channels: 1, periodFrames, periods: 16 };
  await using out = await openPlayback({ ...sizes, device: "virtual", source: mapped() });
  const kept: number[][] = [];
  const renderPeriod = (index: number, share: number): number => {
    if (!out.waitForRoomSync(periodFrames, 10_000)) throw new Error("There was no room for 10 s");
    const block = out.begin(periodFrames);
    // The engine may be moving what was rendered to where the device starts again.
    if (block === undefined) return 0;
    if (allocates) kept[index % 16] = new Array<number>(1000).fill(index);
    out.samples.fill(0.25, block.offset, block.offset + block.frames);
    return out.commit(share * block.frames);
  };
  const play = (frames: number): void => {
    for (let done = 0, index = 0; done < frames; index++) done += renderPeriod(index, 1);
  };
  // Compilers make garbage of their own: their work is done before.
  for (let index = 0; index < 200_000; index++) renderPeriod(index, 0);
  play(periods * periodFrames);
  const before = out.stats().framesAccepted;
  beginMeasuring();
  play(periods * periodFrames);
  endMeasuring();
  return (out.stats().framesAccepted - before) / periodFrames;
}

self.addEventListener("message", async (event) => {
  const { allocates, periods } = (event as MessageEvent).data;
  self.postMessage(await run(allocates, periods));
});
