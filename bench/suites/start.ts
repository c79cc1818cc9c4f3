/**
 * From the start of a process to the first frame.
 *
 * @module
 */

import type { FirstCycle } from "../first_cycle.ts";
import { type Figure, figureOf, ratioOf } from "../figure.ts";
import { runModule } from "../module_process.ts";
import type { Scale } from "../scale.ts";
import { ratio, short, type Suite } from "../suite.ts";

const PROCESS_TIMEOUT_MS = 30_000;

type Milestone = "runtime" | "import" | "open" | "first frame";

/** One milestone on the way to the first frame. */
export interface StartRow {
  /** What was reached. */
  readonly milestone: Milestone;
  /** Time from the start of the process, divided by that until the runtime ran its module. */
  readonly toRuntime: Figure;
  /** Milliseconds from the start of the process. */
  readonly ms: Figure;
  /** Milliseconds since the milestone before; of the first frame: since `openPlayback()` was called. */
  readonly partMs: Figure;
}

/** Milliseconds from the start of one process to each milestone. */
async function startOnce(): Promise<Record<Milestone, number>> {
  const startedAt = performance.timeOrigin + performance.now();
  const cycle = await runModule("first_cycle.ts", { timeoutMs: PROCESS_TIMEOUT_MS }) as FirstCycle;
  const imported = cycle.importedAt - startedAt;
  return {
    "runtime": cycle.runningAt - startedAt,
    "import": imported,
    "open": imported + cycle.openMs,
    "first frame": imported + cycle.firstFrameMs,
  };
}

async function measure({ openings, rounds }: Scale): Promise<StartRow[]> {
  // The first one brings the files into memory, and is thrown away.
  await startOnce();
  const starts: Record<Milestone, number>[] = [];
  while (starts.length < openings * rounds) starts.push(await startOnce());
  const all = (milestone: Milestone) => starts.map((start) => start[milestone]);
  const rowOf = (milestone: Milestone, previous?: Milestone): StartRow => ({
    milestone,
    toRuntime: ratioOf(all(milestone), all("runtime")),
    ms: figureOf(all(milestone)),
    partMs: figureOf(starts.map((start) => start[milestone] - (previous ? start[previous] : 0))),
  });
  return [
    rowOf("runtime"),
    rowOf("import", "runtime"),
    rowOf("open", "import"),
    // A native source can be heard before JavaScript is told that its stream is open.
    rowOf("first frame", "import"),
  ];
}

/** From the start of a process to the first frame. */
export const suite: Suite<StartRow> = {
  title: "From the start of a process to the first frame (a tone, mmap, real-time card)",
  columns: [
    { heading: "reached", text: ({ milestone }) => milestone },
    { heading: ": runtime", text: ({ toRuntime }) => ratio(toRuntime) },
    { heading: "ms", text: ({ ms }) => short(ms) },
    { heading: "part ms", text: ({ partMs }) => short(partMs) },
  ],
  measure,
};
