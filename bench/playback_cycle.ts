/**
 * The short life of a stream: opened, played until its first frame was heard, closed.
 *
 * @module
 */

import { setTimeout } from "node:timers/promises";
import { openPlayback, type Playback, PlaybackQueue, tone } from "../mod.ts";

/** Where the frames come from: a native source, or JavaScript. */
export type Feed = "tone" | "queue";
/** How they reach the device. */
export type CycleAccess = "write" | "mmap";

/** How long the parts of a cycle took. */
export interface PlaybackCycle {
  /** `openPlayback()` alone. */
  readonly openMs: number;
  /** From the call of `openPlayback()` until the card had consumed the first frame. */
  readonly firstFrameMs: number;
  /** `close()`. */
  readonly closeMs: number;
}

const POLL_MS = 1;

/**
 * When the card had consumed the first frame, on the line of `performance.now()`. The card tells a
 * position and its time at some later wake-up; from there its constant rate leads back.
 */
async function firstFrameAt(out: Playback): Promise<number> {
  while (true) {
    const { contextTime, performanceTime } = out.getOutputTimestamp();
    if (contextTime > 0) return performanceTime - 1000 * contextTime + 1000 / out.granted.rate;
    await setTimeout(POLL_MS);
  }
}

/** Lives through one cycle on a real-time virtual card, with the default buffer. */
export async function playbackCycle(feed: Feed, access: CycleAccess): Promise<PlaybackCycle> {
  const source = feed === "tone" ? { source: tone({ frequencyHz: 440 }) } : {};
  const startMs = performance.now();
  const out = await openPlayback({ device: "virtual", access, ...source });
  const openedMs = performance.now();
  if (out instanceof PlaybackQueue) {
    // A full device buffer starts the stream.
    const { bufferFrames, channels } = out.granted;
    await out.write(new Float32Array(bufferFrames * channels));
  }
  const firstFrameMs = await firstFrameAt(out) - startMs;
  const closingMs = performance.now();
  await out.close();
  return {
    openMs: openedMs - startMs,
    firstFrameMs,
    closeMs: performance.now() - closingMs,
  };
}
