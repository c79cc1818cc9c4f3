/**
 * Reads files of lines such as `period_size: 1024`, as the kernel writes them below /proc/asound.
 * Lines that nobody takes are kept: a later kernel may write more, or other things.
 *
 * @module
 */

const RULE = /^-+$/;

/** What a file says that no one knows how to read. */
export interface UnknownLines {
  /** Lines that halflap cannot read, as the kernel wrote them: a later kernel may write more. */
  readonly unknown: readonly string[];
}

/** The lines of a text, and whether the last one is whole. */
export interface Lines {
  /** Lines that end in a newline, without it and without empty ones. */
  readonly whole: readonly string[];
  /** What follows the last newline: a line that was cut off. */
  readonly cut: readonly string[];
}

/** Splits a file's text into lines. */
export function splitLines(text: string): Lines {
  const lines = text.split("\n");
  const isSaying = (line: string): boolean => line.trim() !== "";
  return { whole: lines.slice(0, -1).filter(isSaying), cut: lines.slice(-1).filter(isSaying) };
}

/** The fields of a file. A field can be anywhere in it; one that is cut off is none. */
export class FieldReader {
  readonly #lines: string[];
  readonly #cut: readonly string[];

  /** @param text The file's text. */
  constructor(text: string) {
    const { whole, cut } = splitLines(text);
    this.#lines = whole.filter((line) => !RULE.test(line.trim()));
    this.#cut = cut;
  }

  /** Lines that were not taken. */
  get unknown(): readonly string[] {
    return [...this.#lines, ...this.#cut];
  }

  /** Takes the first field of that name whose value can be parsed. */
  take<Value>(name: string, parse: (text: string) => Value | undefined): Value | undefined {
    for (const [index, line] of this.#lines.entries()) {
      const colon = line.indexOf(":");
      if (colon === -1 || line.slice(0, colon).trim() !== name) continue;
      const value = parse(line.slice(colon + 1).trim());
      if (value === undefined) continue;
      this.#lines.splice(index, 1);
      return value;
    }
    return undefined;
  }
}
