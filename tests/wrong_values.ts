/**
 * Values that an option must refuse, each with the error that it must be refused with: every wrong
 * type, and for numbers all around their range.
 */
import assert from "node:assert/strict";

/** Calls anything with anything, as plain JavaScript can. */
export type Untyped = (...args: unknown[]) => unknown;

/** The method of an object, for arguments that its type forbids. */
export const method = (object: object, name: string): Untyped => (...args) => {
  const untyped = object as Record<string, Untyped | undefined>;
  assert.ok(untyped[name], `There is no method "${name}"`);
  return untyped[name](...args);
};

const escape = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

interface Expected {
  readonly name: string | RegExp;
  readonly message: RegExp;
}

export const typeError = (...texts: string[]): Expected => ({
  name: "TypeError",
  message: new RegExp(texts.map(escape).join(".*"), "s"),
});
export const rangeError = (...texts: string[]): Expected => ({
  ...typeError(...texts),
  name: "RangeError",
});

/** A wrong call, what it must be refused with, and what it is called in a message. */
export type Case = readonly [value: unknown, expected: Expected];

/** Everything that is no number; the error must name the option and its range all the same. */
export const notNumbers: readonly unknown[] = [
  null,
  "48000",
  "",
  48_000n,
  true,
  {},
  [],
  [480],
  () => 480,
  new Date(480),
  Object(480),
  Symbol("480"),
];

export interface NumberRange {
  readonly min: number;
  readonly max: number;
  readonly integer: boolean;
  /** Infinity means "without a limit" for a few options. */
  readonly infinity?: boolean;
}

export const integer = (min: number, max: number): NumberRange => ({ min, max, integer: true });
export const float = (min: number, max: number): NumberRange => ({ min, max, integer: false });

function wrongNumbers({ min, max, integer, infinity }: NumberRange): readonly number[] {
  const step = integer ? 1 : 1e-9 * Math.max(1, max);
  return [
    min - step,
    max + step,
    NaN,
    -Infinity,
    -Number.MAX_VALUE,
    Number.MAX_VALUE,
    ...(integer ? [min + 0.5, max - 0.5] : []),
    ...(infinity ? [] : [Infinity]),
  ];
}

/** What a number in this range must be refused with, for every wrong value there is. */
export function numberCases(name: string, range: NumberRange): readonly Case[] {
  const texts = [`"${name}"`, `${range.min} to ${range.max}`];
  if (range.infinity) texts.push("Infinity");
  return [
    ...wrongNumbers(range).map((value): Case => [value, rangeError(...texts)]),
    ...notNumbers.map((value): Case => [value, typeError(...texts)]),
  ];
}

/** Words, of which the message must list all. */
export function wordCases(name: string, words: readonly string[]): readonly Case[] {
  const wrong = [null, "", "AUTO", `${words[0]} `, 0, NaN, 1n, true, {}, words, Symbol("auto")];
  const expected = typeError(`"${name}"`, ...words.map((word) => `"${word}"`));
  return wrong.map((value): Case => [value, expected]);
}

const wrongObjects = [null, 1, "default", true, 1n, Symbol("options"), () => {}];

/** Refuses an options object that is none, and options that do not exist. */
export function objectCases(...known: readonly string[]): readonly Case[] {
  return [
    ...wrongObjects.map((value): Case => [value, typeError("options", "must be an object")]),
    [{ colour: "red" }, typeError('"colour"', ...known.map((name) => `"${name}"`))],
    [{ [`${known[0]} `]: 1 }, typeError(`"${known[0]} "`)],
  ];
}

/** Cases of one option, as cases of the whole options object. */
export const inOption = (name: string, cases: readonly Case[]): readonly Case[] =>
  cases.map(([value, expected]): Case => [{ [name]: value }, expected]);

const describe = (value: unknown): string => {
  if (typeof value !== "object" || value === null) return `${typeof value} ${String(value)}`;
  return `{ ${
    Object.entries(value).map(([key, each]) => `${key}: ${describe(each)}`).join(", ")
  } }`;
};

/** Every value must be refused as expected: by a rejection, or synchronously by what is no promise. */
export async function assertRefused(call: Untyped, cases: readonly Case[]): Promise<void> {
  assert.ok(cases.length > 0);
  for (const [value, { name, message }] of cases) {
    const error = await callForError(call, value);
    const what = `${describe(value)}: ${error}`;
    assert.equal(error.name, name, what);
    assert.match(error.message, message, what);
    assert.match(error.message, /^["A-Z].*[^.]$/s, what);
    assert.ok(error.message.length < 2000, `${what.slice(0, 200)}... is too long`);
  }
}

async function callForError(call: Untyped, ...args: unknown[]): Promise<Error> {
  try {
    await call(...args);
  } catch (error) {
    assert.ok(error instanceof Error, `${describe(error)} was thrown`);
    return error;
  }
  return assert.fail(`${args.map(describe)} was accepted`);
}
