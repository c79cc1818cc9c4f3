/** The system is suspended, and wakes, while a stream is in one state or another. */
import assert from "node:assert/strict";
import { openPlayback, type PlaybackQueue, tone } from "../../mod.ts";
import { accesses, eventually, handled, sleep, statesOf, test } from "../harness.ts";
import { look } from "./guest.ts";

const sizes = { format: "s16", rate: 48_000, periodFrames: 480, periods: 4 } as const;
const ones = (count: number): Int16Array => new Int16Array(count).fill(1);

/** A card, and how its system is suspended: returns when that is awake again. */
export interface Suspendable {
  readonly card: string;
  readonly device: string;
  readonly channels: number;
  /** Otherwise what is in the ring is lost, and the stream starts again. */
  readonly canResume: boolean;
  readonly suspend: () => void;
}

type Stream = PlaybackQueue<"s16">;

/** Ways into each state in which the system can be suspended; all accept 48000 frames. */
const states: Readonly<Record<string, (out: Stream) => Promise<unknown>>> = {
  prepared: () => Promise.resolve(),
  running: async (out) => {
    handled(out.write(ones(48_000 * out.granted.channels)));
    await sleep(100);
  },
  paused: async (out) => {
    handled(out.write(ones(48_000 * out.granted.channels)));
    await sleep(100);
    await out.pause();
  },
  draining: async (out) => {
    await out.write(ones(48_000 * out.granted.channels));
    handled(out.drain());
    await sleep(100);
  },
};

/** The tests of one card. */
export function testSuspending({ card, device, channels, canResume, suspend }: Suspendable): void {
  const lossFrames = canResume ? 0 : sizes.periodFrames * sizes.periods;
  for (const access of accesses) {
    const where = `on ${card} by ${access}`;
    const options = { ...sizes, channels, access, device } as const;

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
      assert.ok(out.stats().framesDropped <= 3 * lossFrames);
      assert.equal(out.granted.canResume, canResume);
    });

    for (const [state, reach] of Object.entries(states)) {
      test(`a stream that is ${state} knows what is lost by a suspend ${where}`, async () => {
        await using out = await openPlayback({ ...options, queueFrames: 96_000 });
        await reach(out);
        assert.equal(out.state, state);
        suspend();
        await sleep(50);
        if (state === "prepared") await out.write(ones(48_000 * channels));
        if (state === "paused") await out.resume();
        await out.drain();
        const { framesPlayed, framesDropped, xruns } = out.stats();
        assert.equal(framesPlayed + framesDropped, 48_000);
        assert.ok(framesDropped <= lossFrames, `${framesDropped} frames were dropped`);
        assert.equal(xruns.count, 0);
      });
    }
  }
}
