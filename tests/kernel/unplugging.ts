/** A card that goes away and comes back: its driver is unbound and bound again through sysfs. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { engineCounters } from "../../lib/testing/mod.ts";
import { mapped, openPlayback, type Playback, tone } from "../../mod.ts";
import { accesses, eventually, handled, test, watch, withCode } from "../harness.ts";
import { finish, runOrFail, start } from "../programs.ts";
import { look } from "./guest.ts";

const sizes = { format: "s16", rate: 48_000, periodFrames: 480, periods: 4 } as const;
/** A card, and the device that the kernel's driver of it is bound to. */
export interface Pluggable {
  readonly card: string;
  readonly device: string;
  readonly channels: number;
  /** The folder of the driver, below /sys/bus. */
  readonly driver: string;
  /** The name of the device in there. */
  readonly bound: string;
  /** The driver's module. */
  readonly module: string;
}

const hasCard = (card: string): boolean =>
  readFileSync("/proc/asound/cards", "utf8").includes(`[${card} `);

/** The driver of a card, which can be pulled from under it, and is there again at the end. */
class Plug implements AsyncDisposable {
  readonly #card: Pluggable;
  #pulled: Promise<unknown> | undefined;

  constructor(card: Pluggable) {
    this.#card = card;
  }

  /** The kernel lets go of a card only when all its files are closed: the promise waits for that. */
  pull(): Promise<unknown> {
    const { driver, bound } = this.#card;
    const command = `echo ${bound} > /sys/bus/${driver}/unbind`;
    this.#pulled = finish(start("sh", ["-c", command]));
    return this.#pulled;
  }

  /** The same, and waits until programs don't find the card any more. */
  async pullAndWait(): Promise<void> {
    this.pull();
    await eventually("The end of the card", () => !hasCard(this.#card.card));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#pulled === undefined) return;
    await this.#pulled;
    const { card, driver, bound } = this.#card;
    const command = `echo ${bound} > /sys/bus/${driver}/bind`;
    await runOrFail("sh", ["-c", command]);
    await eventually("The card", () => hasCard(card));
  }
}

/** Plays a tenth of a second, and checks that it was heard. */
export async function playBriefly({ device, channels }: Pluggable): Promise<void> {
  await using out = await openPlayback({ ...sizes, device, channels });
  await out.write(ones(4800 * channels));
  await out.drain();
  assert.equal(out.stats().framesPlayed, 4800);
}

const lost = withCode("ERR_HALFLAP_DEVICE_LOST");

const ones = (count: number): Int16Array => new Int16Array(count).fill(1);

const play = (out: Playback): Promise<void> =>
  eventually("The sound", () => out.stats().framesPlayed > 2000);

/** The tests of one card. */
export function testUnplugging(found: Pluggable): void {
  const { card, device, channels, module } = found;
  for (const access of accesses) {
    const where = `${card} by ${access}`;
    const options = { ...sizes, device, channels, access } as const;

    test(`a stream that runs is lost with ${where}, and plays again on its return`, async () => {
      {
        await using plug = new Plug(found);
        await using out = await openPlayback({ ...options, source: tone({ frequencyHz: 440 }) });
        await play(out);
        const pulled = plug.pull();
        await assert.rejects(out.closed, lost);
        assert.equal(engineCounters().pcms, 0);
        assert.throws(() => out.stats(), withCode("ERR_HALFLAP_CLOSED"));
        await pulled;
        assert.equal(hasCard(card), false);
        await assert.rejects(openPlayback(options), withCode("ERR_HALFLAP_DEVICE_NOT_FOUND"));
      }
      await playBriefly(found);
    });

    test(`calls that are pending are rejected when ${where} goes away`, async () => {
      await using plug = new Plug(found);
      await using out = await openPlayback(options);
      const written = handled(out.write(ones(480_000 * channels)));
      const drained = handled(out.drain());
      await play(out);
      plug.pull();
      for (const pending of [written, drained, out.closed]) await assert.rejects(pending, lost);
    });

    test(`a stream that drains is lost with ${where}`, async () => {
      await using plug = new Plug(found);
      await using out = await openPlayback({ ...options, queueFrames: 24_000 });
      await out.write(ones(24_000 * channels));
      const drained = handled(out.drain());
      await play(out);
      assert.equal(out.state, "draining");
      plug.pull();
      for (const pending of [drained, out.closed]) await assert.rejects(pending, lost);
    });

    for (const state of ["paused", "prepared"]) {
      test(`a stream that is ${state} closes after ${where} went away`, async () => {
        await using plug = new Plug(found);
        await using out = await openPlayback({ ...options, queueFrames: 24_000 });
        if (state === "paused") {
          await out.write(ones(24_000 * channels));
          await play(out);
          await out.pause();
        }
        assert.equal(out.state, state);
        await plug.pullAndWait();
        await out.close();
      });
    }

    test(`a stream that is paused is lost at its resume() after ${where} went away`, async () => {
      await using plug = new Plug(found);
      await using out = await openPlayback({ ...options, queueFrames: 24_000 });
      await out.write(ones(24_000 * channels));
      await play(out);
      await out.pause();
      await plug.pullAndWait();
      handled(out.resume());
      await assert.rejects(out.closed, lost);
    });

    test(`a stream in an xrun is lost with ${where} at its next sound`, async () => {
      await using plug = new Plug(found);
      await using out = await openPlayback(options);
      await out.write(ones(3000 * channels));
      await eventually("The xrun", () => out.stats().xruns.count === 1);
      await plug.pullAndWait();
      handled(out.write(ones(4800 * channels)));
      await assert.rejects(out.closed, lost);
    });

    test(`a stream that is being closed while ${where} goes away is closed`, async () => {
      {
        await using plug = new Plug(found);
        const out = await openPlayback({ ...options, source: tone({ frequencyHz: 440 }) });
        await play(out);
        plug.pull();
        await out.close();
        const ended = watch(out.closed);
        await eventually("The end", () => ended.state !== "pending");
        assert.equal(engineCounters().pcms, 0);
      }
      await playBriefly(found);
    });
  }

  test(`a view of the ring of ${card} outlives the card`, async () => {
    await using plug = new Plug(found);
    await using out = await openPlayback({ ...sizes, device, channels, source: mapped() });
    const { samples } = out;
    assert.equal(out.granted.zeroCopy?.memory, "dma");
    out.begin(1920);
    samples.fill(5);
    out.commit(1920);
    await eventually("The start", () => out.state === "running");
    const pulled = plug.pull();
    await assert.rejects(out.closed, lost);
    assert.equal(samples.length, 0);
    await pulled;
  });

  test(`a module of ${card} that is in use is not removed`, async () => {
    await using out = await openPlayback({
      ...sizes,
      device,
      channels,
      source: tone({ frequencyHz: 440 }),
    });
    await play(out);
    await assert.rejects(runOrFail("busybox", ["rmmod", module]));
    assert.equal((await look(card)).state, "running");
    assert.equal(out.stats().xruns.count, 0);
  });
}
