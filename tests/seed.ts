/**
 * The seed of all that is random in the tests. It is printed, and `HALFLAP_TEST_SEED` repeats a run;
 * `npm test` gives one that follows from the commit, so that a commit passes again where it passed.
 */
import process from "node:process";
import type { Parameters } from "fast-check";

/** A test must end before it counts as hanging: a failure is made smaller for so long. */
const limitMs = 12_000;

export const seed: number = Number(process.env.HALFLAP_TEST_SEED ?? Date.now() % 2 ** 31);
console.log(`HALFLAP_TEST_SEED=${seed}`);

/** For the messages of failures. */
export const replay = (file: string): string =>
  `Repeat it by HALFLAP_TEST_SEED=${seed} npm test -- ${file}`;

/** So many runs of a property; fewer within the time are a failure. */
export const runs = (numRuns: number, offset = 0): Parameters<unknown> => ({
  seed: (seed + offset) % 2 ** 31,
  numRuns,
  interruptAfterTimeLimit: limitMs,
  markInterruptAsFailure: true,
  includeErrorInReport: true,
});
