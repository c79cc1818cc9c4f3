/** For programs whose garbage is measured: marks in the log of the garbage collector. */

const runtime = globalThis as {
  /** Deno, with `--expose-gc`. */
  readonly gc?: () => void;
  readonly Bun?: { gc(force: boolean): void };
};

const collect: () => void = runtime.Bun !== undefined
  ? () => runtime.Bun!.gc(true)
  : runtime.gc ?? (() => {
    throw new Error("There is no gc(): start Deno with --v8-flags=--expose-gc");
  });

/** From here on garbage counts. */
export function beginMeasuring(): void {
  collect();
  collect();
  console.error("BEGIN");
}

/** Up to here. */
export function endMeasuring(): void {
  console.error("END");
  collect();
}
