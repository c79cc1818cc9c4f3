/**
 * From `openPlayback()` to the first frame, and `close()`.
 *
 * @module
 */

import { type Figure, figureOf, ratioOf } from "../figure.ts";
import { interleave, type Measure } from "../interleave.ts";
import { runModule } from "../module_process.ts";
import {
  type CycleAccess,
  type Feed,
  type PlaybackCycle,
  playbackCycle,
} from "../playback_cycle.ts";
import type { Scale } from "../scale.ts";
import { ratio, short, type Suite } from "../suite.ts";

const FEEDS: readonly Feed[] = ["tone", "queue"];
const ACCESSES: readonly CycleAccess[] = ["write", "mmap"];
const PARTS = ["openMs", "firstFrameMs", "closeMs"] as const;
const PROCESS_TIMEOUT_MS = 30_000;

type Part = (typeof PARTS)[number];

/** One kind of stream. */
export interface OpenRow {
  /** Whether it was the first one in a new process, which loads and starts the engine. */
  readonly firstInProcess: boolean;
  /** Where the frames came from. */
  readonly feed: Feed;
  /** How they reached the card. */
  readonly access: CycleAccess;
  /** Time to the first frame, divided by that of `openPlayback()` alone. */
  readonly firstFrameToOpen: Figure;
  /** Milliseconds of `openPlayback()` alone. */
  readonly openMs: Figure;
  /** Milliseconds from there on until the card had consumed the first frame, `openMs` included. */
  readonly firstFrameMs: Figure;
  /** Milliseconds of `close()`. */
  readonly closeMs: Figure;
}

interface Kind {
  readonly firstInProcess: boolean;
  readonly feed: Feed;
  readonly access: CycleAccess;
}

function rowOf(kind: Kind, milliseconds: Readonly<Record<Part, readonly number[]>>): OpenRow {
  return {
    ...kind,
    firstFrameToOpen: ratioOf(milliseconds.firstFrameMs, milliseconds.openMs),
    openMs: figureOf(milliseconds.openMs),
    firstFrameMs: figureOf(milliseconds.firstFrameMs),
    closeMs: figureOf(milliseconds.closeMs),
  };
}

async function firstCycle(): Promise<PlaybackCycle> {
  return await runModule("first_cycle.ts", { timeoutMs: PROCESS_TIMEOUT_MS }) as PlaybackCycle;
}

async function measureFirst({ openings, rounds }: Scale): Promise<OpenRow> {
  const cycles: PlaybackCycle[] = [];
  for (let count = 0; count < openings * rounds; count++) cycles.push(await firstCycle());
  const part = (name: Part) => cycles.map((cycle) => cycle[name]);
  return rowOf({ firstInProcess: true, feed: "tone", access: "mmap" }, {
    openMs: part("openMs"),
    firstFrameMs: part("firstFrameMs"),
    closeMs: part("closeMs"),
  });
}

async function measureLater(scale: Scale): Promise<OpenRow[]> {
  const kinds = FEEDS.flatMap((feed) =>
    ACCESSES.map((access) => ({ firstInProcess: false, feed, access }))
  );
  const name = ({ feed, access }: Kind, part: Part) => `${feed} ${access} ${part}`;
  const measures: Record<string, Measure> = {};
  for (const kind of kinds) {
    for (const part of PARTS) {
      measures[name(kind, part)] = async () => {
        const cycle = await playbackCycle(kind.feed, kind.access);
        return { elapsedMs: cycle[part], units: 1 };
      };
    }
  }
  // Every sample opens a stream.
  const ns = await interleave(measures, { ...scale, rounds: scale.openings * scale.rounds });
  const milliseconds = (kind: Kind, part: Part) =>
    ns[name(kind, part)]!.map((value) => value / 1e6);
  return kinds.map((kind) =>
    rowOf(kind, {
      openMs: milliseconds(kind, "openMs"),
      firstFrameMs: milliseconds(kind, "firstFrameMs"),
      closeMs: milliseconds(kind, "closeMs"),
    })
  );
}

/** From `openPlayback()` to the first frame, and `close()`. */
export const suite: Suite<OpenRow> = {
  title: "From openPlayback() to the first frame, and close() (real-time card, default buffer)",
  columns: [
    { heading: "stream", text: (row) => row.firstInProcess ? "first in process" : "later" },
    { heading: "feed", text: ({ feed }) => feed },
    { heading: "access", text: ({ access }) => access },
    { heading: "first frame : open", text: ({ firstFrameToOpen }) => ratio(firstFrameToOpen) },
    { heading: "open ms", text: ({ openMs }) => short(openMs) },
    { heading: "first frame ms", text: ({ firstFrameMs }) => short(firstFrameMs) },
    { heading: "close ms", text: ({ closeMs }) => short(closeMs) },
  ],
  async measure(scale) {
    return [await measureFirst(scale), ...await measureLater(scale)];
  },
};
