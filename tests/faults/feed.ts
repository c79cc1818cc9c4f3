/** Streams of which every frame is known, by what feeds them. */
import { openVirtualCard, type VirtualCard } from "../../lib/testing/mod.ts";
import { clip, type CommonPlaybackOptions, openPlayback, type Playback, tone } from "../../mod.ts";
import { countingSamples } from "../harness.ts";

/** Written ahead into the queue; a clip; a tone. */
export const feeds = ["queue", "clip", "tone"] as const;
export type Feed = typeof feeds[number];

const toneSource = tone({ frequencyHz: 997, amplitude: 0.9 });
const toneTolerance = 2 ** 31 * 2 ** -20;

let toneFrames: Int32Array = new Int32Array();

/** The first frames of the tone at 48 kHz, as an undisturbed card plays them. */
async function toneOf(frames: number): Promise<Int32Array> {
  if (toneFrames.length < frames) {
    await using card = await openVirtualCard();
    const sizes = { format: "s32", channels: 1, rate: 48_000 } as const;
    await using _out = await openPlayback({ ...sizes, source: toneSource, device: card.device });
    await card.advance(frames);
    toneFrames = card.played() as Int32Array;
  }
  return toneFrames.subarray(0, frames);
}

export interface FedStream {
  readonly out: Playback;
  /** What it is to play, from its first frame on. */
  readonly given: Int32Array;
  /** By how much a frame may differ: a tone is made anew for each fill, as exact as a float is. */
  readonly tolerance: number;
}

/** Opens a mono stream of s32 that plays that many frames, and starts. */
export async function openFed(
  card: VirtualCard,
  feed: Feed,
  frames: number,
  options: Omit<CommonPlaybackOptions<"s32">, "format" | "channels">,
): Promise<FedStream> {
  const common = { ...options, format: "s32", channels: 1, device: card.device } as const;
  if (feed === "tone") {
    const out = await openPlayback({ ...common, source: toneSource });
    return { out, given: await toneOf(frames), tolerance: toneTolerance };
  }
  const given = countingSamples(frames);
  if (feed === "clip") {
    const out = await openPlayback({ ...common, source: clip(given) });
    return { out, given, tolerance: 0 };
  }
  const out = await openPlayback({ ...common, queueFrames: frames });
  await out.write(given);
  return { out, given, tolerance: 0 };
}
