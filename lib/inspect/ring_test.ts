import assert from "node:assert/strict";
import { test } from "node:test";
import { linux61, linux612, sample } from "../../tests/asound_samples.ts";
import { parseHwParams } from "../procfs/hw_params.ts";
import { parsePcmStatus } from "../procfs/pcm_status.ts";
import type { PcmDirection } from "./pcm_place.ts";
import { computeRing, type PcmRing } from "./ring.ts";

function ringOf(kernel: string, folder: string, direction: PcmDirection, status?: string): PcmRing {
  const hwParams = parseHwParams(sample(kernel, `${folder}/hw_params`));
  const parsed = parsePcmStatus(status ?? sample(kernel, `${folder}/status`));
  const ring = hwParams && parsed && computeRing(direction, hwParams, parsed);
  assert.ok(ring !== undefined);
  return ring;
}

test("ring of a playback stream runs dry when all that is in it was played", () => {
  assert.deepEqual(ringOf(linux612, "card0/pcm0p/sub0", "playback"), {
    periodMs: 1024 / 48,
    bufferMs: 4096 / 48,
    periods: 4,
    filledFrames: 2475,
    filledPercent: 2475 / 4096 * 100,
    untilXrunMs: 2475 / 48_000 * 1000,
    delayMs: 2475 / 48_000 * 1000,
  });
});

test("ring of a capture stream runs full when nothing is read", () => {
  const { filledFrames, filledPercent, untilXrunMs } = ringOf(
    ...[linux612, "card0/pcm0c/sub0", "capture"] as const,
  );
  assert.equal(filledFrames, 2400);
  assert.equal(filledPercent, 2400 / 16_384 * 100);
  assert.equal(untilXrunMs, (16_384 - 2400) / 48_000 * 1000);
});

test("ring that an xrun stopped is empty and does not move", () => {
  const { filledFrames, filledPercent, untilXrunMs } = ringOf(
    ...[linux61, "card4/pcm0p/sub0", "playback"] as const,
  );
  assert.deepEqual([filledFrames, filledPercent, untilXrunMs], [-256, 0, undefined]);
});

test("ring that goes on after an underrun tells how long it has been dry", () => {
  const status = "state: RUNNING\navail       : 4576\ndelay       : -480\n";
  const { filledPercent, untilXrunMs, delayMs } = ringOf(
    ...[linux612, "card0/pcm0p/sub0", "playback", status] as const,
  );
  assert.deepEqual([filledPercent, untilXrunMs, delayMs], [0, -10, -10]);
});

test("ring of unknown size is none, and one whose pointers are unknown has no level", () => {
  const status = parsePcmStatus("state: RUNNING\n")!;
  const whole = "rate: 48000 (48000/1)\nperiod_size: 480\nbuffer_size: 960\n";
  for (const line of whole.trimEnd().split("\n")) {
    const hwParams = parseHwParams(whole.replace(line, ""))!;
    assert.equal(computeRing("playback", hwParams, status), undefined, line);
  }
  const ring = computeRing("playback", parseHwParams(whole)!, status);
  assert.deepEqual([ring?.bufferMs, ring?.filledFrames, ring?.filledPercent, ring?.untilXrunMs], [
    ...[20, undefined, undefined, undefined],
  ]);
});
