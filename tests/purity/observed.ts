/** What the observed programs have in common: their arguments, and the talk with the observer. */
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import type { Access, Playback } from "../../mod.ts";
import { openVirtualCard, type VirtualCard } from "../../lib/testing/mod.ts";

const [, , device = "card", accessWord] = process.argv;
const pollMs = 5;

export const access: Access = accessWord === "write" ? "write" : "mmap";

/** Where to play: the device of this card, or the PCM that the first argument names. */
export const deviceOf = (card: VirtualCard): string => device === "card" ? card.device : device;

/** A card in real time that records into memory. */
export const openCard = (): Promise<VirtualCard> => openVirtualCard({ clock: "realtime" });

export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(pollMs);
}

/** Waits until every one of the streams was served `count` times more. */
export async function wakeUps(streams: readonly Playback[], count: number): Promise<void> {
  const before = streams.map((out) => out.stats().wakeUps);
  await until(() => streams.every((out, index) => out.stats().wakeUps >= before[index]! + count));
}

/** All that JavaScript can ask of a card and of streams at any time. */
export function askEverything(card: VirtualCard, streams: readonly Playback[]): void {
  for (const out of streams) {
    out.stats();
    out.getOutputTimestamp();
  }
  const { substreams } = card.status();
  for (let substream = 0; substream < substreams; substream++) {
    card.status(substream);
    card.played(substream);
  }
}

/** Runs `action` while the observer watches. What was opened before must stay open meanwhile. */
export async function whileObserved(action: () => Promise<void>): Promise<void> {
  process.stdout.write("ready\n");
  await new Promise((resolve) => process.stdin.once("data", resolve));
  await action();
  process.stdout.write("done\n");
  await new Promise((resolve) => process.stdin.once("end", resolve));
}
