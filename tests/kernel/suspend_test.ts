/** The system is suspended to memory, and a clock wakes it. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { openPlayback, type PlaybackQueue, tone } from "../../mod.ts";
import { accesses, eventually, handled, sleep, statesOf, test } from "../harness.ts";
import { loadDriver, look } from "./guest.ts";

await loadDriver("snd-dummy");
await loadDriver("snd-aloop");

const cards = [["hw:Dummy,0", "Dummy"], ["hw:Loopback,0", "Loopback"]] as const;
const sizes = { format: "s16", channels: 1, rate: 48_000, periodFrames: 480, periods: 4 } as const;
const alarm = "/sys/class/rtc/rtc0/wakealarm";
const ones = (frames: number): Int16Array => new Int16Array(frames).fill(1);

/** Returns when the system is awake again. */
function suspend(): void {
  writeFileSync(alarm, "0");
  writeFileSync(alarm, "+5");
  writeFileSync("/sys/power/state", "mem");
}

type Stream = PlaybackQueue<"s16">;

/** Ways into each state in which the system can be suspended; all accept 48000 frames. */
const states: Readonly<Record<string, (out: Stream) => Promise<unknown>>> = {
  prepared: () => Promise.resolve(),
  running: async (out) => {
    handled(out.write(ones(48_000)));
    await sleep(100);
  },
  paused: async (out) => {
    handled(out.write(ones(48_000)));
    await sleep(100);
    await out.pause();
  },
  draining: async (out) => {
    await out.write(ones(48_000));
    handled(out.drain());
    await sleep(100);
  },
};

for (const [device, card] of cards) {
  for (const access of accesses) {
    const where = `on ${card} by ${access}`;
    const options = { ...sizes, access, device } as const;

    test(`a stream goes on after each of three suspends ${where}`, async () => {
      await using out = await openPlayback({ ...options, source: tone({ frequencyHz: 440 }) });
      await eventually("The sound", () => out.state === "running");
      const told = statesOf(out);
      for (let round = 1; round <= 3; round++) {
        await sleep(200);
        const { framesPlayed } = out.stats();
        suspend();
        await eventually("The sound", () => out.stats().framesPlayed > framesPlayed + 9600);
        assert.equal(out.stats().recoveries, round);
        assert.equal(out.state, "running");
      }
      assert.equal((await look(card)).state, "running");
      assert.ok(told.length % 2 === 0 && told.at(-1) !== "suspended", told.join());
      assert.equal(out.stats().xruns.count, 0);
      assert.equal(out.stats().framesDropped, 0);
    });

    for (const [state, reach] of Object.entries(states)) {
      test(`a stream that is ${state} loses nothing by a suspend ${where}`, async () => {
        await using out = await openPlayback({ ...options, queueFrames: 96_000 });
        await reach(out);
        assert.equal(out.state, state);
        suspend();
        await sleep(50);
        if (state === "prepared") await out.write(ones(48_000));
        if (state === "paused") await out.resume();
        await out.drain();
        const { framesPlayed, framesDropped, xruns } = out.stats();
        assert.deepEqual([framesPlayed, framesDropped, xruns.count], [48_000, 0, 0]);
      });
    }
  }
}
