/**
 * A garbage storm: JavaScript that keeps a lot of objects, and makes far more.
 *
 * @module
 */

import { setTimeout } from "node:timers/promises";

/** What a storm was like. */
export interface GarbageStorm {
  /** MiB of objects made per second. */
  readonly mibPerSecond: number;
  /** Milliseconds of the longest turn of the event loop, from its beginning to that of the next. */
  readonly longestTurnMs: number;
}

const NODE_NUMBERS = 14;
// An array of so many numbers in V8 and in JavaScriptCore, within a fifth or so.
const NODE_BYTES = 16 + 16 + 8 * NODE_NUMBERS;
const LIVE_BYTES = 50 * 2 ** 20;
// Of so many objects one lives on, until another takes its place.
const NODES_PER_SURVIVOR = 8;
const TURN_MS = 1;
const BATCH_NODES = 256;

/** One object. */
export type Node = readonly number[];

const newNode = (value: number): Node => new Array<number>(NODE_NUMBERS).fill(value);

/** Makes 50 MiB of objects. */
export function liveObjects(): Node[] {
  return Array.from({ length: LIVE_BYTES / NODE_BYTES }, (_, index) => newNode(index));
}

/** Makes objects for a while, in turns of a millisecond, between which others run. */
export async function stirGarbage(live: Node[], durationMs: number): Promise<GarbageStorm> {
  const startMs = performance.now();
  let nodes = 0;
  let longestTurnMs = 0;
  let turnMs = startMs;
  while (turnMs < startMs + durationMs) {
    let nowMs = turnMs;
    for (; nowMs < turnMs + TURN_MS; nowMs = performance.now()) {
      for (let count = 0; count < BATCH_NODES; count++) {
        const node = newNode(nodes++);
        if (nodes % NODES_PER_SURVIVOR === 0) live[nodes / NODES_PER_SURVIVOR % live.length] = node;
      }
    }
    // Deno brings little else while one immediate or message follows the other.
    await setTimeout(0);
    nowMs = performance.now();
    longestTurnMs = Math.max(longestTurnMs, nowMs - turnMs);
    turnMs = nowMs;
  }
  const seconds = (performance.now() - startMs) / 1000;
  return { mibPerSecond: nodes * NODE_BYTES / 2 ** 20 / seconds, longestTurnMs };
}
