/**
 * What rendering leaves to the garbage collector, told by the collector's own log: nothing for each
 * period. Beside each program runs the same one with a callback that allocates, so that a log that
 * tells nothing is no proof.
 */
import assert from "node:assert/strict";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { root, test } from "./harness.ts";
import { run } from "./programs.ts";

const limitMs = 60_000;
const isBun = process.versions.bun !== undefined;

interface Garbage {
  /** Collections between the marks. */
  readonly collections: number;
  /** Bytes allocated between the marks. */
  readonly bytes: number;
}

/** One collection, by the log: before and after it, and whether a mark asked for it. */
interface Collection {
  readonly heap: string;
  readonly bytes: number;
  readonly isMark: boolean;
}

/** V8 says of each collection what had been allocated since the one before. */
function readV8Log(log: string): Garbage {
  const collections = [...log.matchAll(/:(0x[0-9a-f]+):?.* GC: (\{.*)$/gm)].map(
    ([, heap = "", line = ""]): Collection => ({
      heap,
      bytes: Number(/"allocated":(\d+)/.exec(line)?.[1]),
      isMark: line.includes('"reason":"testing"'),
    }),
  );
  const marked = collections.find(({ isMark }) => isMark)?.heap;
  const own = collections.filter(({ heap }) => heap === marked);
  const marks = own.flatMap(({ isMark }, index) => isMark ? [index] : []);
  assert.equal(marks.length, 3, `${marks.length} marks`);
  const between = own.slice(marks[1]! + 1, marks[2]! + 1);
  const bytes = between.reduce((sum, collection) => sum + collection.bytes, 0);
  return { collections: between.length - 1, bytes };
}

/** JavaScriptCore says how large the heap is when a collection starts, and after it. */
function readJscLog(log: string): Garbage {
  const [before = "", rest = ""] = log.split("BEGIN\n");
  const [between = "", after = ""] = rest.split("END\n");
  const starts = (text: string) => [...text.matchAll(/GC<(0x[0-9a-f]+)>: START M (\d+)kb/g)];
  const heap = starts(before).at(-1)?.[1];
  const own = (text: string) => starts(text).filter(([, name]) => name === heap);
  const first = own(before).at(-1)?.[2];
  const last = own(after)[0]?.[2];
  assert.ok(first !== undefined && last !== undefined, "No marks");
  return { collections: own(between).length, bytes: 1024 * (Number(last) - Number(first)) };
}

// On a busy machine a compiler of its own thread comes late, and code that it has not seen makes
// garbage: it has to do its work at once.
const v8Flags = ["--expose-gc", "--trace-gc", "--trace-gc-nvp", "--no-concurrent-recompilation"];
const jscOptions = { BUN_JSC_logGC: "1", BUN_JSC_useConcurrentJIT: "0" };

/** Runs a program that marks where its garbage counts; it prints a number last. */
async function measure(code: string): Promise<Garbage & { readonly printed: number }> {
  const flags = isBun ? ["-e"] : ["eval", `--v8-flags=${v8Flags.join()}`, "--ext=ts"];
  const options = { env: jscOptions, cwd: root, killAfterMs: limitMs };
  const { code: exitCode, stdout, stderr } = await run(
    process.execPath,
    [...flags, code],
    options,
  );
  assert.equal(exitCode, 0, stderr);
  const printed = Number(/printed (\d+)/.exec(stderr)?.[1]);
  return { ...(isBun ? readJscLog(stderr) : readV8Log(stdout)), printed };
}

const urlOf = (file: string): string => pathToFileURL(`${root}/${file}`).href;

const waitingPeriods = 10_000;

/** A Worker whose loop waits by a blocking call. */
const waitInWorker = (allocates: boolean) => `
  import process from "node:process";
  const worker = new Worker(${
  JSON.stringify(urlOf("tests/waiting_worker.ts"))
}, { type: "module" });
  worker.onerror = (event) => { console.error(event.message); process.exit(1); };
  worker.onmessage = ({ data }) => { console.error("printed", data); process.exit(0); };
  worker.postMessage({ allocates: ${allocates}, periods: ${waitingPeriods} });
`;

test("a Worker that waits by a blocking call allocates nothing for a period", async () => {
  const { collections, bytes, printed } = await measure(waitInWorker(false));
  assert.equal(printed, waitingPeriods);
  assert.equal(collections, 0);
  // Some kilobytes are the compilers', however many periods there are.
  assert.ok(bytes < 4 * waitingPeriods, `${bytes} bytes in ${waitingPeriods} periods`);

  const control = await measure(waitInWorker(true));
  assert.equal(control.printed, waitingPeriods);
  assertShown(control, waitingPeriods);
});

/** The log of a program that allocates 8000 bytes for a period shows it. */
function assertShown({ collections, bytes }: Garbage, periods: number): void {
  const isShown = collections > periods / 2000 || bytes > 4000 * periods;
  assert.ok(isShown, `${collections} collections and ${bytes} bytes are not what was allocated`);
}

const wakeUps = 2000;

/** A stream whose callback is called for half of the ring at a wake-up. */
const renderInCallback = (periods: number, allocates: boolean) => `
  import { openPlayback, render } from ${JSON.stringify(urlOf("mod.ts"))};
  import { openVirtualCard } from ${JSON.stringify(urlOf("lib/testing/mod.ts"))};
  import { beginMeasuring, endMeasuring } from ${JSON.stringify(urlOf("tests/collector_marks.ts"))};
  let calls = 0;
  const kept = [];
  const source = render(({ samples }) => {
    calls++;
    if (${allocates}) kept[calls % 16] = new Array(1000).fill(calls);
    samples.fill(0.25);
  });
  const card = await openVirtualCard({ tap: "none", rate: { min: 48000, max: 48000 } });
  const sizes = { periodFrames: 64, periods: ${periods}, channels: 1 };
  const out = await openPlayback({ ...sizes, device: card.device, source });
  // The clock wakes JavaScript, and not the doorbell besides.
  out.unref();
  const halfRing = 64 * ${periods} / 2;
  await card.advance(2000 * halfRing);
  const before = calls;
  beginMeasuring();
  await card.advance(${wakeUps} * halfRing);
  endMeasuring();
  console.error("printed", calls - before);
  await out.close();
  await card.close();
`;

test("a callback is called without allocating for a period, beyond the wake-up", async () => {
  const few = await measure(renderInCallback(4, false));
  const many = await measure(renderInCallback(32, false));
  const extra = many.printed - few.printed;
  // Half of the ring at a wake-up, and its other half at the last one.
  assert.ok(Math.abs(extra - 14 * wakeUps) <= 32, `${few.printed} and ${many.printed} calls`);
  const bytes = many.bytes - few.bytes;
  assert.ok(many.collections <= few.collections + 1);
  // No object is so small, nor a number in one.
  assert.ok(bytes < 8 * extra, `${bytes} bytes for ${extra} periods more`);
  assertShown(await measure(renderInCallback(32, true)), many.printed);
});
