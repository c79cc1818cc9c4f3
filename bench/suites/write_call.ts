/**
 * Cost of `write()` and `tryWrite()` to the caller, beside a plain copy of the same bytes.
 *
 * @module
 */

import { openVirtualCard } from "../../lib/testing/mod.ts";
import { openPlayback, type PlaybackQueue } from "../../mod.ts";
import { type Figure, figureOf, ratioOf, scaled } from "../figure.ts";
import { elapsedMs, interleaveOpenings, type Measures } from "../interleave.ts";
import type { Scale } from "../scale.ts";
import { ratio, short, type Suite } from "../suite.ts";

const CHANNELS = 2;
const FRAME_BYTES = CHANNELS * Float32Array.BYTES_PER_ELEMENT;
const CALL_FRAMES = [1, 64, 480, 4800];
const QUEUE_FRAMES = 48_000;
const MAX_CALLS = 512;
const MIB = 2 ** 20;

type CallName = "copy" | "tryWrite" | "write";

/** Calls of one length. */
export interface WriteCallRow {
  /** Frames per call. */
  readonly frames: number;
  /** Bytes per call. */
  readonly bytes: number;
  /** Time of `tryWrite()`, divided by that of the copy. */
  readonly tryWriteToCopy: Figure;
  /** Time of `await write()`, divided by that of the copy. */
  readonly writeToCopy: Figure;
  /** Nanoseconds per `Uint8Array.set()`. */
  readonly copyNs: Figure;
  /** Nanoseconds per `tryWrite()`. */
  readonly tryWriteNs: Figure;
  /** Nanoseconds per `await write()`. */
  readonly writeNs: Figure;
  /** Microseconds per MiB by `Uint8Array.set()`. */
  readonly copyUsPerMib: Figure;
  /** Microseconds per MiB by `tryWrite()`. */
  readonly tryWriteUsPerMib: Figure;
  /** Microseconds per MiB by `await write()`. */
  readonly writeUsPerMib: Figure;
}

// A batch of calls fills the queue at most once; it is emptied after the measured part.
function measuresOf(out: PlaybackQueue<"f32">, frames: number): Measures<CallName> {
  const samples = new Float32Array(frames * CHANNELS).fill(0.25);
  const bytes = new Uint8Array(samples.buffer);
  // As large as the queue, and as walked through.
  const ring = new Uint8Array(QUEUE_FRAMES * FRAME_BYTES);
  const units = Math.min(MAX_CALLS, QUEUE_FRAMES / frames);
  const emptied = async (elapsedMs: number) => {
    const { framesQueued } = out.stats();
    if (framesQueued !== units * frames) {
      throw new Error(`The queue holds ${framesQueued} frames instead of ${units * frames}`);
    }
    await out.drop();
    return { elapsedMs, units };
  };
  return {
    copy: () => {
      const elapsed = elapsedMs(() => {
        for (let call = 0; call < units; call++) ring.set(bytes, call * bytes.byteLength);
      });
      return { elapsedMs: elapsed, units };
    },
    tryWrite: () => {
      const elapsed = elapsedMs(() => {
        for (let call = 0; call < units; call++) out.tryWrite(samples);
      });
      return emptied(elapsed);
    },
    write: async () => {
      const startMs = performance.now();
      for (let call = 0; call < units; call++) await out.write(samples);
      return emptied(performance.now() - startMs);
    },
  };
}

async function measureRow(frames: number, scale: Scale): Promise<WriteCallRow> {
  const ns = await interleaveOpenings<CallName>(scale, async (measure) => {
    await using card = await openVirtualCard({ tap: "none" });
    await using out = await openPlayback({
      device: card.device,
      channels: CHANNELS,
      queueFrames: QUEUE_FRAMES,
      startThreshold: Infinity,
    });
    await measure(measuresOf(out, frames));
  });
  const bytes = frames * FRAME_BYTES;
  const usPerMib = (perCall: Figure) => scaled(perCall, MIB / bytes / 1000);
  const [copyNs, tryWriteNs, writeNs] = [ns.copy, ns.tryWrite, ns.write].map(figureOf) as [
    Figure,
    Figure,
    Figure,
  ];
  return {
    frames,
    bytes,
    tryWriteToCopy: ratioOf(ns.tryWrite, ns.copy),
    writeToCopy: ratioOf(ns.write, ns.copy),
    copyNs,
    tryWriteNs,
    writeNs,
    copyUsPerMib: usPerMib(copyNs),
    tryWriteUsPerMib: usPerMib(tryWriteNs),
    writeUsPerMib: usPerMib(writeNs),
  };
}

/** Cost of `write()` and `tryWrite()`. */
export const suite: Suite<WriteCallRow> = {
  title: "Cost of a call (2 channels, f32), beside Uint8Array.set() of the same bytes",
  columns: [
    { heading: "frames", text: ({ frames }) => `${frames}` },
    { heading: "tryWrite : set", text: ({ tryWriteToCopy }) => ratio(tryWriteToCopy) },
    { heading: "write : set", text: ({ writeToCopy }) => ratio(writeToCopy) },
    { heading: "set ns", text: ({ copyNs }) => short(copyNs) },
    { heading: "tryWrite ns", text: ({ tryWriteNs }) => short(tryWriteNs) },
    { heading: "write ns", text: ({ writeNs }) => short(writeNs) },
    { heading: "set us/MiB", text: ({ copyUsPerMib }) => short(copyUsPerMib) },
    { heading: "tryWrite us/MiB", text: ({ tryWriteUsPerMib }) => short(tryWriteUsPerMib) },
    { heading: "write us/MiB", text: ({ writeUsPerMib }) => short(writeUsPerMib) },
  ],
  plots: [{
    name: "ns-per-call",
    xTitle: "frames per call",
    yTitle: "ns per call",
    points: ({ frames, copyNs, tryWriteNs, writeNs }) =>
      Object.entries({ "set()": copyNs, "tryWrite()": tryWriteNs, "write()": writeNs })
        .map(([series, y]) => ({ series, x: frames, y })),
  }],
  async measure(scale) {
    const rows: WriteCallRow[] = [];
    for (const frames of CALL_FRAMES) rows.push(await measureRow(frames, scale));
    return rows;
  },
};
