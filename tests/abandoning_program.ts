/**
 * Terminates Workers in all the states of `abandoned_states.ts`, and waits until the engine has
 * cleared up behind them; a stream of the main thread plays on meanwhile. Prints what the engine
 * held before and after, and ends by itself.
 */
import { engineCounters } from "../lib/testing/mod.ts";
import { openPlayback, tone } from "../mod.ts";
import { states } from "./abandoned_states.ts";
import { eventually, monoSource } from "./harness.ts";

const playing = { ...monoSource, device: "virtual", source: tone({ frequencyHz: 440 }) };

async function abandon(state: string): Promise<void> {
  const worker = new Worker(new URL("./abandoning_worker.ts", import.meta.url), { type: "module" });
  const reached = new Promise((resolve, reject) => {
    worker.onmessage = resolve;
    worker.onerror = (event) => reject(new Error(`${state}: ${event.message}`));
  });
  const token = await (await openPlayback(playing)).detach();
  worker.postMessage({ state, token });
  await reached;
  worker.terminate();
}

const out = await openPlayback(playing);
const mine = engineCounters();
await Promise.all(Object.keys(states).map(abandon));
const abandoned = engineCounters();
await eventually("clearing up", () => engineCounters().handles <= mine.handles);
const cleared = engineCounters();
const { state } = out;
await out.close();
console.log(JSON.stringify({ mine, abandoned, cleared, state, end: engineCounters() }));
