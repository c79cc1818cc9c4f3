/**
 * A Worker that attaches streams, does what it is told with the one it has, and gives it away again.
 * Each order is answered by what it results in.
 */
import {
  attachPlayback,
  type Playback,
  type PlaybackQueue,
  type PlaybackRender,
  type PlaybackToken,
} from "../mod.ts";
import { countingSamples } from "./harness.ts";

/** What the Worker can be told to do. */
export type Order =
  | { readonly kind: "attach"; readonly token: string }
  | { readonly kind: "render"; readonly token: string }
  | { readonly kind: "write"; readonly count: number; readonly first: number }
  | { readonly kind: "answer" }
  | { readonly kind: "detach" }
  | { readonly kind: "close" };

let out: Playback | undefined;

async function obey(order: Order): Promise<unknown> {
  switch (order.kind) {
    case "attach":
      out = await attachPlayback(order.token as PlaybackToken);
      return out.state;
    case "render":
      out = await attachPlayback(order.token as PlaybackToken<PlaybackRender<"s32">>, {
        render: ({ samples, position }) => {
          for (let index = 0; index < samples.length; index++) {
            samples[index] = position + index + 1;
          }
        },
      });
      return out.state;
    case "write":
      return await (out as PlaybackQueue<"s32">).write(countingSamples(order.count, order.first));
    case "answer":
      return undefined;
    case "detach":
      return await out?.detach();
    case "close":
      return await out?.close();
  }
}

self.addEventListener("message", async ({ data }: MessageEvent<Order>) => {
  try {
    self.postMessage({ result: await obey(data) });
  } catch (error) {
    self.postMessage({ code: (error as { code?: unknown }).code ?? String(error) });
  }
});
