/**
 * A Worker that holds telephone calls and decodes G.711 for those that talk whenever their streams
 * have room: it waits for that by a blocking call, without its event loop. `worker_calls.ts` starts
 * it, and tells it by shared memory how many are to talk.
 *
 * @module
 */

import { subscribe } from "node:diagnostics_channel";
import * as alaw from "alawmulaw/lib/alaw.js";
import { PACKET_FRAMES, tonePacket } from "../examples/calls.ts";
import { mapped, openPlayback, type PlaybackMapped } from "../mod.ts";
import { type DecodingOptions, Shared } from "./worker_calls.ts";

// It looks for orders at least as often.
const LONGEST_WAIT_MS = 100;

type Call = PlaybackMapped<"s16">;

const packet = tonePacket("alaw");

function playPacket(call: Call): void {
  const decoded = alaw.decode(packet);
  for (let done = 0; done < decoded.length;) {
    const block = call.begin(decoded.length - done);
    // The engine is moving what was rendered to where a device starts again: the rest is too late.
    if (block === undefined) return;
    call.samples.set(decoded.subarray(done, done + block.frames), block.offset);
    done += call.commit(block.frames);
  }
}

async function openCalls({ calls, rate, periods }: DecodingOptions): Promise<Call[]> {
  const sizes = { rate, channels: 1, format: "s16", periodFrames: PACKET_FRAMES, periods } as const;
  const open = () => openPlayback({ device: "null", ...sizes, source: mapped() });
  const opened = await Promise.all(Array.from({ length: calls }, open));
  await Promise.all(opened.map((call) => call.pause()));
  return opened;
}

/** Plays until there is another order. */
function play(talking: readonly Call[], shared: Int32Array, order: number): void {
  if (talking.length === 0) Atomics.wait(shared, Shared.order, order);
  while (Atomics.load(shared, Shared.order) === order) {
    // One thread serves them together, so that the first tells of all.
    talking[0]!.waitForRoomSync(PACKET_FRAMES, LONGEST_WAIT_MS);
    for (const call of talking) while (call.waitForRoomSync(PACKET_FRAMES, 0)) playPacket(call);
  }
}

async function serve(options: DecodingOptions): Promise<void> {
  const { shared } = options;
  subscribe("halflap:xrun", () => Atomics.add(shared, Shared.xruns, 1));
  const calls = await openCalls(options);
  let [order, talking] = [0, 0];
  while (talking >= 0) {
    self.postMessage(order);
    play(calls.slice(0, talking), shared, order);
    order = Atomics.load(shared, Shared.order);
    const next = Atomics.load(shared, Shared.talking);
    const kept = Math.max(0, next);
    await Promise.all(calls.slice(kept, talking).map((call) => call.pause()));
    await Promise.all(calls.slice(talking, kept).map((call) => call.resume()));
    talking = next;
  }
  await Promise.all(calls.map((call) => call.close()));
  self.postMessage(order);
}

self.addEventListener("message", (event) => {
  serve((event as MessageEvent<DecodingOptions>).data);
});
