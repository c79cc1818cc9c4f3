import assert from "node:assert/strict";
import { test } from "node:test";
import { linux612, sample } from "../../tests/asound_samples.ts";
import { parseHwParams } from "../procfs/hw_params.ts";
import { parseSwParams } from "../procfs/sw_params.ts";
import { explainPcm, type PcmMeanings } from "./meanings.ts";
import type { PcmDirection } from "./pcm_place.ts";

const hwText = sample(linux612, "card0/pcm0p/sub0/hw_params");
const swText = sample(linux612, "card0/pcm0p/sub0/sw_params");
const boundary = `${2n ** 62n}`;

/** The meanings for a ring of 4096 frames at 48 kHz in which some fields are others. */
function meaningsOf(
  changes: Readonly<Record<string, string>>,
  direction: PcmDirection = "playback",
): PcmMeanings {
  const text = Object.entries(changes).reduce(
    (before, [name, value]) =>
      before.replace(new RegExp(`^${name}: .*$`, "m"), `${name}: ${value}`),
    swText,
  );
  const hwParams = parseHwParams(hwText);
  return explainPcm({ direction, state: "running", hwParams, swParams: parseSwParams(text) });
}

test("stop threshold says when an xrun stops the stream", () => {
  const stop = (value: string, direction?: PcmDirection): string =>
    meaningsOf({ stop_threshold: value }, direction).stopThreshold!;
  assert.equal(stop(boundary), "never stops at an underrun");
  assert.equal(stop("18446744073709551615"), "never stops at an underrun");
  assert.equal(stop("4096"), "stops at an underrun: as soon as the ring is empty");
  assert.equal(stop("4096", "capture"), "stops at an overrun: as soon as the ring is full");
  assert.equal(stop("4576"), "stops at an underrun only when it is 480 frames (10.0 ms) late");
  assert.match(stop("3616"), /^stops before an underrun, when 480 frames \(10\.0 ms\) are left/);
  assert.match(stop("3616", "capture"), /^stops before an overrun, when 480 frames .* are free/);
});

test("start threshold says when the stream starts by itself", () => {
  const start = (value: string, direction?: PcmDirection): string =>
    meaningsOf({ start_threshold: value }, direction).startThreshold!;
  assert.match(start(boundary), /^never starts by itself/);
  assert.match(start("4097"), /^never starts by itself/);
  assert.equal(start("4096"), "starts when 4096 frames (85.3 ms) are in the ring");
  assert.equal(start("1"), "starts at the first frame written");
  assert.equal(start("1", "capture"), "starts when it is first read");
  assert.match(start("480", "capture"), /^starts when 480 frames \(10\.0 ms\) are asked for/);
});

test("silence says what is heard of a dry ring", () => {
  const silence = (threshold: string, size: string, direction?: PcmDirection): string =>
    meaningsOf({ silence_threshold: threshold, silence_size: size }, direction).silence!;
  assert.match(silence("0", boundary), /a dry ring is silent$/);
  assert.match(silence("0", "0"), /plays its old sound again$/);
  assert.match(silence("480", "240"), /^up to 240 frames .* when fewer than 480 frames/);
  assert.equal(silence("0", "0", "capture"), "of no use for capture");
});

test("avail_min says when the program is woken", () => {
  assert.match(meaningsOf({}).availMin!, /woken when 1024 frames \(21\.3 ms\) are free$/);
  assert.match(meaningsOf({}, "capture").availMin!, /are captured$/);
  assert.match(meaningsOf({ avail_min: "4097" }).availMin!, /^the program is never woken/);
});

test("what is not known has no meaning", () => {
  const none = { hwParams: undefined, swParams: undefined };
  assert.deepEqual(explainPcm({ direction: "playback", state: undefined, ...none }), {});
  assert.deepEqual(explainPcm({ direction: "playback", state: "closed", ...none }), {
    state: "no program has it open",
  });
  const hwParams = parseHwParams("access: constructor\n");
  const strange = {
    direction: "capture",
    state: "running",
    hwParams,
    swParams: undefined,
  } as const;
  assert.deepEqual(Object.keys(explainPcm(strange)), ["state"]);
});
