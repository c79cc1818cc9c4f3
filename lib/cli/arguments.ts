/**
 * Splits a command line into options and positionals, and reads numbers from it.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { checkInteger, checkNumber } from "../check.ts";
import { UsageError } from "./command_error.ts";

/** The options of a command: with a value, or without. `--help` and `-h` come by themselves. */
export type OptionKinds = Readonly<Record<string, "value" | "flag">>;

type NamesOf<Kinds extends OptionKinds, Kind> = {
  [Name in keyof Kinds & string]: Kinds[Name] extends Kind ? Name : never;
}[keyof Kinds & string];

/** A command line, taken apart. */
export interface Arguments<Kinds extends OptionKinds> {
  /** Values of the options that were given. */
  readonly values: { readonly [Name in NamesOf<Kinds, "value">]?: string };
  /** The flags that were given. */
  readonly flags: ReadonlySet<NamesOf<Kinds, "flag"> | "help">;
  /** What was given besides. */
  readonly positionals: readonly string[];
}

type Token = NonNullable<ReturnType<typeof parseArgs>["tokens"]>[number];
type OptionToken = Extract<Token, { kind: "option" }>;

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;
const NEGATIVE_NUMBER = /^-[\d.]/;

/** Takes a command line apart. */
export function parseArguments<Kinds extends OptionKinds>(
  args: readonly string[],
  kinds: Kinds,
): Arguments<Kinds> {
  const known: OptionKinds = { ...kinds, help: "flag" };
  const { tokens, positionals } = parseArgs({
    args: [...args],
    options: parserOptions(known),
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const values: Record<string, string> = {};
  const flags = new Set<string>();
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    if (kindOf(token, known) === "flag") flags.add(token.name);
    else if (token.name in values) throw new UsageError(`"${token.rawName}" is given twice`);
    else values[token.name] = valueOf(token);
  }
  return {
    values: values as Arguments<Kinds>["values"],
    flags: flags as Arguments<Kinds>["flags"] & Set<string>,
    positionals,
  };
}

function parserOptions(kinds: OptionKinds): Record<string, { type: "string" | "boolean" }> {
  const options: Record<string, { type: "string" | "boolean"; short?: string }> = {};
  for (const [name, kind] of Object.entries(kinds)) {
    options[name] = { type: kind === "flag" ? "boolean" : "string" };
  }
  options["help"] = { type: "boolean", short: "h" };
  return options;
}

function kindOf(token: OptionToken, kinds: OptionKinds): "value" | "flag" {
  const kind = Object.hasOwn(kinds, token.name) ? kinds[token.name] : undefined;
  if (kind === undefined) throw new UsageError(`Unknown option "${token.rawName}"`);
  if (kind === "flag" && token.value !== undefined) {
    throw new UsageError(`"${token.rawName}" takes no value: it was given "${token.value}"`);
  }
  return kind;
}

function valueOf({ rawName, value, inlineValue }: OptionToken): string {
  const isOption = value?.startsWith("-") && !inlineValue && !NEGATIVE_NUMBER.test(value);
  if (value === undefined || value === "" || isOption) {
    throw new UsageError(`"${rawName}" needs a value`);
  }
  return value;
}

/** Checks that there are no positionals. */
export function refusePositionals(positionals: readonly string[]): void {
  if (positionals.length === 0) return;
  throw new UsageError(`Unexpected argument "${positionals[0]}"`);
}

// What is no number stays text, so that the check's message can show it.
const numberOrText = (text: string): unknown => NUMBER.test(text) ? Number(text) : text;

/** Reads an integer from min to max. */
export function parseInteger(name: string, text: string, min: number, max: number): number {
  return checkInteger(name, numberOrText(text), min, max);
}

/** Reads a number from min to max. */
export function parseNumber(name: string, text: string, min: number, max: number): number {
  return checkNumber(name, numberOrText(text), min, max);
}
