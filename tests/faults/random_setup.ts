/** Random cards, sizes and sources. */
import fc from "fast-check";
import { openVirtualCard, type VirtualCard } from "../../lib/testing/mod.ts";

/** A card, and the sizes of a stream on it. */
export interface Setup {
  readonly rate: number;
  readonly periodFrames: number;
  readonly periods: number;
  readonly driftPpm: number;
  readonly canPause: boolean;
  readonly framesBeforeBoundary: number;
  readonly batch: boolean;
}

export const setups: fc.Arbitrary<Setup> = fc.record({
  rate: fc.constantFrom(8000, 44_100, 48_000, 192_000),
  periodFrames: fc.integer({ min: 32, max: 512 }),
  periods: fc.integer({ min: 2, max: 8 }),
  driftPpm: fc.integer({ min: -500, max: 500 }),
  canPause: fc.boolean(),
  // Half of the streams start so near to ALSA's boundary that their pointers wrap.
  framesBeforeBoundary: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 4000 })),
  batch: fc.boolean(),
});

export const bufferOf = ({ periodFrames, periods }: Setup): number => periodFrames * periods;

export function openSetup(setup: Setup): Promise<VirtualCard> {
  const { rate, driftPpm, canPause, framesBeforeBoundary, batch } = setup;
  const limits = { rate: { min: rate, max: rate } };
  return openVirtualCard({ ...limits, driftPpm, canPause, framesBeforeBoundary, batch });
}
