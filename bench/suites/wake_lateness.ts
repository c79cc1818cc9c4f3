/**
 * How late the engine's thread wakes up, beside `cyclictest` on the same machine.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { startCpuHogs } from "../cpu_hogs.ts";
import { measureCyclictest } from "../cyclictest.ts";
import { type EngineLateness, measureEngine } from "../engine_lateness.ts";
import { type Figure, figureOf, ratioOf } from "../figure.ts";
import { type Lateness, type LatenessOptions, WAKE_INTERVAL_US } from "../lateness.ts";
import type { Scale } from "../scale.ts";
import { ratio, short, type Suite } from "../suite.ts";

// What the engine takes for this period by itself.
const FIFO_PRIORITY = 3;
const HOGS = 2;
// Processor time that a hog may use: that of its measurements many times over.
const HOG_LIMIT_SECONDS = 120;

type Policy = "fifo" | "other";
type Load = "idle" | "hogs";
type Quantile = "p50" | "p99" | "p99.9" | "max";

const PRIORITIES: Readonly<Record<Policy, number>> = { fifo: FIFO_PRIORITY, other: 0 };
const POLICIES = Object.keys(PRIORITIES) as Policy[];
const LOADS: readonly Load[] = ["idle", "hogs"];
const QUANTILES: Readonly<Record<Quantile, (lateness: Lateness) => number>> = {
  "p50": ({ p50 }) => p50,
  "p99": ({ p99 }) => p99,
  "p99.9": ({ p999 }) => p999,
  "max": ({ max }) => max,
};

/** One quantile under one scheduling policy and one load. */
export interface WakeLatenessRow {
  /** `fifo`: SCHED_FIFO. `other`: SCHED_OTHER, as where realtime scheduling is denied. */
  readonly policy: Policy;
  /** `hogs`: beside two processes that never sleep. */
  readonly load: Load;
  /** What the row has of each round's wake-ups. */
  readonly quantile: Quantile;
  /** The engine's lateness, divided by cyclictest's. */
  readonly engineToCyclictest: Figure;
  /** Microseconds from the engine's deadlines to its wake-ups. */
  readonly engineUs: Figure;
  /** Microseconds from cyclictest's deadlines to its wake-ups. */
  readonly cyclictestUs: Figure;
  /** Priority that both threads had; 0 is SCHED_OTHER. */
  readonly priority: number;
  /** The engine's wake-ups of all rounds. */
  readonly wakeUps: number;
  /** The engine's xruns of all rounds: a wake-up was later than the device had frames. */
  readonly xruns: number;
}

/** The CPUs that this process may use: `0-1,4` is 0, 1 and 4. */
function allowedCpus(): number[] {
  const status = readFileSync("/proc/self/status", "utf8");
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(status)![1]!;
  return list.split(",").flatMap((range) => {
    const [first, last = first] = range.split("-").map(Number) as [number, number?];
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

/** All rounds under one policy and one load. */
class Rounds {
  readonly policy: Policy;
  readonly load: Load;
  readonly #engine: EngineLateness[] = [];
  readonly #cyclictest: Lateness[] = [];

  constructor(policy: Policy, load: Load) {
    this.policy = policy;
    this.load = load;
  }

  /** One more round; every other one in reverse order. */
  async measure(cpu: number, wakeUps: number): Promise<void> {
    const options: LatenessOptions = { priority: PRIORITIES[this.policy], cpu, wakeUps };
    const turns = [
      async () => this.#engine.push(await measureEngine(options)),
      async () => this.#cyclictest.push(await measureCyclictest(options)),
    ];
    const isEven = this.#engine.length % 2 === 0;
    for (const turn of isEven ? turns : turns.toReversed()) await turn();
  }

  rows(): WakeLatenessRow[] {
    const sum = (amount: (result: EngineLateness) => number) =>
      this.#engine.reduce((total, result) => total + amount(result), 0);
    return (Object.keys(QUANTILES) as Quantile[]).map((quantile) => {
      const engineUs = this.#engine.map(QUANTILES[quantile]);
      const cyclictestUs = this.#cyclictest.map(QUANTILES[quantile]);
      return {
        policy: this.policy,
        load: this.load,
        quantile,
        engineToCyclictest: ratioOf(engineUs, cyclictestUs),
        engineUs: figureOf(engineUs),
        cyclictestUs: figureOf(cyclictestUs),
        priority: PRIORITIES[this.policy],
        wakeUps: sum(({ wakeUps }) => wakeUps),
        xruns: sum(({ xruns }) => xruns),
      };
    });
  }
}

async function measure({ realtimeRounds, realtimeMs }: Scale): Promise<WakeLatenessRow[]> {
  const all = LOADS.flatMap((load) => POLICIES.map((policy) => new Rounds(policy, load)));
  // On a machine with many CPUs the hogs stay with what is measured, too.
  const cpus = allowedCpus().slice(0, HOGS);
  const hogs = { count: HOGS, cpus, limitSeconds: HOG_LIMIT_SECONDS };
  const wakeUps = realtimeMs * 1000 / WAKE_INTERVAL_US;
  const measureAll = async (load: Load) => {
    for (const rounds of all) if (rounds.load === load) await rounds.measure(cpus[0]!, wakeUps);
  };
  for (let round = 0; round < realtimeRounds; round++) {
    await measureAll("idle");
    await using _hogs = await startCpuHogs(hogs);
    await measureAll("hogs");
  }
  return all.flatMap((rounds) => rounds.rows());
}

/** How late the engine's thread wakes up, beside `cyclictest`. */
export const suite: Suite<WakeLatenessRow> = {
  title: "How late the engine wakes up beside cyclictest (a wake-up every ms, on one CPU)",
  columns: [
    { heading: "policy", text: ({ policy }) => policy },
    { heading: "load", text: ({ load }) => load },
    { heading: "quantile", text: ({ quantile }) => quantile },
    {
      heading: "halflap : cyclictest",
      text: ({ engineToCyclictest }) => ratio(engineToCyclictest),
    },
    { heading: "halflap us", text: ({ engineUs }) => short(engineUs) },
    { heading: "cyclictest us", text: ({ cyclictestUs }) => short(cyclictestUs) },
    { heading: "priority", text: ({ priority }) => `${priority}` },
    { heading: "wake-ups", text: ({ wakeUps }) => `${wakeUps}` },
    { heading: "xruns", text: ({ xruns }) => `${xruns}` },
  ],
  measure,
};
