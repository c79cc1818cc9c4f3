/**
 * Checks of what callers pass. Native code must never see a number that was not checked: Bun turns
 * `NaN` into 0 and -1 into 4294967295, and so does Deno once a call site is compiled.
 *
 * @module
 */

const MAX_SHOWN_CHARACTERS = 80;
const encoder = new TextEncoder();

function shown(value: unknown): string {
  if (typeof value === "string") {
    const start = value.slice(0, MAX_SHOWN_CHARACTERS);
    return JSON.stringify(start === value ? value : `${start}…`);
  }
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return "a function";
  if (typeof value === "object" && value !== null) {
    return `a ${value.constructor?.name ?? "object"}`;
  }
  return String(value);
}

function mustBe(name: string, wanted: string, value: unknown): string {
  return `"${name}" must be ${wanted}: current value is ${shown(value)}`;
}

function wrongNumber(name: string, wanted: string, value: unknown): TypeError | RangeError {
  const message = mustBe(name, wanted, value);
  return typeof value === "number" ? new RangeError(message) : new TypeError(message);
}

// The checks below run for every period that is rendered: only a wrong number may cost a string.

/** Returns the number, if it is one from min to max. */
export function checkNumber(name: string, value: unknown, min: number, max: number): number {
  if (typeof value === "number" && value >= min && value <= max) return value;
  throw wrongNumber(name, `a number from ${min} to ${max}`, value);
}

/** Returns the number, if it is an integer from min to max. */
export function checkInteger(name: string, value: unknown, min: number, max: number): number {
  if (isIntegerFrom(value, min, max)) return value;
  throw wrongNumber(name, `an integer from ${min} to ${max}`, value);
}

/** Returns the number, if it is one from min to max, or Infinity. */
export function checkNumberOrInfinity(
  name: string,
  value: unknown,
  min: number,
  max: number,
): number {
  if (value === Infinity) return value;
  if (typeof value === "number" && value >= min && value <= max) return value;
  throw wrongNumber(name, `a number from ${min} to ${max}, or Infinity`, value);
}

/** Returns the number, if it is an integer from min to max, or Infinity. */
export function checkIntegerOrInfinity(
  name: string,
  value: unknown,
  min: number,
  max: number,
): number {
  if (value === Infinity || isIntegerFrom(value, min, max)) return value;
  throw wrongNumber(name, `an integer from ${min} to ${max}, or Infinity`, value);
}

/** Returns the number, if it is above 0 and at most max. */
export function checkPositive(name: string, value: unknown, max: number): number {
  if (typeof value === "number" && value > 0 && value <= max) return value;
  throw wrongNumber(name, `a number above 0 and at most ${max}`, value);
}

function isIntegerFrom(value: unknown, min: number, max: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= min && value <= max;
}

/** Returns the string, if it is one of the words. */
export function checkWord<Word extends string>(
  name: string,
  value: unknown,
  words: readonly Word[],
): Word {
  const word = words.find((candidate) => candidate === value);
  if (word !== undefined) return word;
  const wanted = `one of ${words.map((candidate) => `"${candidate}"`).join(", ")}`;
  throw new TypeError(mustBe(name, wanted, value));
}

/** Returns the boolean, if it is one. */
export function checkBoolean(name: string, value: unknown): boolean {
  if (typeof value !== "boolean") throw new TypeError(mustBe(name, "true or false", value));
  return value;
}

/** Returns the string, if it is one that a C function can take. */
export function checkText(name: string, value: unknown, maxBytes: number): string {
  const wanted = `a string of 1 to ${maxBytes} bytes without null characters`;
  if (typeof value !== "string") throw new TypeError(mustBe(name, wanted, value));
  const { length } = encoder.encode(value);
  if (length === 0 || length > maxBytes || value.includes("\0")) {
    throw new RangeError(mustBe(name, wanted, value));
  }
  return value;
}

/** Returns the signal, if it is one or undefined. */
export function checkSignal(value: unknown): AbortSignal | undefined {
  if (value === undefined || value instanceof AbortSignal) return value;
  throw new TypeError(mustBe("signal", "an AbortSignal", value));
}

/**
 * Returns the properties of an options object, if it has none but the known ones. A property whose
 * value is undefined counts as not given.
 */
export function checkOptions<Options extends object>(
  what: string,
  options: unknown,
  known: readonly (keyof Options & string)[],
): { readonly [Name in keyof Options]?: unknown } {
  if (options === undefined) return {};
  if (typeof options !== "object" || options === null) {
    throw new TypeError(mustBe(what, "an object", options));
  }
  for (const name of Object.keys(options)) {
    if ((known as readonly string[]).includes(name)) continue;
    const names = known.map((candidate) => `"${candidate}"`).join(", ");
    throw new TypeError(`There is no option "${name}" in ${what}: it knows ${names}`);
  }
  return options;
}
