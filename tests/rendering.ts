/** What the tests of zero-copy playback share: programs that render samples that count. */
import assert from "node:assert/strict";
import type { VirtualCard } from "../lib/testing/mod.ts";
import {
  type Playback,
  render,
  type RenderBlock,
  type RenderSource,
  type SampleFormat,
  type SamplesOf,
} from "../mod.ts";
import { handled, withoutZeros } from "./harness.ts";

/** A block as it was when the callback was called. */
export interface SeenBlock {
  readonly position: number;
  readonly frames: number;
  readonly timeMs: number;
  readonly samples: SamplesOf<SampleFormat>;
}

/** Renders samples that count from 1 on, mono, and keeps what it saw. */
export class CountingRenderer {
  readonly blocks: SeenBlock[] = [];
  /** Called at the end of each callback; what it returns, the callback returns. */
  after: (block: RenderBlock<"s32">, call: number) => unknown = () => undefined;

  readonly source: RenderSource<"s32"> = render<"s32">((block) => {
    const { position, frames, timeMs, samples } = block;
    this.blocks.push({ position, frames, timeMs, samples });
    for (let index = 0; index < samples.length; index++) samples[index] = position + index + 1;
    return this.after(block, this.blocks.length);
  });

  /** How often the callback was called. */
  get calls(): number {
    return this.blocks.length;
  }
}

/** Samples of a mono card that are not silence must count up; returns them. */
export function assertCountsUp(card: VirtualCard, substream = 0): number[] {
  const heard = withoutZeros(card.played(substream));
  const back = heard.findIndex((sample, index) => sample <= (heard[index - 1] ?? 0));
  assert.equal(back, -1, `Sample ${heard[back]} follows ${heard[back - 1]}`);
  return heard;
}

/** Every frame accepted was heard once and in order, or is counted as dropped. */
export function assertHeardOrDropped(out: Playback, card: VirtualCard, substream = 0): number {
  const heard = assertCountsUp(card, substream);
  const { framesAccepted, framesPlayed, framesDropped } = out.stats();
  assert.equal(heard.length, framesPlayed, "Frames heard and frames counted as played");
  assert.equal(framesAccepted, framesPlayed + framesDropped, "Frames played and dropped");
  assert.ok((heard.at(-1) ?? 0) <= framesAccepted);
  return framesDropped;
}

/** Every frame accepted was heard, once and in order. */
export function assertAllHeard(out: Playback, card: VirtualCard, substream = 0): void {
  assert.equal(assertHeardOrDropped(out, card, substream), 0, "Frames dropped");
}

/** A program that has done all that it does, and waits for it. */
interface Waiting {
  readonly card: VirtualCard;
  readonly out: Playback;
  /** Resumes the stream, which a pause that came late may have stopped. */
  readonly resume: () => void;
  /** How far the clock goes at a time. */
  readonly stepFrames: number;
}

/** Moves the clock until all that a program waits for has settled. */
export async function settleAll(
  pending: Promise<unknown>,
  { card, out, resume, stepFrames }: Waiting,
): Promise<void> {
  let settled = false;
  const all = handled(pending.finally(() => settled = true));
  for (let step = 0; step < 200 && !settled; step++) {
    if (out.state === "paused") resume();
    await card.advance(stepFrames);
  }
  assert.ok(settled, `Still pending, and the stream is ${out.state}`);
  await all;
}
