/** Files of /proc/asound as no kernel that is known writes them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { linux61, linux612, sample, streams } from "../../tests/asound_samples.ts";
import { computeRing } from "../inspect/ring.ts";
import { explainPcm } from "../inspect/meanings.ts";
import { parseCards } from "./cards.ts";
import { parseDevices } from "./devices.ts";
import type { UnknownLines } from "./field_reader.ts";
import { parseHwParams } from "./hw_params.ts";
import { parsePcmInfo } from "./pcm_info.ts";
import { parsePcmStatus } from "./pcm_status.ts";
import { parsePcms } from "./pcms.ts";
import { parseSwParams } from "./sw_params.ts";
import { parseTimers } from "./timers.ts";
import { parseXrunDebug } from "./xrun_debug.ts";

type Parse = (text: string) => UnknownLines | undefined;
type Fields = Readonly<Record<string, unknown>>;

const numRuns = 300;
const kernels = [linux61, linux612];

/** Parsers of files with fields, and what they are tried on. */
const fieldFiles: readonly (readonly [Parse, readonly string[]])[] = [
  [parseHwParams, streams.map((stream) => sample(stream, "hw_params"))],
  [parseSwParams, streams.map((stream) => sample(stream, "sw_params"))],
  [parsePcmStatus, streams.map((stream) => sample(stream, "status"))],
  [parsePcmInfo, kernels.map((kernel) => sample(kernel, "card0/pcm0p/info"))],
];
const listFiles: readonly (readonly [Parse, readonly string[]])[] = [
  [parseCards, kernels.map((kernel) => sample(kernel, "cards"))],
  [parsePcms, kernels.map((kernel) => sample(kernel, "pcm"))],
  [parseDevices, kernels.map((kernel) => sample(kernel, "devices"))],
  [parseTimers, kernels.map((kernel) => sample(kernel, "timers"))],
];
const files = [...fieldFiles, ...listFiles];

const isOpen = (text: string): boolean => text.includes(":");
const pairs = (of: readonly (typeof files)[number][]): [Parse, string][] =>
  of.flatMap(([parse, texts]) =>
    texts.filter(isOpen).map((text): [Parse, string] => [parse, text])
  );

const anyFile = fc.constantFrom(...pairs(files));
const anyFieldFile = fc.constantFrom(...pairs(fieldFiles));
const numbers = fc.oneof(
  fc.constantFrom(
    "0",
    "-0",
    "-1",
    "18446744073709551615",
    "9".repeat(400),
    "1e400",
    "NaN",
    "",
    "\0",
  ),
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }).map(String),
);

/** A real file with characters, numbers or lines changed at some places. */
const damagedFile = fc.tuple(
  anyFile,
  fc.array(fc.tuple(fc.nat(), fc.oneof(numbers, fc.string({ unit: "binary" })), fc.nat(9))),
).map(([[parse, text], changes]): [Parse, string] => {
  const changed = changes.reduce((before, [place, inserted, removed]) => {
    const at = place % (before.length + 1);
    return before.slice(0, at) + inserted + before.slice(at + removed);
  }, text);
  return [parse, changed];
});

/** A file whose numbers are others. */
const otherNumbers = (text: string) =>
  fc.array(numbers, { minLength: 20, maxLength: 20 }).map((values) => {
    let index = 0;
    return text.replace(/\d+/g, () => values[index++ % values.length]!);
  });

const isBlank = (line: string): boolean => line.trim() === "" || /^-+$/.test(line.trim());
const withoutUnknown = (parsed: UnknownLines | undefined): Fields => ({ ...parsed, unknown: [] });

function assertFinite(value: unknown): void {
  if (typeof value === "number") assert.ok(Number.isFinite(value), `${value}`);
  else if (typeof value === "object" && value !== null) Object.values(value).forEach(assertFinite);
}

test("any text is parsed, to numbers that are finite", () => {
  const parsers = [...files.map(([parse]) => parse), parseXrunDebug];
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
      for (const parse of parsers) assertFinite(parse(text));
    }),
    { numRuns },
  );
});

test("a damaged file is parsed, and what is not understood is kept", () => {
  fc.assert(
    fc.property(damagedFile, ([parse, text]) => {
      const parsed = parse(text);
      assertFinite(parsed);
      const lines = text.split("\n");
      for (const line of parsed?.unknown ?? []) assert.ok(lines.includes(line));
      if (parsed === undefined) assert.match(text, /^\s*(closed|no setup)\s*$/);
    }),
    { numRuns },
  );
});

test("a file that was cut off gives no wrong value", () => {
  for (const [parse, text] of pairs(fieldFiles)) {
    const whole: Fields = { ...parse(text) };
    for (let length = 0; length < text.length; length++) {
      const { unknown, ...fields } = parse(text.slice(0, length))!;
      for (const [name, value] of Object.entries(fields)) {
        if (value !== undefined) {
          assert.equal(value, whole[name], `${name} of ${length} characters`);
        }
      }
      const lastLine = text.slice(0, length).split("\n").at(-1)!;
      assert.deepEqual(unknown, lastLine === "" ? [] : [lastLine]);
    }
  }
});

test("fields in another order are the same fields", () => {
  const reordered = anyFieldFile.chain(([parse, text]) => {
    const lines = text.split("\n").filter((line) => line !== "");
    const shuffled = fc.shuffledSubarray(lines, { minLength: lines.length });
    return fc.tuple(fc.constant(parse), fc.constant(text), shuffled);
  });
  fc.assert(
    fc.property(reordered, ([parse, text, lines]) => {
      assert.deepEqual(parse(`${lines.join("\n")}\n`), parse(text));
    }),
    { numRuns },
  );
});

test("fields of a later kernel are kept as lines", () => {
  const name = fc.stringMatching(/^[a-z_]{1,20}$/).map((text) => `new_${text}`);
  const lines = fc.array(fc.tuple(name, fc.string()).map(([key, text]) => `${key}: ${text}`))
    .map((all) => all.filter((line) => !line.includes("\n") && !isBlank(line)));
  fc.assert(
    fc.property(anyFieldFile, lines, ([parse, text], added) => {
      const parsed = parse(`${added.map((line) => `${line}\n`).join("")}${text}`);
      assert.deepEqual(parsed?.unknown, added);
      assert.deepEqual(withoutUnknown(parsed), withoutUnknown(parse(text)));
    }),
    { numRuns },
  );
});

test("names that objects have by themselves are unknown lines as well", () => {
  for (const [parse, text] of pairs(fieldFiles)) {
    const lines = ["__proto__: 1", "constructor: 2", "toString: 3"];
    assert.deepEqual(parse(`${lines.join("\n")}\n${text}`)?.unknown, lines);
  }
});

test("any numbers at all give a ring and meanings whose numbers are finite", () => {
  const texts = fc.constantFrom(...streams.slice(0, 2)).chain((stream) =>
    fc.tuple(
      otherNumbers(sample(stream, "hw_params")),
      otherNumbers(sample(stream, "sw_params")),
      otherNumbers(sample(stream, "status")),
    )
  );
  fc.assert(
    fc.property(texts, fc.constantFrom("playback", "capture"), ([hw, sw, text], direction) => {
      const [hwParams, swParams, status] = [
        parseHwParams(hw),
        parseSwParams(sw),
        parsePcmStatus(text),
      ];
      assertFinite(hwParams && status && computeRing(direction, hwParams, status));
      const meanings = explainPcm({ direction, state: status?.state, hwParams, swParams });
      for (const meaning of Object.values(meanings)) {
        assert.doesNotMatch(meaning, /NaN|Infinity|undefined/);
      }
    }),
    { numRuns },
  );
});
