/** A Worker that gets into a state and says so; it is there to be terminated. */
import type { PlaybackToken } from "../mod.ts";
import { states } from "./abandoned_states.ts";

interface Order {
  readonly state: string;
  readonly token: PlaybackToken;
}

self.addEventListener("message", async ({ data }: MessageEvent<Order>) => {
  await states[data.state]!(data.token);
  self.postMessage(data.state);
});
