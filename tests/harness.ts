/**
 * What the tests share: a `test()` that fails when the engine still holds something at the end,
 * sample data that uses every bit, and comparisons with what a virtual card played.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import path from "node:path";
import process from "node:process";
import { test as nodeTest } from "node:test";
import { fileURLToPath } from "node:url";
import {
  HalflapError,
  type HalflapErrorCode,
  type Playback,
  type PlaybackState,
  type SampleFormat,
  type SamplesOf,
} from "../mod.ts";
import {
  type EngineCounters,
  engineCounters,
  openVirtualCard,
  type VirtualCard,
  type VirtualCardOptions,
} from "../lib/testing/mod.ts";

export const root: string = path.resolve(fileURLToPath(import.meta.url), "../..");

export const formats = ["u8", "s16", "s24", "s24_3", "s32", "f32", "f64"] as const;
export const accesses = ["mmap", "write"] as const;

const bytesOf: Readonly<Record<SampleFormat, number>> = {
  u8: 1,
  s16: 2,
  s24: 4,
  s24_3: 3,
  s32: 4,
  f32: 4,
  f64: 8,
};

/** A test that takes longer hangs. */
const hangMs = 20_000;
/** Threads end, and waits return, shortly after what they served was closed. */
const leakWaitMs = 3000;
const leakPollMs = 5;
const simulatedStepMs = 20;

export const sleep = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Lets everything run that only waits for its turn in the event loop. */
export async function turns(count = 5): Promise<void> {
  for (let turn = 0; turn < count; turn++) await sleep(0);
}

/** Rejects when a promise does not settle in time, so that a hang names its test. */
export async function within<T>(
  promise: Promise<T>,
  what: string,
  ms: number = hangMs,
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const hang = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not end within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, hang]);
  } finally {
    clearTimeout(timer);
  }
}

type CounterName = keyof EngineCounters;

function heldSince(before: EngineCounters): [CounterName, number][] {
  const now = engineCounters();
  const names = Object.keys(now) as CounterName[];
  return names.map((name): [CounterName, number] => [name, now[name] - before[name]])
    .filter(([, count]) => count !== 0);
}

/** What the engine holds when nothing is open. */
export const nothing: EngineCounters = {
  handles: 0,
  realms: 0,
  streams: 0,
  cards: 0,
  threads: 0,
  descriptors: 0,
  pendingWaits: 0,
  views: 0,
  pcms: 0,
  bytes: 0,
};

/** Waits until the engine holds what it held before, and rejects with the names of what leaked. */
export async function assertNothingLeaks(
  before: EngineCounters = nothing,
  waitMs: number = leakWaitMs,
): Promise<void> {
  const polls = Math.ceil(waitMs / leakPollMs);
  for (let poll = 0; poll < polls && heldSince(before).length > 0; poll++) await sleep(leakPollMs);
  const held = heldSince(before);
  const list = held.map(([name, count]) => `${count} ${name}`).join(", ");
  assert.equal(held.length, 0, `The engine still holds ${list}`);
}

/** What earlier tests of the file leaked; they have failed for it already. */
let leakedBefore = nothing;

/** A `node:test` test at whose end the engine must hold nothing, and which ends within `limitMs`. */
export function test(
  name: string,
  body: () => void | Promise<void>,
  limitMs: number = hangMs,
): void {
  nodeTest(name, { timeout: 2 * limitMs }, async () => {
    const errors: unknown[] = [];
    await within(Promise.resolve().then(body), `Test "${name}"`, limitMs)
      .catch((error: unknown) => errors.push(error));
    await assertNothingLeaks(leakedBefore).catch((error: unknown) => errors.push(error));
    leakedBefore = engineCounters();
    if (errors.length === 1) throw errors[0];
    if (errors.length > 1) throw new AggregateError(errors, errors.map(String).join("\n"));
  });
}

/** Bits that look random and are the same in every run: xorshift32. */
function fillWithNoise(words: Uint32Array, seed: number): void {
  let state = (Math.imul(seed + 1, 0x9e3779b1) | 1) >>> 0;
  for (let index = 0; index < words.length; index++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[index] = state;
  }
}

/** Interprets bytes as samples; there must be whole samples, from an aligned offset on. */
export function samplesFrom(format: SampleFormat, bytes: Uint8Array): SamplesOf<SampleFormat> {
  const { buffer, byteOffset, byteLength } = bytes;
  const length = byteLength / bytesOf[format];
  switch (format) {
    case "u8":
    case "s24_3":
      return bytes;
    case "s16":
      return new Int16Array(buffer, byteOffset, length);
    case "s24":
    case "s32":
      return new Int32Array(buffer, byteOffset, length);
    case "f32":
      return new Float32Array(buffer, byteOffset, length);
    case "f64":
      return new Float64Array(buffer, byteOffset, length);
  }
}

/**
 * Noise in all bits of every sample, NaN and infinities of the floating-point formats among it. The
 * 24 bits of s24 are sign-extended to 32.
 */
export function noise(
  format: SampleFormat,
  frames: number,
  channels: number,
  seed = 1,
): SamplesOf<SampleFormat> {
  const byteLength = frames * channels * bytesOf[format];
  const words = new Uint32Array(Math.ceil(byteLength / 4));
  fillWithNoise(words, seed);
  const samples = samplesFrom(format, new Uint8Array(words.buffer, 0, byteLength));
  return format === "s24" ? samples.map((sample) => sample >> 8) as Int32Array : samples;
}

/** Samples that tell which frame they belong to; none of them is zero before 2^31 samples. */
export const countingSamples = (count: number, first = 1): Int32Array =>
  new Int32Array(count).map((_, index) => first + index);

export const bytesIn = (view: ArrayBufferView): Uint8Array =>
  new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

/** Elements of the typed array that make up a frame. */
export const frameElements = (format: SampleFormat, channels: number): number =>
  format === "s24_3" ? 3 * channels : channels;

/** The frames from `first` to before `end`, without a copy. */
export function framesOf(
  samples: SamplesOf<SampleFormat>,
  format: SampleFormat,
  channels: number,
  first: number,
  end?: number,
): SamplesOf<SampleFormat> {
  const elements = frameElements(format, channels);
  return samples.subarray(first * elements, end === undefined ? undefined : end * elements);
}

/** Compares bit for bit, and names the first byte that differs. */
export function assertSameBits(
  actual: ArrayBufferView,
  expected: ArrayBufferView,
  what = "What was played",
): void {
  const actualBytes = bytesIn(actual);
  const expectedBytes = bytesIn(expected);
  assert.equal(actualBytes.length, expectedBytes.length, `${what} has another length`);
  const differs = expectedBytes.findIndex((byte, index) => actualBytes[index] !== byte);
  assert.equal(differs, -1, `${what} differs at byte ${differs} of ${expectedBytes.length}`);
}

export function assertSilence(
  samples: SamplesOf<SampleFormat>,
  format: SampleFormat,
  what = "The rest",
): void {
  const quiet = format === "u8" ? 128 : 0;
  const loud = samples.findIndex((sample) => sample !== quiet);
  assert.equal(loud, -1, `${what} is not silent at element ${loud}: ${samples[loud]}`);
}

/** What was played must be what was given, and after it at most a period of silence. */
export function assertPlayed(
  played: SamplesOf<SampleFormat>,
  given: SamplesOf<SampleFormat>,
  { format, channels, periodFrames }: {
    readonly format: SampleFormat;
    readonly channels: number;
    readonly periodFrames: number;
  },
): void {
  assertSameBits(played.subarray(0, given.length), given);
  const rest = played.subarray(given.length);
  assertSilence(rest, format);
  const restFrames = rest.length / frameElements(format, channels);
  assert.ok(restFrames <= periodFrames, `${restFrames} frames of silence follow`);
}

/** Frames of mono samples that are not zero. */
export const withoutZeros = (samples: SamplesOf<SampleFormat>): number[] =>
  Array.from(samples).filter((sample) => sample !== 0);

/** Moves a card's simulated time until a promise settles. */
export async function advanceUntil<T>(
  card: VirtualCard,
  promise: Promise<T>,
  limitMs = 30_000,
): Promise<T> {
  let settled = false;
  const settle = () => {
    settled = true;
  };
  promise.then(settle, settle);
  for (let ms = 0; ms < limitMs && !settled; ms += simulatedStepMs) {
    await card.advanceMs(simulatedStepMs);
  }
  await turns();
  assert.ok(settled, `Still pending after ${limitMs} ms of simulated time`);
  return promise;
}

/** Waits in real time until something holds. */
export async function eventually(
  what: string,
  holds: () => boolean,
  limitMs = 20_000,
): Promise<void> {
  for (let ms = 0; ms < limitMs && !holds(); ms += leakPollMs) await sleep(leakPollMs);
  assert.ok(holds(), `${what} did not happen within ${limitMs} ms`);
}

/** Collects the states that a stream's `statechange` events tell. */
export function statesOf(stream: Playback): PlaybackState[] {
  const states: PlaybackState[] = [];
  stream.addEventListener("statechange", (event) => states.push(event.state));
  return states;
}

/** A card of 48 kHz, so that `advance()` knows its rate before any stream is open. */
export const openCard48k = (options?: VirtualCardOptions): Promise<VirtualCard> =>
  openVirtualCard({ rate: { min: 48_000, max: 48_000 }, ...options });

export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a module in a process of its own, under the runtime of this test, for at most `timeoutMs`;
 * then it is killed, and `signal` says so. `openPlayback` and `halflap/testing` are imported.
 */
export function runModule(code: string, timeoutMs: number): Promise<Ended> {
  const imports = [
    `import { openPlayback, tone, clip, silence } from ${JSON.stringify(`${root}/mod.ts`)};`,
    `import * as testing from ${JSON.stringify(`${root}/lib/testing/mod.ts`)};`,
  ];
  const flags = process.versions.bun === undefined ? ["eval", "--ext=ts"] : ["-e"];
  const args = [...flags, [...imports, code].join("\n")];
  const options = { cwd: root, timeout: timeoutMs, killSignal: "SIGKILL" as const };
  return new Promise((resolve) => {
    const child = execFile(process.execPath, args, options, (_, stdout, stderr) => {
      resolve({ code: child.exitCode, signal: child.signalCode, stdout, stderr });
    });
  });
}

/** The options that most tests with a native source share: small sizes. */
export const monoSource = {
  format: "s32",
  channels: 1,
  rate: 48_000,
  periodFrames: 100,
  periods: 4,
} as const;

/** The same for streams that are written to, mostly with samples that count. */
export const counting = {
  format: "s32",
  channels: 1,
  rate: 48_000,
  periodFrames: 100,
  periods: 4,
  queueFrames: 2000,
} as const;

/** Checks the code of a HalflapError, for `assert.rejects` and `assert.throws`. */
export const withCode = (code: HalflapErrorCode) => (error: unknown): true => {
  assert.ok(error instanceof HalflapError, `Not a HalflapError: ${error}`);
  assert.equal(error.code, code, error.message);
  return true;
};

/** A promise whose rejection, when a test fails before it is awaited, hides no other error. */
export function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

/** What a promise has come to so far. */
export interface Watched {
  state: "pending" | "fulfilled" | "rejected";
  error?: unknown;
}

/** Watches a promise without waiting for it. */
export function watch(promise: Promise<unknown>): Watched {
  const watched: Watched = { state: "pending" };
  promise.then(() => {
    watched.state = "fulfilled";
  }, (error: unknown) => {
    watched.state = "rejected";
    watched.error = error;
  });
  return watched;
}

/** Value of the least significant bit of a format whose full scale is 1; 0 for floating point. */
export const lsbOf: Readonly<Record<SampleFormat, number>> = {
  u8: 2 ** -7,
  s16: 2 ** -15,
  s24: 2 ** -23,
  s24_3: 2 ** -23,
  s32: 2 ** -31,
  f32: 0,
  f64: 0,
};

/** Samples as numbers of which full scale is from -1 to 1. */
export function toNumbers(samples: SamplesOf<SampleFormat>, format: SampleFormat): Float64Array {
  if (format === "u8") return Float64Array.from(samples, (sample) => (sample - 128) / 128);
  if (format !== "s24_3") {
    return Float64Array.from(samples, (sample) => sample * (lsbOf[format] || 1));
  }
  const sample = (index: number): number => {
    const [low = 0, middle = 0, high = 0] = samples.subarray(3 * index, 3 * index + 3);
    return ((low << 8 | middle << 16 | high << 24) >> 8) * lsbOf.s24_3;
  };
  return Float64Array.from({ length: samples.length / 3 }, (_, index) => sample(index));
}

/** Numbers of which full scale is from -1 to 1 as samples. */
export function fromNumbers(
  numbers: Iterable<number>,
  format: SampleFormat,
): SamplesOf<SampleFormat> {
  const values = Float64Array.from(numbers);
  if (format === "f64") return values;
  if (format === "f32") return Float32Array.from(values);
  if (format === "u8") return Uint8Array.from(values, (value) => Math.round(value * 128) + 128);
  const integers = Int32Array.from(values, (value) => Math.round(value / lsbOf[format]));
  if (format === "s16") return Int16Array.from(integers);
  if (format !== "s24_3") return integers;
  const bytes = [...integers].flatMap((value) => [value, value >> 8, value >> 16]);
  return Uint8Array.from(bytes);
}
