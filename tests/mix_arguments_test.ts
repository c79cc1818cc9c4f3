/** Wrong mixes, and wrong calls of their inputs: each is an error that says what is wrong. */
import assert from "node:assert/strict";
import { NativeMixInput } from "../lib/native_mix.ts";
import {
  clip,
  mix,
  MixClip,
  MixQueue,
  MixTone,
  openPlayback,
  PlaybackMix,
  silence,
  tone,
} from "../mod.ts";
import { monoSource, openCard48k, test } from "./harness.ts";
import {
  assertRefused,
  type Case,
  float,
  inOption,
  integer,
  method,
  numberCases,
  objectCases,
  rangeError,
  typeError,
  type Untyped,
} from "./wrong_values.ts";

const open = openPlayback as Untyped;
const makeMix = mix as Untyped;
const hum = tone({ frequencyHz: 440 });
const sound = clip(new Float32Array(8));

/** Each as the second input of a mix, so that a message has to say which one it is. */
const asInput = (cases: readonly Case[]): readonly Case[] =>
  cases.map(([value, expected]): Case => [[{}, value], expected]);

test("mix() refuses what is no list of 1 to 256 inputs", async () => {
  const notLists = [undefined, null, 0, "queue", {}, () => [], new Set([{}]), { length: 1 }];
  await assertRefused(makeMix, notLists.map((value): Case => [value, typeError("array")]));
  await assertRefused(makeMix, [
    [[], rangeError("number of inputs", "1 to 256")],
    [Array.from({ length: 257 }, () => ({})), rangeError("1 to 256", "257")],
    [new Array(3), typeError("inputs[0]")],
    [[{}, undefined, {}], typeError("inputs[1]")],
  ]);
});

test("mix() refuses wrong inputs by their place and option", async () => {
  const what = "inputs[1]";
  const notObjects = [undefined, null, 1, "queue", true, Symbol("input"), () => {}];
  await assertRefused(
    makeMix,
    asInput(notObjects.map((value): Case => [value, typeError(`"${what}"`, "an object")])),
  );
  await assertRefused(
    makeMix,
    asInput([
      ...inOption("queueFrames", numberCases(`${what}.queueFrames`, integer(16, 16_777_216))),
      ...inOption("gain", numberCases(`${what}.gain`, float(0, 16))),
      [{ autoplay: true }, typeError('"autoplay"', what)],
      [{ volume: 1 }, typeError('"volume"', what, '"gain"')],
      [{ source: hum, queueFrames: 100 }, typeError('"queueFrames"', what)],
      [{ source: hum, autoplay: true }, typeError('"autoplay"', what)],
      [{ source: sound, loop: true }, typeError('"loop"', what)],
      [{ source: sound, gain: 17 }, rangeError(`${what}.gain`)],
      ...[null, 0, 1, "true", {}].map((autoplay): Case => [
        { source: sound, autoplay },
        typeError(`${what}.autoplay`),
      ]),
    ]),
  );
  const notSources = [null, 0, "tone", {}, [], silence(), mix([{}]), { kind: "queue" }, () => hum];
  const cases = notSources.map((source): Case => [{ source }, typeError(`${what}.source`)]);
  await assertRefused(makeMix, asInput(cases));
});

test("openPlayback() refuses mixes that do not fit the stream, and forged ones", async () => {
  const cases: Case[] = [
    [{ source: mix([{}]), queueFrames: 100 }, typeError('"queueFrames"')],
    [{ source: mix([{}]), startThreshold: 100 }, rangeError('"startThreshold"')],
    [{ source: mix([{ source: hum }]), rate: 4000, gain: 17 }, rangeError('"gain"')],
    [
      { source: mix([{ source: tone({ frequencyHz: 5000 }) }]), rate: 8000 },
      rangeError('"frequencyHz"', "4000"),
    ],
    [{ source: mix([{ source: sound }]), format: "s16" }, typeError("s16", "Int16Array")],
    [{ source: mix([{ source: sound }]), channels: 3 }, rangeError("whole frames")],
    [{ source: mix([{ source: clip(new Float32Array(0)) }]) }, rangeError("frame")],
    [{ source: { kind: "mix" } }, typeError("array")],
    [{ source: { kind: "mix", inputs: [] } }, rangeError("1 to 256")],
    [{ source: { kind: "mix", inputs: [{ gain: NaN }] } }, rangeError("inputs[0].gain")],
    [
      { source: { kind: "mix", inputs: [{ source: { kind: "tone", frequencyHz: NaN } }] } },
      rangeError('"frequencyHz"'),
    ],
    [
      { source: { kind: "mix", inputs: [{ source: { kind: "clip" } }] } },
      typeError("Float32Array"),
    ],
  ];
  await assertRefused(open, cases);
});

test("a mix keeps what it was made of", () => {
  const inputs = [{ gain: 0.5 }];
  const made = mix(inputs);
  inputs[0]!.gain = 99;
  inputs.push({ gain: 1 });
  assert.deepEqual(made.inputs, [{ gain: 0.5 }]);
  assert.ok(
    Object.isFrozen(made) && Object.isFrozen(made.inputs) && Object.isFrozen(made.inputs[0]),
  );
});

test("only openPlayback() makes streams of mixes and inputs", () => {
  for (const type of [MixTone, MixClip, MixQueue, PlaybackMix]) {
    const make = type as unknown as new (...args: unknown[]) => unknown;
    for (const args of [[], [{}, 1], [null, 1, [], 1], [NativeMixInput, 1]]) {
      assert.throws(() => new make(...args), /Illegal constructor: use openPlayback\(\)/);
    }
  }
});

test("wrong calls of inputs leave them as they were", async () => {
  await using card = await openCard48k();
  const lap = clip(new Int32Array(100).fill(5), { loop: true });
  const source = mix([{ queueFrames: 500 }, { source: lap, gain: 1 }]);
  await using out = await openPlayback({ ...monoSource, device: card.device, source });
  const [queue, alarm] = out.inputs;
  const fades = [
    ...objectCases("fadeMs"),
    ...inOption("fadeMs", numberCases("fadeMs", float(0, 60_000))),
  ];
  const ramps = [
    ...objectCases("rampMs"),
    ...inOption("rampMs", numberCases("rampMs", float(0, 60_000))),
  ];
  const gains: Case[] = [...numberCases("gain", float(0, 16)), [undefined, typeError('"gain"')]];
  const wrongSamples: Case[] = [
    ...[undefined, null, 0, "samples", [0], new Float32Array(2), new ArrayBuffer(8)].map(
      (value): Case => [value, typeError("s32", "Int32Array")],
    ),
  ];
  for (const name of ["play", "stop"]) await assertRefused(method(alarm, name), fades);
  for (const input of out.inputs) {
    await assertRefused(method(input, "setGain"), gains);
    await assertRefused((options) => method(input, "setGain")(1, options), ramps);
    assert.equal(input.gain, 1);
  }
  for (const name of ["write", "tryWrite"]) {
    await assertRefused(method(queue, name), wrongSamples);
  }
  const signals = [null, 0, {}].map((signal): Case => [{ signal }, typeError("AbortSignal")]);
  await assertRefused(
    (options) => method(queue, "write")(new Int32Array(1), options),
    signals,
  );
  await card.advance(1000);
  assert.equal(alarm.playing, true);
  assert.equal(queue.stats().framesAccepted, 0);
  assert.ok(card.played().every((sample) => sample === 5));
});
