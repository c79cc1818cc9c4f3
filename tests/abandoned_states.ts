/**
 * What a Worker does that is going to be terminated: states into which it gets streams and cards
 * that it does not close.
 */
import { openVirtualCard } from "../lib/testing/mod.ts";
import {
  attachPlayback,
  listDevices,
  mapped,
  mix,
  openPlayback,
  type Playback,
  type PlaybackQueue,
  type PlaybackToken,
  render,
  tone,
  watchDevices,
} from "../mod.ts";
import { counting, countingSamples, handled, monoSource } from "./harness.ts";

const device = "virtual";
/** Deno's `terminate()` takes effect only when the Worker is back in its event loop. */
const busyMs = 1500;
const queue = { ...counting, device };
const playing = { ...monoSource, device, source: tone({ frequencyHz: 440 }) };
const never = { ...queue, startThreshold: Infinity };

async function play(): Promise<Playback> {
  const out = await openPlayback(playing);
  await out.start();
  return out;
}

async function fill(): Promise<PlaybackQueue<"s32">> {
  const out = await openPlayback(never);
  await out.write(countingSamples(2000));
  return out;
}

/**
 * Ways into the states by their names. Where a way ends the Worker is in the state; one that has no
 * end posts the state's name itself. The token is that of a tone that plays.
 */
export const states: Readonly<Record<string, (token: PlaybackToken) => Promise<unknown>>> = {
  opening: () => {
    handled(openPlayback(playing));
    return Promise.resolve();
  },
  prepared: () => openPlayback(queue),
  running: play,
  "running in plain sight of the event loop": async () => {
    const out = await play();
    out.unref();
    setInterval(() => out.stats(), 1);
  },
  paused: async () => (await play()).pause(),
  writing: async () => {
    const out = await fill();
    handled(out.write(countingSamples(9000)));
  },
  draining: async () => {
    const out = await openPlayback({ ...never, queueFrames: 480_000 });
    await out.write(countingSamples(480_000));
    await out.start();
    handled(out.drain());
  },
  "rendering in place": async () => {
    const source = render<"s32">(({ samples }) => {
      self.postMessage("rendering in place");
      const endMs = performance.now() + busyMs;
      while (performance.now() < endMs) samples.fill(1);
    });
    await openPlayback({ ...monoSource, device, source });
  },
  "waiting for room in a blocking call": async () => {
    const source = mapped();
    const out = await openPlayback({ ...monoSource, device, source, startThreshold: Infinity });
    while (out.waitForRoomSync(1, 0)) out.commit(out.begin(400)?.frames ?? 0);
    self.postMessage("waiting for room in a blocking call");
    out.waitForRoomSync(1, busyMs);
  },
  closing: async () => {
    const out = await play();
    handled(out.close());
  },
  detaching: async () => {
    const out = await play();
    handled(out.detach());
  },
  detached: async () => {
    await (await play()).detach();
  },
  attached: (token) => attachPlayback(token),
  mixing: async () => {
    const source = mix([{ gain: 0.5 }, { source: tone({ frequencyHz: 440 }) }]);
    const { queueFrames: _, ...options } = queue;
    const out = await openPlayback({ ...options, source });
    const [input] = out.inputs;
    handled(input.write(countingSamples(100_000)));
    handled(input.drain());
  },
  "watching devices": () => {
    handled(watchDevices().next());
    handled(listDevices());
    return Promise.resolve();
  },
  "with cards": async () => {
    const simulated = await openVirtualCard();
    const out = await openPlayback({ ...counting, device: simulated.device });
    await out.write(countingSamples(1000));
    await simulated.advance(100);
    const realtime = await openVirtualCard({ clock: "realtime" });
    await openPlayback({ ...playing, device: realtime.device });
    await openVirtualCard();
  },
};
