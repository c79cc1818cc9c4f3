/**
 * Opening and closing a thousand times leaves nothing behind: the system is asked, not the engine,
 * whose own counters `test()` asserts anyway.
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import process from "node:process";
import { openVirtualCard, type VirtualCardOptions } from "../lib/testing/mod.ts";
import {
  clip,
  listDevices,
  openPlayback,
  type PlaybackOptions,
  probeDevice,
  tone,
  watchDevices,
} from "../mod.ts";
import { accesses, counting, countingSamples, eventually, sleep, test } from "./harness.ts";

interface Held {
  readonly descriptors: number;
  readonly threads: number;
  readonly mappings: number;
  readonly lockedKib: number;
  readonly residentKib: number;
}

/** By other programs: Deno reads nothing below /proc without `--allow-all`. */
function lookAtProcess(): Held {
  const folder = `/proc/${process.pid}`;
  const lines = (command: string, file: string) =>
    execFileSync(command, [`${folder}/${file}`], { encoding: "utf8" }).trimEnd().split("\n");
  const status = new Map(
    lines("cat", "status").map((line) => {
      const [name = "", value = ""] = line.split(/:\s*/);
      return [name, Number.parseInt(value)];
    }),
  );
  return {
    descriptors: lines("ls", "fd").length,
    threads: status.get("Threads") ?? NaN,
    mappings: lines("cat", "maps").length,
    lockedKib: status.get("VmLck") ?? NaN,
    residentKib: status.get("VmRSS") ?? NaN,
  };
}

/**
 * What the runtime may take for itself meanwhile: its heap, and threads that it keeps for a while.
 * A leak in each of the cycles is far above.
 */
const allowed: Held = {
  descriptors: 0,
  threads: 4,
  mappings: 60,
  lockedKib: 0,
  residentKib: 24 * 1024,
};

function findGrowth(before: Held, now: Held): string[] {
  const names = Object.keys(before) as (keyof Held)[];
  return names.filter((name) => now[name] - before[name] > allowed[name])
    .map((name) => `${name} grew from ${before[name]} to ${now[name]}`);
}

/** Cycles until the runtime has taken its memory, then looks, cycles on, and looks again. */
async function assertNoGrowth(
  warmUp: number,
  cycles: number,
  cycle: (index: number) => Promise<void>,
): Promise<void> {
  for (let index = 0; index < warmUp; index++) await cycle(index);
  await sleep(50);
  const before = lookAtProcess();
  for (let index = 0; index < cycles; index++) await cycle(index);
  // Threads end shortly after the last close.
  let growth: string[] = [];
  for (let look = 0; look < 20; look++) {
    growth = findGrowth(before, lookAtProcess());
    if (growth.length === 0) return;
    await sleep(100);
  }
  assert.fail(growth.join(", "));
}

test("the look at the process sees descriptors, mappings and memory", () => {
  const held = lookAtProcess();
  for (const [name, value] of Object.entries(held)) assert.ok(value >= 0, `${name} is ${value}`);
  assert.ok(held.descriptors >= 3 && held.threads >= 1 && held.residentKib > 10_000);
  const more = { ...held, descriptors: held.descriptors + 1, lockedKib: held.lockedKib + 4 };
  assert.equal(findGrowth(held, more).length, 2);
  assert.equal(findGrowth(held, held).length, 0);
});

test("a thousand streams of a simulated card leave nothing behind", async () => {
  await using card = await openVirtualCard({ tap: "none" });
  const samples = countingSamples(20_000);
  await assertNoGrowth(300, 1000, async (index) => {
    const options = { ...counting, queueFrames: 20_000, device: card.device };
    await using out = await openPlayback({ ...options, access: accesses[index % 2] ?? "auto" });
    await out.write(samples);
    await card.advance(500);
  });
});

test("streams that are closed at their work leave nothing behind", async () => {
  await using card = await openVirtualCard({ tap: "none" });
  const samples = countingSamples(5000);
  await assertNoGrowth(200, 500, async (index) => {
    const out = await openPlayback({ ...counting, device: card.device });
    const results = Promise.allSettled([
      out.write(samples),
      out.write(samples),
      index % 2 === 0 ? out.drain() : out.pause({ fadeMs: 5 }),
    ]);
    const writer = out.writable.getWriter();
    writer.closed.catch(() => {});
    writer.write(samples).catch(() => {});
    await card.advance(100);
    await out.close();
    await results;
  });
});

test("cards with taps and native sources leave nothing behind", async () => {
  const samples = countingSamples(20_000);
  const cards: VirtualCardOptions[] = [{}, { access: ["write-noninterleaved"] }, { tap: "none" }];
  await assertNoGrowth(200, 500, async (index) => {
    const source = index % 2 === 0 ? clip(samples) : tone({ frequencyHz: 440 });
    await using card = await openVirtualCard(cards[index % cards.length]);
    const options: PlaybackOptions<"s32"> = { format: "s32", channels: 1, rate: 48_000, source };
    await using out = await openPlayback({ ...options, device: card.device });
    await card.advance(1000);
    assert.equal(out.stats().framesPlayed, 1000);
  });
});

test("streams that cannot be opened leave nothing behind", async () => {
  await using card = await openVirtualCard({ formats: ["s16"], substreams: 1 });
  await using out = await openPlayback({ device: card.device, format: "s16" });
  await assertNoGrowth(100, 500, async (index) => {
    const options: PlaybackOptions[] = [
      { device: card.device, format: "s16" },
      { device: card.device, format: "f64" },
      { device: "halflap-no-such-device" },
      { device: card.device, signal: AbortSignal.abort() },
    ];
    await assert.rejects(openPlayback(options[index % options.length] ?? {}));
  });
  assert.equal(out.state, "prepared");
});

test("questions about devices leave nothing behind", async () => {
  await using card = await openVirtualCard({ channelMaps: "fixed" });
  await assertNoGrowth(30, 100, async (index) => {
    const devices = watchDevices();
    const change = devices.next();
    const controller = new AbortController();
    const { signal } = controller;
    const aborted = index % 2 === 0 ? listDevices({ signal }) : probeDevice("null", { signal });
    controller.abort();
    await assert.rejects(aborted, { name: "AbortError" });
    await Promise.all([listDevices({ probe: true }), probeDevice(card.device)]);
    await assert.rejects(probeDevice("halflap-no-such-device"));
    await devices.return();
    assert.equal((await change).done, true);
  });
});

test("a hundred streams in real time leave nothing behind", async () => {
  const samples = countingSamples(3000);
  await assertNoGrowth(30, 100, async () => {
    await using out = await openPlayback({ ...counting, device: "virtual", queueFrames: 20_000 });
    await out.write(samples);
    await out.start();
    await eventually("playing", () => out.stats().framesPlayed > 0);
  });
});

test("streams that an exception abandons leave nothing behind", async () => {
  for (const clock of ["simulated", "realtime"] as const) {
    await using card = await openVirtualCard({ clock, tap: "none" });
    await assertNoGrowth(30, 100, async () => {
      const program = async () => {
        await using first = await openPlayback({ ...counting, device: card.device });
        first.write(countingSamples(9000)).catch(() => {});
        await using second = await openPlayback({ ...counting, device: card.device });
        await second.write(countingSamples(1000));
        throw new Error("the program failed");
      };
      await assert.rejects(program, /the program failed/);
    });
  }
});

test("many streams at once in real time leave nothing behind", async () => {
  await using card = await openVirtualCard({ clock: "realtime", tap: "none" });
  await assertNoGrowth(3, 6, async () => {
    await using streams = new AsyncDisposableStack();
    const opening = Array.from({ length: 16 }, (_, index) => {
      const source = tone({ frequencyHz: 100 * (index + 1) });
      return openPlayback({ device: card.device, source, periodFrames: 120 * (1 + index % 4) });
    });
    const open = await Promise.all(opening);
    for (const out of open) streams.use(out);
    await eventually("playing", () => open.every((out) => out.stats().framesPlayed > 0));
  });
});
