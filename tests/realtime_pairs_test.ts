/**
 * Every pair of values of format, path, layout, channels, rate and periods, played in real time and
 * compared bit for bit.
 */
import assert from "node:assert/strict";
import { openPlayback } from "../mod.ts";
import { type CardAccess, openVirtualCard } from "../lib/testing/mod.ts";
import { assertSameBits, assertSilence, formats, noise, test } from "./harness.ts";

const parameters = {
  format: formats,
  access: ["mmap", "write"],
  layout: ["interleaved", "noninterleaved"],
  channels: [1, 2, 6, 8],
  rate: [8000, 44_100, 48_000, 192_000],
  periods: [2, 4, 8],
} as const;

type Name = keyof typeof parameters;
type Combination = { [N in Name]: (typeof parameters)[N][number] };

const names = Object.keys(parameters) as Name[];
const secondsPlayed = 0.15;

function pairsOf(combination: Combination): string[] {
  return names.flatMap((first, index) =>
    names.slice(index + 1).map((second) =>
      `${first} ${combination[first]}, ${second} ${combination[second]}`
    )
  );
}

function everyCombination(): Combination[] {
  let all: Partial<Combination>[] = [{}];
  for (const name of names) {
    all = all.flatMap((part) => parameters[name].map((value) => ({ ...part, [name]: value })));
  }
  return all as Combination[];
}

/** Takes what covers most pairs that are not covered yet, until all are. */
function pairwise(): Combination[] {
  const all = everyCombination();
  const missing = new Set(all.flatMap(pairsOf));
  const chosen: Combination[] = [];
  while (missing.size > 0) {
    const news = (one: Combination): number => pairsOf(one).filter((p) => missing.has(p)).length;
    const best = all.reduce((left, right) => news(right) > news(left) ? right : left);
    pairsOf(best).forEach((pair) => missing.delete(pair));
    chosen.push(best);
  }
  return chosen;
}

async function play({ format, access, layout, channels, rate, periods }: Combination) {
  const only: CardAccess = `${access}-${layout}`;
  await using card = await openVirtualCard({ clock: "realtime", access: [only] });
  const options = { device: card.device, format, access, channels, rate, periods };
  await using out = await openPlayback(options);
  assert.equal(out.granted.layout, layout);
  const samples = noise(format, Math.floor(secondsPlayed * rate), channels);
  await out.write(samples);
  await out.drain();
  await out.close();
  const played = card.played();
  assertSameBits(played.subarray(0, samples.length), samples);
  assertSilence(played.subarray(samples.length), format);
}

test("every pair of parameters is bit-exact in real time", async () => {
  const combinations = pairwise();
  assert.ok(combinations.length >= parameters.format.length * parameters.channels.length);
  for (let first = 0; first < combinations.length; first += 8) {
    await Promise.all(combinations.slice(first, first + 8).map(play));
  }
});
