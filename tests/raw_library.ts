/** The library's own functions, by the FFI of either runtime, with nothing in between. */
import { SYMBOLS } from "../lib/ffi/abi.generated.ts";

export type Argument = number | ArrayBufferView | null;
export type SymbolName = keyof typeof SYMBOLS;
export type RawLibrary = Readonly<Record<SymbolName, (...args: Argument[]) => number>>;

type Definition = { readonly parameters: readonly string[]; readonly result: string };

/** All functions by name; none is called in another thread, as `nonblocking` would do. */
const definitions = Object.entries(SYMBOLS)
  .map(([name, { parameters, result }]): [string, Definition] => [name, { parameters, result }]);

function openByDeno(file: string): RawLibrary {
  const symbols = Object.fromEntries(definitions) as Record<string, Deno.ForeignFunction>;
  return Deno.dlopen(file, symbols).symbols as unknown as RawLibrary;
}

async function openByBun(file: string): Promise<RawLibrary> {
  const { dlopen } = await import("bun:ffi");
  const types: Readonly<Record<string, "ptr" | "u32" | "i32" | "f64">> = {
    buffer: "ptr",
    u32: "u32",
    i32: "i32",
    f64: "f64",
  };
  const typeOf = (name: string) => types[name] ?? "ptr";
  const symbols = Object.fromEntries(
    definitions.map(([name, { parameters, result }]) => [
      name,
      { args: parameters.map(typeOf), returns: typeOf(result) },
    ]),
  );
  return dlopen(file, symbols).symbols as unknown as RawLibrary;
}

/** Opens a library for the rest of the process. */
export async function openRawLibrary(file: string): Promise<RawLibrary> {
  return typeof Deno === "undefined" ? await openByBun(file) : openByDeno(file);
}
