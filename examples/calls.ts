/**
 * Telephone calls on one machine: each call plays what its packets bring, and one on hold costs
 * nothing. Run as a program, it makes ten calls, puts nine of them on hold, and prints what that
 * takes of a processor. Their packets hold 20 ms of A-law or mu-law and come on time; their device is
 * ALSA's `null`, which needs no sound card.
 *
 *     deno run --allow-ffi examples/calls.ts [CALLS] [SECONDS]
 *     bun examples/calls.ts [CALLS] [SECONDS]
 */

import process from "node:process";
import { setTimeout } from "node:timers/promises";
import * as alaw from "alawmulaw/lib/alaw.js";
import * as mulaw from "alawmulaw/lib/mulaw.js";
// In a program of yours: from "halflap".
import { openPlayback, type PlaybackQueue, type PlaybackStats } from "../mod.ts";

const RATE = 16_000;
const PACKET_MS = 20;
/** Samples, and bytes, of a packet. */
export const PACKET_FRAMES: number = RATE * PACKET_MS / 1000;
// Packets that wait before a call is heard: none may come later than these last.
const JITTER_PACKETS = 4;
// Packets that may come at once, after they were held up on their way.
const BURST_PACKETS = 10;

/** How samples are coded: G.711, in Europe or in America. */
export type Codec = "alaw" | "mulaw";

const CODECS: Readonly<Record<Codec, typeof alaw>> = { alaw, mulaw };

/** Options of {@linkcode Call.open}. */
export interface CallOptions {
  /** How its packets are coded. */
  readonly codec: Codec;
  /** Where it is heard: an ALSA PCM. The default is `null`. */
  readonly device?: string;
}

/** One telephone call. */
export class Call implements AsyncDisposable {
  readonly #codec: Codec;
  readonly #out: PlaybackQueue<"s16">;
  #held = false;
  // Frames that the jitter buffer lacks before the call goes on.
  #missingFrames = 0;

  private constructor(codec: Codec, out: PlaybackQueue<"s16">) {
    this.#codec = codec;
    this.#out = out;
  }

  /** Opens a call. It is heard when it has received enough for its jitter buffer. */
  static async open({ codec, device = "null" }: CallOptions): Promise<Call> {
    const out = await openPlayback({
      device,
      rate: RATE,
      channels: 1,
      format: "s16",
      periodFrames: PACKET_FRAMES,
      periods: JITTER_PACKETS,
      startThreshold: JITTER_PACKETS * PACKET_FRAMES,
      queueFrames: BURST_PACKETS * PACKET_FRAMES,
    });
    return new Call(codec, out);
  }

  /** Plays a packet; returns how many of its frames there was room for: none while on hold. */
  receive(packet: Uint8Array): number {
    if (this.#held) return 0;
    const frames = this.#out.tryWrite(CODECS[this.#codec].decode(packet));
    if (this.#missingFrames > 0) this.#refill(frames);
    return frames;
  }

  /** Puts the call on hold: no packet is decoded, and no thread wakes up for it. */
  async hold(): Promise<void> {
    this.#held = true;
    await this.#out.pause();
  }

  /** Goes on, when it has received enough for its jitter buffer again. */
  unhold(): void {
    this.#held = false;
    this.#missingFrames = JITTER_PACKETS * PACKET_FRAMES;
  }

  /** Counters of the call's stream. */
  stats(): PlaybackStats {
    return this.#out.stats();
  }

  /** Hangs up. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#out.close();
  }

  #refill(frames: number): void {
    this.#missingFrames -= frames;
    if (this.#missingFrames > 0) return;
    // It is rejected where somebody has hung up meanwhile.
    this.#out.resume().catch(() => {});
  }
}

/** A packet of a 400 Hz tone, of which one packet can follow another. */
export function tonePacket(codec: Codec): Uint8Array {
  const sample = (_: unknown, frame: number) => 8000 * Math.sin(2 * Math.PI * 400 * frame / RATE);
  return CODECS[codec].encode(Int16Array.from({ length: PACKET_FRAMES }, sample));
}

/**
 * Calls back for each packet of so many seconds. Each has its own time from the start on: were it
 * 20 ms after the one before, as an interval does it, they would come later and later.
 */
export async function forEachPacket(seconds: number, onPacket: () => void): Promise<void> {
  const startMs = performance.now();
  for (let packet = 0; packet < seconds * 1000 / PACKET_MS; packet++) {
    await setTimeout(Math.max(0, startMs + packet * PACKET_MS - performance.now()));
    onPacket();
  }
}

/** Opens calls; every other one comes from America. */
export function openCalls(count: number): Promise<Call[]> {
  const codec = (index: number): Codec => index % 2 === 0 ? "alaw" : "mulaw";
  return Promise.all(
    Array.from({ length: count }, (_, index) => Call.open({ codec: codec(index) })),
  );
}

async function main(count: number, seconds: number): Promise<void> {
  const calls = await openCalls(count);
  const [active, ...held] = calls as [Call, ...Call[]];
  for (const call of held) await call.hold();
  const packet = tonePacket("alaw");
  const before = process.cpuUsage();
  await forEachPacket(seconds, () => calls.forEach((call) => call.receive(packet)));
  const { user, system } = process.cpuUsage(before);
  const percent = (user + system) / 1e4 / seconds;
  const { framesPlayed, xruns } = active.stats();
  console.log(`${held.length} calls on hold, 1 talks: ${percent.toFixed(2)} % of a processor`);
  console.log(`${framesPlayed} frames were heard, with ${xruns.count} xruns`);
  for (const call of calls) await call[Symbol.asyncDispose]();
}

if (import.meta.main) {
  const [count = "10", seconds = "10"] = process.argv.slice(2);
  await main(Number(count), Number(seconds));
}
