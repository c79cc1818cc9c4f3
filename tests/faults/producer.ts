/** Carries out a random schedule: writes, is late, pauses, drains, and puts the faults in. */
import assert from "node:assert/strict";
import type { VirtualCard } from "../../lib/testing/mod.ts";
import type { PlaybackQueue } from "../../mod.ts";
import { countingSamples, handled, watch } from "../harness.ts";
import { bufferOf, type Setup } from "./random_setup.ts";
import { faultFor, isOfHardware, type RandomFault, type Step } from "./schedule.ts";

/** What a producer keeps in its queue, in buffers. */
const feedBuffers = 4;

/** Frames that its queue must hold. */
export const queueFramesFor = (setup: Setup): number => feedBuffers * bufferOf(setup);

export interface Stage {
  readonly card: VirtualCard;
  readonly setup: Setup;
  readonly out: PlaybackQueue<"s32">;
}

/** A producer that writes samples that count, and the faults that it suffers. */
export class Producer {
  readonly #stage: Stage;
  /** Those that were put in. */
  readonly faults: RandomFault[] = [];
  /** Frames written so far. */
  givenFrames = 0;
  /** How often it was late. */
  lateTimes = 0;
  #isDraining = false;
  /** Whether the last fault was one of the hardware. */
  #hardwareStruck = false;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  async run(step: Step): Promise<void> {
    const { setup, out } = this.#stage;
    const frames = "buffers" in step ? Math.ceil(step.buffers * bufferOf(setup)) : 0;
    if (step.kind === "drain") {
      this.#isDraining = true;
      handled(out.drain());
    } else if (step.kind === "fault") {
      await this.#inject(step.fault);
    } else if (step.kind === "play") {
      await this.#play(frames);
    } else if (step.kind === "starve") {
      await this.#beLate(frames);
    } else {
      await this.#calm();
      handled(out.pause());
      await this.#stage.card.advance(frames);
      handled(out.resume());
    }
  }

  /** One fault of the hardware at a time: what it does together with another one, nobody defines. */
  async #inject(fault: RandomFault): Promise<void> {
    const { card, setup } = this.#stage;
    if (isOfHardware(fault) || this.#hardwareStruck) await this.#calm();
    this.#hardwareStruck = isOfHardware(fault);
    this.faults.push(fault);
    card.injectFault(faultFor(setup, fault));
  }

  /** Plays until the faults so far were noticed, and are over. */
  async #calm(): Promise<void> {
    const { card, setup, out } = this.#stage;
    const bufferMs = bufferOf(setup) / setup.rate * 1000;
    for (let buffers = 0; buffers < 3 || out.state === "suspended"; buffers++) {
      await this.#feed();
      // From where the clock is: a late wake-up has moved it.
      await card.advanceMs(bufferMs);
    }
  }

  async #play(frames: number): Promise<void> {
    await this.#feed();
    await this.#stage.card.advance(frames);
  }

  async #feed(): Promise<void> {
    if (this.#isDraining) return;
    const { out, setup } = this.#stage;
    const frames = feedBuffers * bufferOf(setup) - out.stats().framesQueued;
    if (frames <= 0) return;
    await out.write(countingSamples(frames, this.givenFrames + 1));
    this.givenFrames += frames;
  }

  async #beLate(frames: number): Promise<void> {
    const { setup, out } = this.#stage;
    if (this.givenFrames === 0) return;
    this.lateTimes++;
    const { framesQueued } = out.stats();
    await this.#stage.card.advance(framesQueued + bufferOf(setup) + frames);
  }

  /** Plays what is left, within a time that is stated: as long as it is, and what faults take. */
  async finish(): Promise<void> {
    const { card, setup, out } = this.#stage;
    const drained = watch(out.drain());
    // A device that must be asked twice to resume takes 100 ms, three stalls less than that.
    const faultFrames = this.faults.length * (0.2 * setup.rate + 3 * bufferOf(setup));
    await card.advance(out.stats().framesQueued + 2 * bufferOf(setup) + Math.ceil(faultFrames));
    assert.equal(drained.state, "fulfilled", `The drain has not ended: ${drained.error}`);
  }
}
