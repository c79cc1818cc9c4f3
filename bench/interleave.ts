/**
 * Measures tasks in turns: all of them in every round, so that each one meets the same machine.
 *
 * @module
 */

import { Bench, type Task } from "tinybench";
import type { Scale } from "./scale.ts";

/** One sample of a task, which does more than what counts. */
export interface Sample {
  /** How long took what counts. */
  readonly elapsedMs: number;
  /** How many units that was: periods, calls. */
  readonly units: number;
}

/** Takes one sample. */
export type Measure = () => Sample | Promise<Sample>;

/** Tasks by their names. */
export type Measures<Name extends string> = Readonly<Record<Name, Measure>>;

/** For each task the nanoseconds per unit in each round: the median of the round's samples. */
export type Rounds<Name extends string> = Record<Name, number[]>;

/** Times a function in milliseconds. */
export function elapsedMs(run: () => void): number {
  const startMs = performance.now();
  run();
  return performance.now() - startMs;
}

function addTask(bench: Bench, name: string, measure: Measure): void {
  const run = async () => {
    const startMs = bench.now();
    const { elapsedMs, units } = await measure();
    return {
      overriddenDuration: elapsedMs / units,
      overriddenIterationCost: bench.now() - startMs,
    };
  };
  bench.add(name, run, { async: true });
}

async function medianNs(task: Task): Promise<number> {
  task.reset();
  await task.run();
  const { result } = task;
  if (result.state !== "completed") {
    throw new Error(`The task "${task.name}" ended in the state "${result.state}"`);
  }
  return result.latency.p50 * 1e6;
}

/**
 * Runs all tasks in every round, every other round in reverse order: A B, B A, A B... What changes
 * slowly, such as the clock of the processor, then meets all tasks alike.
 */
export async function interleave<Name extends string>(
  measures: Measures<Name>,
  { rounds, roundMs, samples }: Scale,
): Promise<Rounds<Name>> {
  const bench = new Bench({ time: roundMs, iterations: samples, warmup: false, throws: true });
  const names = Object.keys(measures) as Name[];
  for (const name of names) addTask(bench, name, measures[name]);

  const all = Object.fromEntries(names.map((name) => [name, []])) as unknown as Rounds<Name>;
  for (let round = 0; round <= rounds; round++) {
    const order = round % 2 === 0 ? names : names.toReversed();
    for (const name of order) {
      const ns = await medianNs(bench.getTask(name)!);
      // The first round warms up.
      if (round > 0) all[name].push(ns);
    }
  }
  return all;
}

/** Opens what the tasks need as often as the scale says, and puts the rounds of all times together. */
export async function interleaveOpenings<Name extends string>(
  scale: Scale,
  open: (measured: (measures: Measures<Name>) => Promise<void>) => Promise<void>,
): Promise<Rounds<Name>> {
  const all = {} as Rounds<Name>;
  for (let opening = 0; opening < scale.openings; opening++) {
    await open(async (measures) => {
      const rounds = await interleave(measures, scale);
      for (const name of Object.keys(rounds) as Name[]) {
        all[name] = [...all[name] ?? [], ...rounds[name]];
      }
    });
  }
  return all;
}
