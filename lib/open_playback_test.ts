import assert from "node:assert/strict";
import { test } from "node:test";
import type { SampleFormat } from "./format.ts";
import { openPlayback } from "./open_playback.ts";
import type { PlaybackOptions } from "./options.ts";
import { Playback } from "./playback.ts";
import { PlaybackQueue } from "./playback_queue.ts";
import { silence } from "./source.ts";

test("wrong options are rejected, not thrown, and before anything is opened", async () => {
  await assert.rejects(openPlayback({ rate: 1 }), RangeError);
  await assert.rejects(openPlayback({ device: 1 as unknown as string }), TypeError);
  await assert.rejects(openPlayback(null as unknown as PlaybackOptions), TypeError);
});

test("streams cannot be made by their constructors", () => {
  for (const Stream of [Playback, PlaybackQueue]) {
    assert.throws(() => new Stream({}, 1), { name: "TypeError", message: /openPlayback\(\)/ });
  }
});

/** Never called: it only has to compile. */
export async function typesOfStreams(
  formats: { given: SampleFormat },
  options: PlaybackOptions<"s16">,
): Promise<void> {
  const byDefault = await openPlayback();
  await byDefault.write(new Float32Array(2));
  byDefault.granted.format satisfies "f32";

  const s16 = await openPlayback({ format: "s16" });
  await s16.write(new Int16Array(2));
  s16.tryWrite(new Int16Array(2));
  // @ts-expect-error: the array of another format
  await s16.write(new Float32Array(2));

  const any = await openPlayback({ format: formats.given });
  await any.write(new Uint8Array(2));
  s16 satisfies PlaybackQueue satisfies Playback;

  const source = await openPlayback({ source: silence(), format: "s16" });
  // @ts-expect-error: nobody writes to a native source
  await source.write(new Int16Array(2));
  // @ts-expect-error: nor is there a queue
  await openPlayback({ source: silence(), queueFrames: 1000 });
  // @ts-expect-error: an unknown option
  await openPlayback({ sampleRate: 48_000 });

  const either = await openPlayback(options);
  // @ts-expect-error: it can be fed by a source
  either.tryWrite(new Int16Array(2));
  if (either instanceof PlaybackQueue) either.tryWrite(new Int16Array(2));

  s16.addEventListener("statechange", ({ state }) => state satisfies string);
  s16.addEventListener("xrun", { handleEvent: ({ cause }) => cause satisfies string });
  s16.addEventListener("custom", (event: Event) => event.type);
}
