/** What the tests in the machine share: its sound card, and the recording of what that played. */
import assert from "node:assert/strict";
import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import type { PlaybackStats } from "../../mod.ts";
import { countingSamples } from "../harness.ts";
import { finish, runOrFail, signal, start } from "../programs.ts";

function recordingFile(): string {
  const file = process.env.HALFLAP_RECORDING;
  if (file !== undefined) return file;
  throw new Error("These tests need a machine of their own: npm run test:hardware");
}
const recording = recordingFile();

/** The folder of the host's. */
export const outFolder: string = path.dirname(recording);

/** The card, as ALSA and the kernel call it. */
export const card = "Intel";
export const device = "hw:CARD=Intel,DEV=0";

/** How the card plays what is recorded; QEMU converts other rates. */
export const stereo: {
  readonly device: string;
  readonly format: "s16";
  readonly channels: 2;
  readonly rate: 48_000;
} = { device, format: "s16", channels: 2, rate: 48_000 };

/**
 * A queue, and a ring, that last while V8 collects garbage: on the emulated processor that can take a
 * third of a second.
 */
export const ampleQueue = { queueFrames: 48_000 } as const;
export const ampleRing = { periodFrames: 8192, periods: 4 } as const;

/**
 * The codec has a buffer behind the ring, 8192 bytes, kept half full. It takes from the ring ahead of
 * time, does not tell, and forgets what is in it whenever it is stopped.
 */
export const codecFrames = 2048;

/** Silence behind which nothing of a sound is left in the codec. */
export const tail: Int16Array = new Int16Array(2 * codecFrames);

/** Bytes of the file in front of the samples. */
const headerBytes = 44;

/** QEMU writes in blocks of 4096 bytes: silence takes what was played with it into the file. */
async function flush(): Promise<void> {
  const options = ["-q", "-D", device, "-f", "S16_LE", "-c", "2", "-r", "48000", "-s", "9600"];
  await runOrFail("aplay", [...options, "/dev/zero"]);
}

/**
 * Does something with files of the host's. A machine that sleeps while it waits for them oversleeps:
 * its clock leaps from timer to timer meanwhile.
 */
async function stayAwake<T>(action: () => T): Promise<T> {
  const child = start("sh", ["-c", "while :; do :; done"]);
  const ended = finish(child);
  try {
    return action();
  } finally {
    signal(child, "SIGKILL");
    await ended;
  }
}

function readRecording(first: number): ArrayBuffer {
  const file = openSync(recording, "r");
  try {
    const bytes = new Uint8Array(fstatSync(file).size - first);
    assert.equal(readSync(file, bytes, 0, bytes.length, first), bytes.length);
    return bytes.buffer;
  } finally {
    closeSync(file);
  }
}

/**
 * What the card played while something was done, silence around it included. Both samples of a frame
 * are one number.
 */
export async function record(action: () => Promise<void>): Promise<Int32Array> {
  await flush();
  const size = await stayAwake(() => statSync(recording).size);
  await action();
  await flush();
  const bytes = await stayAwake(() => readRecording(Math.max(size, headerBytes)));
  assert.equal(bytes.byteLength % 4, 0, "The recording ends within a frame");
  return new Int32Array(bytes);
}

/** No xrun, or what is known of those that there were. */
export function assertNoXruns({ xruns }: PlaybackStats): void {
  assert.equal(xruns.count, 0, JSON.stringify(xruns.recent, undefined, 2));
}

/** The samples of such frames. */
export const samplesOf = (frames: Int32Array): Int16Array =>
  new Int16Array(frames.buffer, frames.byteOffset, 2 * frames.length);

/** Frames that tell their number; none is silent. */
export const countingFrames = (count: number, first = 1): Int16Array =>
  samplesOf(countingSamples(count, first));

/** A part of a recording in which each frame is the one before plus one, or in which all is silent. */
export interface Run {
  /** 0 in silence. */
  readonly first: number;
  readonly frames: number;
}

/** A recording of counting frames by what is heard in it, without the silence around. */
export function runsOf(frames: Int32Array): Run[] {
  const runs: Run[] = [];
  for (let start = 0; start < frames.length; start += runs.at(-1)!.frames) {
    const first = frames[start]!;
    const step = first === 0 ? 0 : 1;
    let end = start + 1;
    while (end < frames.length && frames[end] === frames[end - 1]! + step) end++;
    runs.push({ first, frames: end - start });
  }
  if (runs[0]?.first === 0) runs.shift();
  if (runs.at(-1)?.first === 0) runs.pop();
  return runs;
}
