/** Streams that have nothing to play: neither they nor their thread are woken for it. */
import assert from "node:assert/strict";
import { openVirtualCard, type VirtualCard, type VirtualCardOptions } from "../lib/testing/mod.ts";
import { openPlayback, type Playback, type PlaybackQueue } from "../mod.ts";
import {
  accesses,
  advanceUntil,
  counting,
  countingSamples,
  eventually,
  sleep,
  test,
} from "./harness.ts";

interface Scene {
  readonly out: PlaybackQueue<"s32">;
  /** Waits for a promise, in the card's time. */
  readonly settled: (promise: Promise<void>) => Promise<void>;
}

interface Case {
  readonly name: string;
  readonly card?: VirtualCardOptions;
  readonly prepare: (scene: Scene) => Promise<void>;
  /** The state in which the stream then stays. */
  readonly state: Playback["state"];
}

const givenFrames = 2000;
const give = (out: PlaybackQueue<"s32">, frames = givenFrames) =>
  out.write(countingSamples(frames));

const cases: readonly Case[] = [
  { name: "that was just opened", prepare: () => Promise.resolve(), state: "prepared" },
  { name: "with too little to start", prepare: ({ out }) => give(out, 399), state: "prepared" },
  {
    name: "that is paused",
    prepare: async ({ out }) => {
      await give(out);
      await out.pause();
    },
    state: "paused",
  },
  {
    name: "that is paused without hardware pause",
    card: { canPause: false },
    prepare: async ({ out, settled }) => {
      await give(out);
      await settled(out.pause());
    },
    state: "paused",
  },
  {
    name: "that is faded into a pause",
    prepare: async ({ out, settled }) => {
      await give(out);
      await settled(out.pause({ fadeMs: 5 }));
    },
    state: "paused",
  },
  {
    name: "that has run dry",
    prepare: async ({ out, settled }) => {
      const dry = new Promise<void>((resolve) => {
        out.addEventListener("statechange", () => {
          if (out.state === "prepared" && out.stats().framesPlayed === givenFrames) resolve();
        });
      });
      await give(out);
      await settled(dry);
      assert.equal(out.stats().xruns.producer, 1);
    },
    state: "prepared",
  },
  {
    name: "that was drained",
    prepare: async ({ out, settled }) => {
      await give(out);
      await settled(out.drain());
    },
    state: "prepared",
  },
  {
    name: "that was dropped",
    prepare: async ({ out }) => {
      await give(out);
      await out.drop();
    },
    state: "prepared",
  },
];

const wakeUpsOf = (streams: readonly Playback[]): number[] =>
  streams.map((out) => out.stats().wakeUps);

const wakeUpsOfThread = ([out]: readonly Playback[]): number => out!.stats().group.wakeUps;

async function openIdle(card: VirtualCard, one: Case, streams: AsyncDisposableStack) {
  const idle: Playback[] = [];
  for (const access of [...accesses, accesses[0]]) {
    const out = streams.use(await openPlayback({ ...counting, access, device: card.device }));
    const settled = (promise: Promise<void>) =>
      card.clock === "simulated" ? advanceUntil(card, promise) : promise;
    await one.prepare({ out, settled });
    idle.push(out);
  }
  return idle;
}

for (const one of cases) {
  test(`a stream ${one.name} causes no wake-up in an hour`, async () => {
    await using card = await openVirtualCard(one.card);
    await using streams = new AsyncDisposableStack();
    const idle = await openIdle(card, one, streams);
    // What was begun is over within a buffer.
    await card.advanceMs(100);
    const before = wakeUpsOf(idle);
    await card.advanceMs(3_600_000);
    assert.deepEqual(wakeUpsOf(idle), before);
    for (const out of idle) assert.equal(out.state, one.state);
  });

  test(`a stream ${one.name} causes no wake-up of a thread`, async () => {
    await using card = await openVirtualCard({ ...one.card, clock: "realtime" });
    await using streams = new AsyncDisposableStack();
    const idle = await openIdle(card, one, streams);
    await eventually("Rest", () => idle.every(({ state }) => state === one.state));
    await sleep(50);
    const before = [...wakeUpsOf(idle), wakeUpsOfThread(idle)];
    await sleep(200);
    assert.deepEqual([...wakeUpsOf(idle), wakeUpsOfThread(idle)], before);
  });
}

test("an idle stream is not woken by a neighbour that plays", async () => {
  await using card = await openVirtualCard();
  await using paused = await openPlayback({ ...counting, device: card.device });
  await using prepared = await openPlayback({ ...counting, device: card.device });
  await using playing = await openPlayback({
    ...counting,
    queueFrames: 100_000,
    device: card.device,
  });
  await give(paused);
  await paused.pause();
  await give(playing, 100_000);
  await card.advanceMs(100);
  const before = wakeUpsOf([paused, prepared]);
  await card.advanceMs(1000);
  assert.deepEqual(wakeUpsOf([paused, prepared]), before);
  assert.equal(playing.state, "running");
});

test("a dry stream whose device runs on looks at it once a buffer", async () => {
  for (const xrunPolicy of ["silence", "repeat"] as const) {
    await using card = await openVirtualCard();
    await using out = await openPlayback({ ...counting, xrunPolicy, device: card.device });
    await give(out);
    await card.advanceMs(100);
    const before = out.stats().wakeUps;
    const buffers = 1000;
    await card.advance(buffers * out.granted.bufferFrames);
    const wakeUps = out.stats().wakeUps - before;
    assert.ok(wakeUps <= buffers + 1, `${wakeUps} wake-ups in ${buffers} buffers`);
  }
});
