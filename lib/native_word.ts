/**
 * Enums of the engine as the words of the public API.
 *
 * @module
 */

/** Returns the name of a number in one of the generated enums. */
export function wordOf<Enum extends Readonly<Record<string, number>>>(
  values: Enum,
  number: number,
): Extract<keyof Enum, string> {
  for (const name in values) if (values[name] === number) return name;
  throw new Error(`The engine returned the unknown value ${number}`);
}
