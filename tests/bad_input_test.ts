/**
 * Wrong arguments, wrong arrays, wrong devices, closed streams: each is an error that says what is
 * wrong, and none of them harms a stream or leaks.
 */
import assert from "node:assert/strict";
import { copyFileSync, existsSync, realpathSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import {
  clip,
  HalflapError,
  openPlayback,
  Playback,
  PlaybackQueue,
  silence,
  tone,
  WriteAbortedError,
} from "../mod.ts";
import { openVirtualCard, VirtualCard, type VirtualCardOptions } from "../lib/testing/mod.ts";
import {
  accesses,
  advanceUntil,
  assertSameBits,
  countingSamples,
  formats,
  noise,
  root,
  test,
  turns,
} from "./harness.ts";
import { attacks } from "./abi_attacks.ts";
import { type Finished, runOrFail, temporaryFolder } from "./programs.ts";
import {
  assertRefused,
  type Case,
  float,
  inOption,
  integer,
  method,
  notNumbers,
  numberCases,
  type NumberRange,
  objectCases,
  rangeError,
  typeError,
  type Untyped,
  wordCases,
} from "./wrong_values.ts";

const open = openPlayback as Untyped as (options?: unknown) => Promise<Playback>;
const openCard = openVirtualCard as Untyped as (options?: unknown) => Promise<VirtualCard>;

const playbackNumbers: Readonly<Record<string, NumberRange>> = {
  rate: integer(4000, 768_000),
  channels: integer(1, 32),
  periodFrames: integer(16, 1_048_576),
  periods: integer(2, 1024),
  queueFrames: integer(16, 16_777_216),
  startThreshold: { ...integer(1, 16_777_216), infinity: true },
  gain: float(0, 16),
};

for (const [name, range] of Object.entries(playbackNumbers)) {
  test(`openPlayback() refuses every wrong "${name}" with its range`, async () => {
    await assertRefused(open, inOption(name, numberCases(name, range)));
  });
}

test("openPlayback() refuses wrong words with the list of the right ones", async () => {
  await assertRefused(open, inOption("access", wordCases("access", ["auto", "mmap", "write"])));
  await assertRefused(open, inOption("format", wordCases("format", formats)));
});

test("openPlayback() refuses devices that ALSA could not be asked for", async () => {
  const wrongTypes = [null, 0, NaN, 1n, true, {}, ["hw:0"], Symbol("hw:0"), new URL("file:///")];
  await assertRefused(
    open,
    inOption("device", [
      ...wrongTypes.map((value): Case => [value, typeError('"device"')]),
      ["", rangeError('"device"', "1 to 255")],
      ["hw:0\0", rangeError('"device"', "null")],
      ["\0", rangeError('"device"', "null")],
      ["x".repeat(256), rangeError('"device"', "1 to 255")],
      ["\u{1F50A}".repeat(64), rangeError('"device"', "1 to 255")],
      ["x".repeat(1_000_000), rangeError('"device"', "1 to 255")],
    ]),
  );
});

test("openPlayback() refuses what is no options object, and options it does not know", async () => {
  await assertRefused(open, objectCases("device", "access", "rate", "channels", "format"));
  await assertRefused(open, [
    [{ Rate: 48_000 }, typeError('"Rate"', '"rate"')],
    [{ sampleRate: 48_000 }, typeError('"sampleRate"')],
  ]);
});

test("openPlayback() refuses what is no AbortSignal", async () => {
  const wrong = [
    null,
    0,
    "abort",
    true,
    {},
    { aborted: false },
    new AbortController(),
    new Event("abort"),
  ];
  const cases = wrong.map((value): Case => [value, typeError('"signal"', "AbortSignal")]);
  await assertRefused(open, inOption("signal", cases));
});

test("openPlayback() rejects with the reason of a signal that is aborted already", async () => {
  const reason = new Error("changed my mind");
  const signal = AbortSignal.abort(reason);
  await assert.rejects(open({ device: "virtual", signal }), (error) => error === reason);
});

test("openPlayback() passes on what a getter of its options throws", async () => {
  const thrown = new Error("from the getter");
  const options = {
    get rate(): number {
      throw thrown;
    },
  };
  await assert.rejects(open(options), (error) => error === thrown);
});

test("openPlayback() refuses options that contradict each other, by both names", async () => {
  await assertRefused(open, [
    [{ queueFrames: 100, startThreshold: 101 }, rangeError('"startThreshold"', "1 to 100")],
    [{ source: silence(), queueFrames: 100 }, typeError('"queueFrames"', "source")],
    [{ source: silence(), startThreshold: 100 }, rangeError('"startThreshold"', "source")],
    [{ source: tone({ frequencyHz: 4001 }), rate: 8000 }, rangeError('"frequencyHz"', "4000")],
    [{ source: clip(new Int16Array(2)), format: "f32" }, typeError("f32", "Float32Array")],
    [{ source: clip(new Float32Array(3)), channels: 2 }, rangeError("frames")],
    [{ source: clip(new Float32Array(0)) }, rangeError("frame")],
  ]);
});

test("openPlayback() refuses sources that none of the functions made", async () => {
  const forged = [
    null,
    "tone",
    440,
    {},
    [],
    () => {},
    { kind: "render" },
    { kind: "clip" },
    { kind: "clip", samples: [0, 0], loop: false },
    { kind: "tone", frequencyHz: "440", amplitude: 1 },
    { kind: "tone", frequencyHz: 440, amplitude: null },
  ];
  const cases = forged.map((value): Case => [value, typeError("")]);
  await assertRefused(open, inOption("source", cases));
  await assertRefused(open, [
    [{ source: { kind: "tone", frequencyHz: NaN, amplitude: 1 } }, rangeError('"frequencyHz"')],
    [{ source: { kind: "tone", frequencyHz: 440, amplitude: 2 } }, rangeError('"amplitude"')],
  ]);
});

test("tone() and clip() refuse wrong arguments at once", async () => {
  const makeTone = tone as Untyped;
  const amplitude = numberCases("amplitude", float(0, 1));
  await assertRefused(makeTone, objectCases("frequencyHz", "amplitude"));
  await assertRefused(makeTone, [
    [undefined, typeError('"frequencyHz"')],
    [{}, typeError('"frequencyHz"')],
    ...[0, -0, -1, NaN, Infinity, -Infinity].map((frequencyHz): Case => [
      { frequencyHz },
      rangeError('"frequencyHz"'),
    ]),
    ...notNumbers.map((frequencyHz): Case => [{ frequencyHz }, typeError('"frequencyHz"')]),
    ...amplitude.map(([value, expected]): Case => [
      { frequencyHz: 440, amplitude: value },
      expected,
    ]),
  ]);
  const wrongSamples = [undefined, null, 1, "", [0, 0], new ArrayBuffer(8), new BigInt64Array(2)];
  for (const samples of wrongSamples) {
    await assertRefused(clip as Untyped, [[samples, typeError()]]);
  }
  const clipWith = (options: unknown): unknown => (clip as Untyped)(new Float32Array(2), options);
  await assertRefused(clipWith, objectCases("loop"));
  const notBooleans = [null, 0, 1, "true", {}].map((value): Case => [value, typeError('"loop"')]);
  await assertRefused(clipWith, inOption("loop", notBooleans));
});

const cardLimits: Readonly<Record<string, NumberRange>> = {
  rate: integer(4000, 768_000),
  channels: integer(1, 32),
  periodFrames: integer(16, 1_048_576),
  periods: integer(2, 1024),
};

test("openVirtualCard() refuses every wrong option by its name", async () => {
  await assertRefused(openCard, objectCases("clock", "tap", "formats", "substreams"));
  await assertRefused(openCard, inOption("clock", wordCases("clock", ["realtime", "simulated"])));
  const channelMaps = wordCases("channelMaps", ["none", "fixed", "variable"]);
  await assertRefused(openCard, inOption("channelMaps", channelMaps));
  await assertRefused(
    openCard,
    inOption("driftPpm", numberCases("driftPpm", float(-100_000, 100_000))),
  );
  await assertRefused(
    openCard,
    inOption("substreams", numberCases("substreams", integer(1, 8192))),
  );
  const words = [null, "s16", {}, 1, ["S16_LE"], [null], ["s16", 1]];
  for (const name of ["formats", "access"]) {
    const cases = words.map((value): Case => [value, typeError(name)]);
    await assertRefused(openCard, inOption(name, [...cases, [[], rangeError(`"${name}"`)]]));
  }
  for (const name of ["canPause", "batch"]) {
    const cases = [null, 0, "true", {}].map((value): Case => [value, typeError(`"${name}"`)]);
    await assertRefused(openCard, inOption(name, cases));
  }
});

for (const [name, range] of Object.entries(cardLimits)) {
  test(`openVirtualCard() refuses every wrong limit of "${name}"`, async () => {
    const wrong = [null, 48_000, "48000", true].map((value): Case => [value, typeError(name)]);
    await assertRefused(openCard, inOption(name, [...wrong, [{ from: 1 }, typeError('"from"')]]));
    for (const limit of ["min", "max"]) {
      const cases = numberCases("", range).map(([value, { name: error }]): Case => [
        { [limit]: value },
        { name: error, message: new RegExp(`${name}.*${range.min} to ${range.max}`) },
      ]);
      await assertRefused(openCard, inOption(name, cases));
    }
    const { min, max } = range;
    await assertRefused(openCard, [[{ [name]: { min: max, max: min } }, rangeError(name)]]);
  });
}

test("openVirtualCard() refuses taps that it cannot record to", async () => {
  const cases = [
    ...[null, "disk", 1].map((value): Case => [value, typeError('"tap"')]),
    ...[{}, { path: null }, { path: 1 }].map((value): Case => [value, typeError('"path"')]),
    [{ file: "out.wav" }, typeError('"file"', '"path"')] as const,
  ];
  await assertRefused(openCard, inOption("tap", cases));
  for (const path of ["", "out\0.wav"]) {
    await assertRefused(openCard, [[{ tap: { path } }, rangeError("path")]]);
  }
  for (const path of ["/nonexistent/folder/out.wav", "/", "/proc/out.wav"]) {
    const expected = { name: "HalflapError", code: "ERR_HALFLAP_IO", message: new RegExp(path) };
    await assert.rejects(openCard({ tap: { path } }), expected);
  }
});

const fadeCases = [
  ...objectCases("fadeMs"),
  ...inOption("fadeMs", numberCases("fadeMs", float(0, 60_000))),
];
const drainLimit: NumberRange = { ...float(0, 2_147_483_647), infinity: true };
const drainCases = [
  ...objectCases("timeoutMs"),
  ...inOption("timeoutMs", numberCases("timeoutMs", drainLimit)),
];
const gainCases = [
  ...numberCases("gain", float(0, 16)),
  [undefined, typeError('"gain"', "0 to 16")] as const,
];
const rampCases = [
  ...objectCases("rampMs"),
  ...inOption("rampMs", numberCases("rampMs", float(0, 60_000))),
];
const notSignals = [null, 0, "abort", {}, new AbortController()];
const signalCases = [
  ...objectCases("signal"),
  ...inOption("signal", notSignals.map((value): Case => [value, typeError("AbortSignal")])),
];
const wrongSamples: readonly Case[] = [
  ...[undefined, null, 0, "samples", [0, 0], {}, { length: 2 }],
  ...[new ArrayBuffer(8), new SharedArrayBuffer(8), new DataView(new ArrayBuffer(8))],
  ...[new Uint8Array(8), new Uint32Array(2), new Float32Array(2), new BigInt64Array(2)],
].map((value): Case => [value, typeError("s32", "Int32Array")]);
const wrongLengths: readonly Case[] = [1, 3, 4801].map((length): Case => [
  new Int32Array(length),
  rangeError("whole frames", "8 bytes"),
]);

/** Calls every method of a stereo stream in s32 with everything that it must refuse. */
async function callEverythingWrongly(out: PlaybackQueue<"s32">): Promise<void> {
  for (const name of ["start", "pause", "resume", "drop"]) {
    await assertRefused(method(out, name), fadeCases);
  }
  await assertRefused(method(out, "drain"), drainCases);
  await assertRefused(method(out, "setGain"), gainCases);
  await assertRefused((options) => method(out, "setGain")(1, options), rampCases);
  for (const name of ["write", "tryWrite"]) {
    await assertRefused(method(out, name), [...wrongSamples, ...wrongLengths]);
  }
  const samples = new Int32Array(2);
  await assertRefused((options) => method(out, "write")(samples, options), signalCases);
  await assertRefused(
    (chunk) => out.writable.getWriter().write(chunk as ArrayBuffer),
    wrongSamples.filter(([value]) => !isBytes(value)).map(([value]): Case => [
      value,
      typeError("chunk", "bytes", "s32"),
    ]),
  );
}

const isBytes = (value: unknown): boolean =>
  value instanceof ArrayBuffer || value instanceof SharedArrayBuffer ||
  value instanceof DataView || value instanceof Uint8Array;

for (const access of accesses) {
  test(`wrong calls leave a stream of ${access} as it was, and lose nothing`, async () => {
    await using card = await openVirtualCard();
    await using out = await openPlayback({
      device: card.device,
      access,
      format: "s32",
      queueFrames: 4096,
      startThreshold: 2000,
    });
    const samples = countingSamples(2 * 8000);

    await out.write(samples.subarray(0, 2 * 1000));
    await callEverythingWrongly(out);
    assert.equal(out.state, "prepared");
    await out.write(samples.subarray(2 * 1000, 2 * 4000));
    await card.advance(100);
    await callEverythingWrongly(out);
    assert.equal(out.state, "running");
    await advanceUntil(card, out.pause());
    await callEverythingWrongly(out);
    assert.equal(out.state, "paused");
    const resumed = out.resume();
    const written = out.write(samples.subarray(2 * 4000));
    await advanceUntil(card, Promise.all([resumed, written, out.drain()]));

    assert.equal(out.gain, 1);
    assert.equal(out.stats().framesAccepted, 8000);
    assert.equal(out.stats().xruns.count, 0);
    assertSameBits(card.played().subarray(0, samples.length), samples);
  });
}

test("methods refuse by a rejection, never by throwing, where they return a promise", async () => {
  await using card = await openVirtualCard();
  await using out = await openPlayback({ device: card.device });
  for (const name of ["start", "pause", "resume", "drain", "drop", "write"]) {
    const result = method(out, name)(null);
    assert.ok(result instanceof Promise, name);
    await assert.rejects(result, TypeError);
  }
  for (const name of ["advance", "advanceMs"]) {
    const result = method(card, name)(null);
    assert.ok(result instanceof Promise, name);
    await assert.rejects(result, TypeError);
  }
});

test("methods in the wrong state say so, and change nothing", async () => {
  await using card = await openVirtualCard();
  await using out = await openPlayback({ device: card.device });
  const code = "ERR_HALFLAP_INVALID_STATE";
  await assert.rejects(out.resume(), { name: "HalflapError", code });
  assert.equal(out.state, "prepared");
  await out.drain();
  await out.drop();
  assert.equal(out.state, "prepared");
  await out.write(new Float32Array(2 * 2000));
  await card.advance(100);
  await assert.rejects(out.resume(), { name: "HalflapError", code });
  assert.equal(out.state, "running");
  await advanceUntil(card, out.pause());
  await assert.rejects(out.start(), { name: "HalflapError", code });
  assert.equal(out.state, "paused");
  await out.drop();
  await assert.rejects(out.resume(), { name: "HalflapError", code });
  assert.equal(out.state, "prepared");
});

test("objects that are no streams or cards are refused, not followed", async () => {
  for (const prototype of [Playback.prototype, PlaybackQueue.prototype, VirtualCard.prototype]) {
    for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
      if (name === "constructor") continue;
      const call = property.value ?? property.get;
      if (typeof call !== "function") continue;
      await assert.rejects(async () => await call.call({}, new Float32Array(2)), TypeError, name);
    }
  }
  for (const constructor of [Playback, PlaybackQueue, VirtualCard] as unknown[]) {
    for (const forged of [undefined, null, 1, {}, { handle: 1 }]) {
      assert.throws(
        () => Reflect.construct(constructor as typeof Playback, [forged, 1]),
        TypeError,
      );
    }
  }
});

test("a card refuses wrong calls, and its clock stands still", async () => {
  await using card = await openVirtualCard();
  await using out = await openPlayback({ device: card.device });
  await out.write(new Float32Array(2));
  const frames = integer(0, 2 ** 40);
  await assertRefused(method(card, "advance"), numberCases("frames", frames));
  await assertRefused(method(card, "advanceMs"), numberCases("milliseconds", float(0, 2 ** 40)));
  await assertRefused((options) => method(card, "advance")(1, options), [
    ...objectCases("rate"),
    ...inOption("rate", numberCases("rate", integer(4000, 768_000))),
  ]);
  for (const name of ["played", "status"]) {
    const wrong = [...notNumbers, NaN, -1, 0.5, Infinity, 2 ** 32];
    for (const value of wrong) {
      await assert.rejects(async () => await method(card, name)(value), /"substream"/, name);
    }
  }
  assert.throws(() => card.played(1), RangeError);
  assert.equal(card.status().timeMs, 0);
});

test("injectFault() refuses every wrong fault, and injects none", async () => {
  await using card = await openVirtualCard();
  await using out = await openPlayback({ device: card.device });
  const inject = method(card, "injectFault");
  const kinds = ["stall", "pointer-jump", "xrun", "suspend", "spurious-wake-up"];
  await assertRefused(inject, [
    ...[null, 1, "stall"].map((fault): Case => [fault, typeError("the fault")]),
    [undefined, typeError('"kind"')],
    [{ kind: "stall", milliseconds: 1 }, typeError('"milliseconds"')],
    [{ kind: "xrun", ms: 1 }, typeError('"ms"', '"xrun"')],
    [{ kind: "stall", ms: 1, frames: 1 }, typeError('"frames"', '"stall"')],
    [{ kind: "suspend", resume: { again: 1, twice: true } }, typeError('"twice"')],
    ...inOption("kind", wordCases("kind", kinds)),
  ]);
  const numbers: readonly [string, string, NumberRange][] = [
    ["stall", "ms", { ...float(0.001, 1e9), infinity: true }],
    ["pointer-jump", "frames", integer(1, 2 ** 31 - 1)],
    ["late-wake-up", "ms", float(0.001, 10_000)],
    ["slow-fill", "ms", float(0.001, 10_000)],
    ["preempted-fill", "ms", float(0.001, 10_000)],
    ["refuse-open", "count", integer(1, 1_000_000)],
    ["spurious-wake-up", "count", integer(1, 1_000_000)],
  ];
  for (const [kind, name, range] of numbers) {
    const cases = inOption(name, numberCases(name, range));
    await assertRefused((fault) => inject({ kind, ...fault as object }), cases);
  }
  const again = inOption("again", numberCases("again", integer(1, 1_000_000)));
  await assertRefused((resume) => inject({ kind: "suspend", resume }), again);
  const words = wordCases("resume", ["ok", "unsupported", "lies"]);
  const resumes = words.filter(([value]) => typeof value !== "object" || value === null);
  await assertRefused((resume) => inject({ kind: "suspend", resume }), resumes);

  const xrun = (options: unknown) => inject({ kind: "xrun" }, options);
  await assertRefused(xrun, [
    ...objectCases("substream"),
    ...inOption("substream", numberCases("substream", integer(0, 0))),
  ]);
  await assertRefused((options) => inject({ kind: "refuse-open" }, options), [
    ...inOption("substream", numberCases("substream", integer(0, 0))),
  ]);
  await using empty = await openVirtualCard();
  assert.throws(() => empty.injectFault({ kind: "xrun" }), /"substream"/);

  await out.write(new Float32Array(2 * 4800));
  await advanceUntil(card, out.drain());
  assert.equal(out.stats().framesPlayed, 4800);
  assert.equal(out.stats().xruns.count, 0);
});

test("a card says what it cannot do with its options", async () => {
  const code = "ERR_HALFLAP_INVALID_STATE";
  await using realtime = await openVirtualCard({ clock: "realtime", tap: "none" });
  await assert.rejects(realtime.advance(0), { name: "HalflapError", code });
  await assert.rejects(realtime.advanceMs(0), { name: "HalflapError", code });
  await using simulated = await openVirtualCard({ tap: "none" });
  await assert.rejects(simulated.advance(1), { name: "HalflapError", code });
  await using out = await openPlayback({ device: simulated.device });
  assert.throws(() => simulated.played(), { name: "HalflapError", code });
  await assert.rejects(simulated.close(), { name: "HalflapError", code });
  await out.drain();
});

test("a closed stream refuses every method, and can be asked what it was", async () => {
  await using card = await openVirtualCard();
  const out = await openPlayback({ device: card.device, gain: 0.5 });
  const writer = out.writable.getWriter();
  await out.close();
  const closed = { name: "HalflapError", code: "ERR_HALFLAP_CLOSED" };
  const samples = new Float32Array(2);
  for (const name of ["start", "pause", "resume", "drain", "drop"]) {
    await assert.rejects(async () => await method(out, name)(), closed, name);
  }
  for (const length of [0, 2, 20_000]) {
    await assert.rejects(out.write(new Float32Array(length)), closed);
    assert.throws(() => out.tryWrite(new Float32Array(length)), closed);
  }
  await assert.rejects(out.write(samples, { signal: new AbortController().signal }), closed);
  await assert.rejects(writer.write(samples), closed);
  await assert.rejects(out.writable.getWriter().write(samples), closed);
  assert.throws(() => out.setGain(1), closed);
  assert.throws(() => out.stats(), closed);
  assert.throws(() => out.getOutputTimestamp(), closed);
  out.ref();
  out.unref();
  await out.close();
  await out[Symbol.asyncDispose]();
  await out.closed;
  assert.deepEqual([out.state, out.gain, out.granted.rate], ["closed", 0.5, 48_000]);
});

test("close() rejects what is pending, and the signal of openPlayback() closes as well", async () => {
  const closed = { name: "HalflapError", code: "ERR_HALFLAP_CLOSED" };
  await using card = await openVirtualCard();
  const controller = new AbortController();
  for (
    const close of [
      (out: Playback) => out.close(),
      (out: Playback) => {
        controller.abort(new Error("enough"));
        return out.close();
      },
    ]
  ) {
    const out = await openPlayback({ device: card.device, signal: controller.signal });
    const pending = [
      out.write(new Float32Array(2 * 100_000)),
      out.write(new Float32Array(2)),
      out.drain(),
    ].map((promise) => assert.rejects(promise, closed));
    await close(out);
    await Promise.all(pending);
    await out.closed;
    assert.equal(out.state, "closed");
  }
});

test("an abort at any moment of opening rejects with its reason, or closes", async () => {
  await using card = await openVirtualCard();
  for (const device of [card.device, "virtual", "nonexistent"]) {
    for (let count = 0; count < 12; count++) {
      const controller = new AbortController();
      const reason = new Error(`after ${count} turns`);
      const opening = openPlayback({ device, signal: controller.signal });
      const settled = opening.then((out) => out, (error: Error) => error);
      for (let microtask = 0; microtask < count % 4; microtask++) await null;
      await turns(Math.floor(count / 4));
      controller.abort(reason);
      const result = await settled;
      if (result instanceof Playback) await result.close();
      else assert.ok(result === reason || device === "nonexistent", String(result));
    }
  }
});

test("a card that is closed while a stream is being opened on it leaves one or the other", async () => {
  for (let count = 0; count < 10; count++) {
    const card = await openVirtualCard();
    const opening = openPlayback({ device: card.device });
    const settled = opening.then((out) => out, (error: Error) => error);
    await turns(count % 3);
    const closed = await card.close().then(() => true, (error: HalflapError) => error.code);
    const result = await settled;
    if (result instanceof Playback) {
      assert.equal(closed, "ERR_HALFLAP_INVALID_STATE");
      await result.close();
      await card.close();
    } else {
      assert.ok(result instanceof HalflapError, String(result));
      assert.equal(result.code, "ERR_HALFLAP_DEVICE_NOT_FOUND");
      assert.equal(closed, true);
    }
  }
});

test("a stream with a native source has no way to write to it", async () => {
  await using card = await openVirtualCard();
  await using out = await openPlayback({ device: card.device, source: silence() });
  for (const name of ["write", "tryWrite", "writable"]) assert.equal(name in out, false, name);
  assert.equal(out.granted.queueFrames, 0);
});

test("a closed card refuses every method", async () => {
  const card = await openVirtualCard();
  await card.close();
  const closed = { name: "HalflapError", code: "ERR_HALFLAP_CLOSED" };
  for (const name of ["advance", "advanceMs"]) {
    await assert.rejects(async () => await method(card, name)(0), closed, name);
  }
  assert.throws(() => card.played(), closed);
  assert.throws(() => card.status(), closed);
  assert.throws(() => card.flush(), closed);
  assert.throws(() => card.injectFault({ kind: "xrun" }), closed);
  assert.throws(() => card.injectFault({ kind: "refuse-open" }), closed);
  await card.close();
  await card[Symbol.asyncDispose]();
});

/** Opens a device that cannot be opened; the error must carry all that the docs promise. */
async function openError(options: Parameters<typeof openPlayback>[0]): Promise<HalflapError> {
  const error = await callForError(options);
  assert.ok(error instanceof HalflapError, String(error));
  assert.ok(error.hint, error.message);
  assert.ok(error.message.endsWith(error.hint), error.message);
  return error;
}

async function callForError(options: Parameters<typeof openPlayback>[0]): Promise<unknown> {
  try {
    await using out = await openPlayback(options ?? {});
    return `"${out.granted.device}" was opened`;
  } catch (error) {
    return error;
  }
}

test("unknown devices are named, with a hint", async () => {
  const unknown = [
    "nonexistent",
    "hw:99,0",
    "plughw:99",
    "hw:nonexistent",
    "%s%n%s",
    "x".repeat(255),
    "\u{1F50A}",
    "hw:0,0\n",
    " ",
    "null:{",
    "/etc/passwd",
  ];
  for (const device of unknown) {
    const error = await openError({ device });
    assert.match(error.code, /^ERR_HALFLAP_(?:DEVICE_NOT_FOUND|ALSA)$/, error.message);
    assert.ok(error.message.includes(device.trim().slice(0, 60)), error.message);
  }
  const error = await openError({ device: "nonexistent" });
  assert.equal(error.code, "ERR_HALFLAP_DEVICE_NOT_FOUND");
  assert.deepEqual([error.errno, error.call], [2, "snd_pcm_open"]);
});

test("forged and stale names of virtual cards open nothing, and nobody else's card", async () => {
  const stale = await openVirtualCard();
  await stale.close();
  await using card = await openVirtualCard();
  const number = card.device.replace("virtual:", "");
  assert.notEqual(stale.device, card.device);
  const forged = [
    stale.device,
    "virtual:",
    "virtual:0",
    "virtual:1",
    "virtual:x",
    "virtual:-1",
    "virtual:99999999999",
    `virtual:${2 ** 32 + Number(number)}`,
    `virtual:${2 ** 64}`,
    `virtual:0x${Number(number).toString(16)}`,
    `virtual:${number}.0`,
    `virtual:${number}x`,
    `virtual: ${number}`,
    `virtual:+${number}`,
    `virtual:0${number}`,
    `virtual:${number[0]}_${number.slice(1)}`,
    `virtual:${number},0`,
    `VIRTUAL:${number}`,
    "virtuall",
  ];
  for (const device of forged) {
    const { code, message } = await openError({ device });
    assert.equal(code, "ERR_HALFLAP_DEVICE_NOT_FOUND", message);
    assert.ok(message.includes(device), message);
  }
  assert.equal(card.status().substreams, 0);
});

test("the handle of a stream is not taken for that of a card", async () => {
  await using card = await openVirtualCard();
  await using first = await openPlayback({ device: card.device });
  const number = Number(card.device.replace("virtual:", ""));
  for (let offset = -64; offset <= 64; offset++) {
    if (offset === 0) continue;
    const device = `virtual:${number + offset}`;
    assert.equal((await openError({ device })).code, "ERR_HALFLAP_DEVICE_NOT_FOUND", device);
  }
  assert.equal(first.state, "prepared");
  assert.equal(card.status().substreams, 1);
});

test("a busy device is a typed error, and free again after close()", async () => {
  await using card = await openVirtualCard({ substreams: 1 });
  const { device } = card;
  const samples = countingSamples(2000);
  await using first = await openPlayback({ device, format: "s32", channels: 1 });
  await first.write(samples);
  for (let count = 0; count < 3; count++) {
    const { code } = await openError({ device });
    assert.equal(code, "ERR_HALFLAP_DEVICE_BUSY");
  }
  await advanceUntil(card, first.drain());
  assertSameBits(card.played().subarray(0, samples.length), samples);
  await first.close();
  await using second = await openPlayback({ device });
  assert.equal(second.state, "prepared");
});

/** What a card refuses, and the words that must be in the error besides the hint. */
const refusals: readonly [
  card: VirtualCardOptions,
  options: Parameters<typeof openPlayback>[0],
  code: string,
  message: RegExp,
][] = [
  [{ formats: ["s16"] }, { format: "f32" }, "UNSUPPORTED_FORMAT", /f32.*s16/],
  [{ formats: ["s24_3", "f64"] }, { format: "s24" }, "UNSUPPORTED_FORMAT", /s24\b.*s24_3.*f64/],
  [{ rate: { max: 44_100 } }, { rate: 48_000 }, "UNSUPPORTED_RATE", /48000.*44100/],
  [{ rate: { min: 96_000 } }, { rate: 8000 }, "UNSUPPORTED_RATE", /8000.*96000/],
  [{ channels: { max: 2 } }, { channels: 6 }, "UNSUPPORTED_CHANNELS", /\b6\b.*\b1 to 2\b/],
  [{ channels: { min: 4 } }, { channels: 2 }, "UNSUPPORTED_CHANNELS", /\b2\b.*\b4 to 32\b/],
  [{ access: ["write-interleaved"] }, { access: "mmap" }, "UNSUPPORTED_ACCESS", /mmap.*"auto"/],
  [{ access: ["mmap-noninterleaved"] }, { access: "write" }, "UNSUPPORTED_ACCESS", /write.*"auto"/],
];

for (const [cardOptions, options, code, message] of refusals) {
  const what = `${JSON.stringify(options)} on a card of ${JSON.stringify(cardOptions)}`;
  test(`${what} is refused with what the card takes`, async () => {
    await using card = await openVirtualCard(cardOptions);
    const error = await openError({ ...options, device: card.device });
    assert.equal(error.code, `ERR_HALFLAP_${code}`);
    assert.match(error.message, message);
    assert.ok(error.message.includes(card.device), error.message);
  });
}

test("what was not asked for gives way to the limits of a card", async () => {
  const cards: readonly [VirtualCardOptions, Partial<PlaybackQueue["granted"]>][] = [
    [{ rate: { min: 44_100, max: 44_100 } }, { rate: 44_100 }],
    [{ access: ["write-interleaved"] }, { access: "write", layout: "interleaved" }],
    [{ access: ["write-noninterleaved"] }, { access: "write", layout: "noninterleaved" }],
    [{ access: ["mmap-noninterleaved"] }, { access: "mmap", layout: "noninterleaved" }],
    [{ periods: { min: 16 } }, { periods: 16 }],
    [{ periods: { max: 2 } }, { periods: 2 }],
    [{ periodFrames: { min: 1024, max: 1024 } }, { periodFrames: 1024 }],
    [{ periodFrames: { max: 64 } }, { periodFrames: 64 }],
  ];
  for (const [cardOptions, expected] of cards) {
    await using card = await openVirtualCard(cardOptions);
    const opened = await openPlayback({ device: card.device }).catch((error: Error) => error);
    assert.ok(opened instanceof PlaybackQueue, `${JSON.stringify(cardOptions)}: ${opened}`);
    const { granted } = opened;
    await opened.close();
    assert.deepEqual({ ...granted, ...expected }, granted, JSON.stringify(cardOptions));
  }
});

test("every format refuses the typed arrays of all others", async () => {
  await using card = await openVirtualCard();
  const arrays = [
    ...[Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array],
    ...[Uint32Array, Float32Array, Float64Array, BigInt64Array, BigUint64Array],
  ].map((constructor) => new constructor(24));
  for (const format of formats) {
    await using out = await openPlayback({ device: card.device, format, channels: 1 });
    const right = Object.getPrototypeOf(noise(format, 1, 1)).constructor;
    const wrong = arrays.filter((array) => array.constructor !== right);
    assert.equal(wrong.length, arrays.length - 1);
    const cases = wrong.map((array): Case => [array, typeError(format, right.name)]);
    await assertRefused(method(out, "write"), cases);
    await assertRefused(method(out, "tryWrite"), cases);
    assert.equal(out.stats().framesAccepted, 0, format);
  }
});

test("arrays of no length are accepted, and are nothing", async () => {
  await using card = await openVirtualCard();
  await using out = await openPlayback({ device: card.device });
  await out.write(new Float32Array(0));
  assert.equal(out.tryWrite(new Float32Array(0)), 0);
  const writer = out.writable.getWriter();
  for (const empty of [new Uint8Array(0), new ArrayBuffer(0), new Float32Array(0)]) {
    await writer.write(empty);
  }
  await writer.close();
  assert.equal(out.stats().framesAccepted, 0);
});

test("samples are read from every kind of memory", async () => {
  await using card = await openVirtualCard();
  await using out = await openPlayback({ device: card.device, format: "s16", channels: 1 });
  const samples = noise("s16", 600, 1) as Int16Array;
  const shared = new Int16Array(new SharedArrayBuffer(400));
  const growable = new Int16Array(new SharedArrayBuffer(400, { maxByteLength: 4000 }));
  const resizable = new Int16Array(new ArrayBuffer(400, { maxByteLength: 4000 }));
  const offset = new Int16Array(new ArrayBuffer(4000), 2002, 200);
  const kinds = [shared, growable, resizable, offset];
  for (const kind of kinds) {
    kind.set(samples.subarray(0, 200));
    await out.write(kind);
    assert.equal(out.tryWrite(kind), 200);
  }
  await advanceUntil(card, out.drain());
  const expected = new Int16Array(2 * kinds.length * 200);
  for (let each = 0; each < 2 * kinds.length; each++) {
    expected.set(samples.subarray(0, 200), each * 200);
  }
  assertSameBits(card.played().subarray(0, expected.length), expected);
});

function detached(): Int16Array {
  const array = new Int16Array(100);
  structuredClone(array.buffer, { transfer: [array.buffer] });
  return array;
}

function outOfBounds(): Int16Array {
  const buffer = new ArrayBuffer(200, { maxByteLength: 200 });
  const array = new Int16Array(buffer, 100, 50);
  buffer.resize(8);
  return array;
}

test("arrays whose memory is gone are refused, not taken for empty", async () => {
  await using card = await openVirtualCard();
  await using out = await openPlayback({ device: card.device, format: "s16", channels: 1 });
  for (const [name, gone] of Object.entries({ detached, outOfBounds })) {
    await assert.rejects(out.write(gone()), TypeError, name);
    assert.throws(() => out.tryWrite(gone()), TypeError, name);
    await assert.rejects(out.writable.getWriter().write(gone()), TypeError, name);
    const openClip = async () => await open({ device: card.device, source: clip(gone()) });
    await assert.rejects(openClip, /RangeError|TypeError/, name);
  }
  assert.equal(out.stats().framesAccepted, 0);
});

test("an array whose memory goes away during its write rejects that write alone", async () => {
  const takeAway: readonly ((buffer: ArrayBuffer) => void)[] = [
    (buffer) => structuredClone(buffer, { transfer: [buffer] }),
    (buffer) => buffer.resize(1000),
  ];
  for (const take of takeAway) {
    await using card = await openVirtualCard();
    const options = { format: "s32", channels: 1, queueFrames: 1000 } as const;
    await using out = await openPlayback({ ...options, device: card.device });
    const buffer = new ArrayBuffer(40_000, { maxByteLength: 40_000 });
    const first = new Int32Array(buffer);
    first.set(countingSamples(10_000));
    const refused = assert.rejects(out.write(first), { name: "TypeError" });
    const second = countingSamples(3000, 20_000);
    const written = out.write(second);
    take(buffer);
    await advanceUntil(card, Promise.all([refused, written, out.drain()]));

    const { framesAccepted, framesPlayed } = out.stats();
    assert.equal(framesPlayed, framesAccepted);
    const expected = new Int32Array(framesAccepted);
    expected.set(countingSamples(framesAccepted - second.length));
    expected.set(second, framesAccepted - second.length);
    const played = (card.played() as Int32Array).filter((sample) => sample !== 0);
    assertSameBits(played, expected);
  }
});

test("an aborted write says how many frames were accepted, and these are played", async () => {
  await using card = await openVirtualCard();
  await using out = await openPlayback({
    device: card.device,
    format: "s32",
    channels: 1,
    queueFrames: 1000,
    startThreshold: Infinity,
  });
  const samples = countingSamples(10_000);
  const reason = new Error("too long");
  for (const framesWritten of [1000, 0]) {
    const controller = new AbortController();
    const aborted = out.write(samples, { signal: controller.signal });
    controller.abort(reason);
    await assert.rejects(aborted, (error) => {
      assert.ok(error instanceof WriteAbortedError);
      assert.deepEqual([error.name, error.cause], ["AbortError", reason]);
      assert.deepEqual([error.framesWritten, error.code], [framesWritten, "ERR_HALFLAP_ABORTED"]);
      return true;
    });
  }
  await assert.rejects(out.write(samples, { signal: AbortSignal.abort(reason) }), {
    name: "AbortError",
    framesWritten: 0,
  });
  await advanceUntil(card, out.drain());
  assert.equal(out.stats().framesPlayed, 1000);
  assertSameBits(card.played().subarray(0, 1000), samples.subarray(0, 1000));
});

/** Cuts bytes into pieces of odd lengths, each at an odd address, in every kind of chunk. */
function* oddChunks(bytes: Uint8Array): Generator<ArrayBufferLike | ArrayBufferView> {
  const lengths = [1, 2, 3, 5, 7, 0, 11, 1, 1, 97, 1021, 13];
  let count = 0;
  for (let offset = 0; offset < bytes.length; count++) {
    const length = Math.min(lengths[count % lengths.length] ?? 1, bytes.length - offset);
    const unaligned = new Uint8Array(new ArrayBuffer(length + 3), 1 + 2 * (count % 2), length);
    unaligned.set(bytes.subarray(offset, offset + length));
    const shared = new Uint8Array(new SharedArrayBuffer(length));
    shared.set(unaligned);
    const kinds = [
      unaligned,
      new DataView(unaligned.buffer, unaligned.byteOffset, length),
      unaligned.slice().buffer,
      shared,
      shared.buffer,
    ];
    yield kinds[count % kinds.length] ?? unaligned;
    offset += length;
  }
}

for (const format of formats) {
  test(`bytes of any alignment make whole frames of ${format}`, async () => {
    const channels = 3;
    await using card = await openVirtualCard();
    await using out = await openPlayback({ device: card.device, format, channels });
    const samples = noise(format, 1500, channels);
    const bytes = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength);
    const writer = out.writable.getWriter();
    const written = Array.from(oddChunks(bytes), (chunk) => writer.write(chunk));
    await advanceUntil(card, Promise.all([...written, writer.close()]));
    assertSameBits(card.played().subarray(0, samples.length), samples);
  });
}

test("an incomplete last frame is an error at close(); whole frames before it are played", async () => {
  await using card = await openVirtualCard();
  await using out = await openPlayback({ device: card.device, format: "s32" });
  const samples = countingSamples(2 * 100);
  const writer = out.writable.getWriter();
  await writer.write(samples);
  await writer.write(new Uint8Array([1, 2, 3]));
  const refused = assert.rejects(writer.close(), { name: "RangeError", message: /whole frames/ });
  await advanceUntil(card, refused);
  await advanceUntil(card, out.drain());
  assert.equal(out.stats().framesAccepted, 100);
  assertSameBits(card.played().subarray(0, samples.length), samples);
});

test("a wrong chunk does not shift the frames of the next writable", async () => {
  await using card = await openVirtualCard();
  await using out = await openPlayback({ device: card.device, format: "s32" });
  const samples = countingSamples(2 * 100);
  const broken = out.writable.getWriter();
  await broken.write(new Uint8Array([1, 2, 3]));
  await assert.rejects(broken.write("x" as unknown as Uint8Array), TypeError);
  await assert.rejects(broken.write(samples), TypeError);
  const writer = out.writable.getWriter();
  await writer.write(new Uint8Array(samples.buffer));
  await advanceUntil(card, writer.close());
  assert.equal(out.stats().framesAccepted, 100);
  assertSameBits(card.played().subarray(0, samples.length), samples);
});

const library = path.join(root, "native/x86_64-linux/libhalflap.so");
const isDeno = process.versions.bun === undefined;

/** Runs a module in a process of its own, under the runtime of this test. */
function runtime(file: string, ...args: readonly string[]): readonly [string, readonly string[]] {
  const flags = isDeno ? ["run", "--allow-all", "--no-check"] : [];
  return [process.execPath, [...flags, file, ...args]];
}

for (const [name, { claim }] of Object.entries(attacks)) {
  test(`from below the module: ${claim}`, async () => {
    const file = path.join(root, "tests/abi_attacks.ts");
    const { stdout } = await runOrFail(...runtime(file, name, library));
    assert.equal(stdout, "unharmed\n");
  });
}

/** Tries everything that needs libasound; prints the errors, and what the engine holds then. */
const failingProgram = `
import { listDevices, openPlayback, probeDevice, tone, watchDevices } from ${
  JSON.stringify(`${root}/mod.ts`)
};
import { engineCounters, openVirtualCard } from ${JSON.stringify(`${root}/lib/testing/mod.ts`)};
const attempts = [
  () => openPlayback(),
  () => openPlayback({ device: "virtual", source: tone({ frequencyHz: 440 }) }),
  () => openPlayback({ device: "hw:0,0" }),
  () => listDevices(),
  () => probeDevice("virtual"),
  () => watchDevices().next(),
  () => openVirtualCard().then((card) => openPlayback({ device: card.device })),
  () => openPlayback(),
];
const errors = [];
for (const attempt of attempts) {
  await attempt().catch(({ name, code, message, hint }) => errors.push({ name, code, message, hint }));
}
const { streams, pcms } = engineCounters();
console.log(JSON.stringify({ errors, streams, pcms, attempts: attempts.length }));
process.exit(0);
`;

async function assertLibraryError(
  finished: Promise<Finished>,
  code: string,
  message: RegExp,
): Promise<void> {
  const { stdout } = await finished;
  const { errors, streams, pcms, attempts } = JSON.parse(stdout);
  assert.equal(errors.length, attempts, stdout);
  for (const error of errors) {
    assert.deepEqual([error.name, error.code], ["HalflapError", code], error.message);
    assert.match(error.message, message);
    assert.ok(error.message.endsWith(error.hint), error.message);
  }
  assert.deepEqual([streams, pcms], [0, 0]);
}

/** The folder that the dynamic linker finds libasound in. */
function libasoundFolder(): string {
  const folders = ["/usr/lib/x86_64-linux-gnu", "/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib"];
  const found = folders.find((folder) => existsSync(path.join(folder, "libasound.so.2")));
  assert.ok(found, 'Cannot find "libasound.so.2": install the Debian package libasound2');
  return realpathSync(found);
}

/** Hides libasound from a program: in a mount namespace of its own, so that it is there for others. */
const hideLibasound = `
set -e
mkdir "$2/all" "$2/without"
mount --bind "$1" "$2/all"
ln -s "$2"/all/* "$2/without"
rm "$2"/without/libasound.so*
mount --bind "$2/without" "$1"
shift 2
exec "$@"
`;

test("where libasound is missing, opening says which package to install", async () => {
  await using folder = await temporaryFolder();
  const file = path.join(folder.path, "program.mjs");
  writeFileSync(file, failingProgram);
  const asRoot = process.getuid?.() === 0 ? [] : ["--map-root-user"];
  const [command, args] = runtime(file);
  const hidden = runOrFail("unshare", [
    ...[...asRoot, "--mount", "sh", "-c", hideLibasound, "sh", libasoundFolder(), folder.path],
    ...[command, ...args],
  ]);
  hidden.catch(() =>
    console.error("Hiding a library takes root, in a container CAP_SYS_ADMIN too")
  );
  await assertLibraryError(hidden, "ERR_HALFLAP_LIBRARY_MISSING", /libasound\.so\.2.*libasound2/s);
});

test("a libasound that cannot be loaded, or lacks functions, is a typed error", async () => {
  await using folder = await temporaryFolder();
  const file = path.join(folder.path, "program.mjs");
  writeFileSync(file, failingProgram);
  const env = { LD_LIBRARY_PATH: folder.path };
  const impostor = path.join(folder.path, "libasound.so.2");
  writeFileSync(impostor, "");
  const broken = runOrFail(...runtime(file), { env });
  await assertLibraryError(broken, "ERR_HALFLAP_LIBRARY_MISSING", /file too short.*libasound2/s);
  copyFileSync(path.join(libasoundFolder(), "libm.so.6"), impostor);
  const foreign = runOrFail(...runtime(file), { env });
  await assertLibraryError(foreign, "ERR_HALFLAP_LIBRARY_TOO_OLD", /snd_\w+.*libasound/s);
});

/** Runs a program with a limit of the shell's `ulimit`. */
const runLimited = (limit: string, command: string, args: readonly string[]): Promise<Finished> =>
  runOrFail("sh", ["-c", `ulimit ${limit} && exec "$@"`, "sh", command, ...args]);

const importsOfPrograms = `
import { closeSync, openSync } from "node:fs";
import { HalflapError, openPlayback } from ${JSON.stringify(`${root}/mod.ts`)};
import { engineCounters, openVirtualCard } from ${JSON.stringify(`${root}/lib/testing/mod.ts`)};
const result = { errors: [] };
async function play(options) {
  await using out = await openPlayback({ device: "virtual", ...options });
  await out.write(new Float32Array(2 * 4800));
  await out.drain();
  return out.stats().framesPlayed;
}
async function tryToPlay(options) {
  await play(options).catch((error) => {
    if (!(error instanceof HalflapError)) throw error;
    result.errors.push(error.code);
  });
}
async function end() {
  result.framesPlayed = await play();
  const { streams, pcms, bytes } = engineCounters();
  console.log(JSON.stringify({ ...result, held: [streams, pcms, bytes] }));
  process.exit(0);
}
`;

test("memory that the system refuses is a typed error", async () => {
  await using folder = await temporaryFolder();
  const file = path.join(folder.path, "program.mjs");
  const largest = "{ format: 'f64', channels: 32, queueFrames: 16_777_216 }";
  const attempts = `for (let count = 0; count < 3; count++) await tryToPlay(${largest});`;
  writeFileSync(file, `${importsOfPrograms}${attempts}\nawait end();`);
  const { stdout } = await runLimited("-d 3000000", ...runtime(file));
  const { errors, framesPlayed, held } = JSON.parse(stdout);
  assert.deepEqual(errors, Array(3).fill("ERR_HALFLAP_OUT_OF_MEMORY"));
  assert.deepEqual([framesPlayed, held], [4800, [0, 0, 0]]);
});

test("descriptors that the system refuses do no lasting damage", async () => {
  await using folder = await temporaryFolder();
  const file = path.join(folder.path, "program.mjs");
  const attempts = `
const descriptors = [];
engineCounters();
try {
  for (;;) descriptors.push(openSync("/dev/null"));
} catch (error) {
  result.refused = error.code;
}
for (const device of ["virtual", "null", "default", "virtual"]) await tryToPlay({ device });
descriptors.forEach((descriptor) => closeSync(descriptor));
await end();`;
  writeFileSync(file, importsOfPrograms + attempts);
  const { stdout } = await runLimited("-n 200", ...runtime(file));
  const { refused, framesPlayed, held } = JSON.parse(stdout);
  assert.equal(refused, "EMFILE");
  assert.deepEqual([framesPlayed, held], [4800, [0, 0, 0]]);
});
