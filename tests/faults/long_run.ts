/**
 * A stream that plays for hours of simulated time, on a card that drifts, through random faults. What
 * it tells of its frames is compared with what the card has played, every few seconds.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { openVirtualCard, type VirtualCard } from "../../lib/testing/mod.ts";
import { openPlayback, type PlaybackQueue, type XrunPolicy } from "../../mod.ts";
import { watch } from "../harness.ts";
import { Observed } from "./observed_stream.ts";
import type { Setup } from "./random_setup.ts";
import { causeOf, faultFor, faults, type RandomFault } from "./schedule.ts";

const rate = 48_000;
const periods = 4;
const queueSeconds = 8;
/** Without a fault so much is played at a time. */
const stepSeconds = 5;
/** Faults come 1 to so many seconds after each other. */
const mostSeconds = 40;

export interface LongRunOptions {
  readonly seed: number;
  readonly policy: XrunPolicy;
  readonly access: "mmap" | "write";
  readonly periodFrames: number;
  readonly seconds: number;
  /** Called after each simulated hour. */
  readonly onHour?: (account: Account) => void;
}

/** Where the frames of the stream are. */
export interface Account {
  readonly seconds: number;
  /** Frames that the producer gave. */
  readonly given: number;
  /** Frames of them that the card played. */
  readonly played: number;
  /** Frames of them that the stream told as lost. */
  readonly lost: number;
  /** Frames that the card played in the gaps that the stream told. */
  readonly inGaps: number;
  readonly faults: number;
  readonly xruns: number;
}

interface Event {
  readonly afterSeconds: number;
  /** Without one, the producer is late. */
  readonly fault: RandomFault | null;
  /** When in its second: what it does is over at the end of that. */
  readonly atFrames: number;
}

const events: fc.Arbitrary<Event> = fc.record({
  afterSeconds: fc.integer({ min: 1, max: mostSeconds }),
  fault: fc.option(faults, { freq: 20 }),
  atFrames: fc.nat(rate / 2),
});

class LongRun {
  readonly #card: VirtualCard;
  readonly #out: PlaybackQueue<"s16">;
  readonly #setup: Setup;
  readonly #observed: Observed;
  readonly #samples = new Int16Array(queueSeconds * rate);
  readonly #causes = new Set<string | undefined>(["producer"]);
  #seconds = 0;
  #given = 0;
  #faults = 0;
  #countedXruns = 0;
  #inGaps = 0;

  constructor(card: VirtualCard, out: PlaybackQueue<"s16">, setup: Setup) {
    this.#card = card;
    this.#out = out;
    this.#setup = setup;
    this.#observed = new Observed(out);
  }

  get seconds(): number {
    return this.#seconds;
  }

  /** The producer is there in time, and then late by a second. */
  async starve(): Promise<void> {
    this.#faults++;
    await this.#advance((queueSeconds + 1) * rate);
  }

  async play(until: number): Promise<void> {
    while (this.#seconds < until) {
      await this.#feed();
      await this.#advance(rate * Math.min(stepSeconds, until - this.#seconds));
    }
  }

  async strike(fault: RandomFault, atFrames: number): Promise<void> {
    this.#faults++;
    this.#causes.add(causeOf[fault.kind]);
    await this.#feed();
    await this.#card.advance(atFrames);
    this.#card.injectFault(faultFor(this.#setup, fault));
    await this.#card.advance(rate - atFrames);
    this.#seconds++;
    this.#check();
  }

  async #feed(): Promise<void> {
    const { framesQueued } = this.#out.stats();
    const frames = queueSeconds * rate - framesQueued;
    await this.#out.write(this.#samples.subarray(0, frames));
    this.#given += frames;
  }

  async #advance(frames: number): Promise<void> {
    await this.#card.advance(frames);
    this.#seconds += frames / rate;
    this.#check();
  }

  /** Exactly: given = queued + in the device + heard + told as lost, and heard = played by the card. */
  #check(): void {
    const { begun, ended } = this.#observed;
    for (const { cause } of begun.slice(this.#countedXruns)) {
      assert.ok(this.#causes.has(cause), cause);
    }
    for (const { policy, durationMs, lostFrames } of ended.slice(this.#countedXruns)) {
      const ranOn = policy !== "stop" && lostFrames === 0;
      if (ranOn) this.#inGaps += Math.round(durationMs * rate / 1000);
    }
    this.#countedXruns = ended.length;
    const stats = this.#out.stats();
    const { framesQueued, framesPlayed, framesDropped, delayFrames } = stats;
    if (stats.state !== "running" || begun.length > ended.length) return;
    const when = `in second ${this.#seconds}`;
    const told = framesQueued + delayFrames + framesPlayed + framesDropped;
    assert.equal(told, this.#given, `${told} frames instead of ${this.#given} ${when}`);
    const byCard = this.#card.status().framesPlayed - this.#inGaps;
    assert.equal(framesPlayed, byCard, `${framesPlayed} frames instead of ${byCard} ${when}`);
    assert.ok(begun.length <= this.#faults, `${begun.length} xruns of ${this.#faults} faults`);
  }

  /** Plays what is left. */
  async finish(): Promise<void> {
    const drained = watch(this.#out.drain());
    await this.#card.advance((queueSeconds + 1) * rate);
    assert.equal(drained.state, "fulfilled");
    this.#observed.assertConsistent(Infinity);
    const { framesAccepted, framesPlayed, framesDropped } = this.#out.stats();
    assert.equal(this.#given, framesAccepted);
    assert.equal(framesAccepted, framesPlayed + framesDropped);
  }

  account(): Account {
    const { framesPlayed, framesDropped, xruns } = this.#out.stats();
    return {
      seconds: this.#seconds,
      given: this.#given,
      played: framesPlayed,
      lost: framesDropped,
      inGaps: this.#inGaps,
      faults: this.#faults,
      xruns: xruns.count,
    };
  }
}

/** Resolves with all frames accounted for, and rejects as soon as one is not. */
export async function playLong(options: LongRunOptions): Promise<Account> {
  const { seed, policy, access, periodFrames, seconds, onHour } = options;
  const count = Math.ceil(seconds / mostSeconds * 4);
  const plan = fc.sample(events, { seed, numRuns: count });
  const driftPpm = fc.sample(fc.integer({ min: -200, max: 200 }), { seed, numRuns: 1 })[0]!;
  const batch = fc.sample(fc.boolean(), { seed, numRuns: 1 })[0]!;
  const shape = { rate, periodFrames, periods, canPause: true, framesBeforeBoundary: 0 };
  const setup = { ...shape, driftPpm, batch };
  await using card = await openVirtualCard({ tap: "none", driftPpm, batch });
  const sizes = { format: "s16", channels: 1, rate, periodFrames, periods } as const;
  const queueFrames = queueSeconds * rate;
  const device = card.device;
  await using out = await openPlayback({
    ...sizes,
    queueFrames,
    access,
    xrunPolicy: policy,
    device,
  });
  const run = new LongRun(card, out, setup);
  let hours = 0;
  for (const { afterSeconds, fault, atFrames } of plan) {
    const until = Math.min(run.seconds + afterSeconds, seconds);
    await run.play(until);
    if (run.seconds >= seconds) break;
    if (fault === null) await run.starve();
    else await run.strike(fault, atFrames);
    if (run.seconds >= (hours + 1) * 3600) {
      hours++;
      onHour?.(run.account());
    }
  }
  await run.finish();
  return run.account();
}
