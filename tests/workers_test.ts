/**
 * Streams and Workers: a stream goes to a Worker and back as it plays, and what a terminated Worker
 * leaves behind is cleared up, whatever it did at that moment.
 */
import assert from "node:assert/strict";
import path from "node:path";
import process from "node:process";
import { test as nodeTest } from "node:test";
import { openVirtualCard } from "../lib/testing/mod.ts";
import {
  attachPlayback,
  clip,
  mapped,
  openPlayback,
  type Playback,
  type PlaybackQueue,
  type PlaybackRender,
  type PlaybackToken,
  render,
} from "../mod.ts";
import {
  advanceUntil,
  assertSameBits,
  counting,
  countingSamples,
  monoSource,
  nothing,
  root,
  test,
  withCode,
  within,
  withoutZeros,
} from "./harness.ts";
import type { Order } from "./owning_worker.ts";
import { runOrFail } from "./programs.ts";

/** A Worker that owns streams, ended with its block. */
class Owner implements Disposable {
  readonly #worker = new Worker(new URL("./owning_worker.ts", import.meta.url), { type: "module" });

  /** Resolves with the result of an order, or with the code of its error. */
  async tell(order: Order): Promise<{ readonly result?: unknown; readonly code?: unknown }> {
    const worker = this.#worker;
    const answered = new Promise<MessageEvent>((resolve, reject) => {
      worker.onmessage = resolve;
      worker.onerror = (event) => reject(new Error(event.message));
    });
    worker.postMessage(order);
    return (await within(answered, `"${order.kind}" of the Worker`, 15_000)).data;
  }

  /** The result of an order that must succeed. */
  async obtain<T>(order: Order): Promise<T> {
    const { result, code } = await this.tell(order);
    assert.equal(code, undefined);
    return result as T;
  }

  [Symbol.dispose](): void {
    this.#worker.terminate();
  }
}

test("a stream goes to a Worker and back on the simulated clock, sample by sample", async () => {
  using owner = new Owner();
  await using card = await openVirtualCard();
  let out: PlaybackQueue<"s32"> = await openPlayback({
    ...counting,
    device: card.device,
    queueFrames: 20_000,
  });
  for (let round = 0; round < 5; round++) {
    const first = 1 + 5000 * round;
    await out.write(countingSamples(2500, first));
    await card.advance(round === 0 ? 1000 : 2000);
    const token = await out.detach();
    await card.advance(300);
    assert.equal(await owner.obtain({ kind: "attach", token }), "running");
    await owner.obtain({ kind: "write", count: 2500, first: first + 2500 });
    await card.advance(2000);
    const back: PlaybackToken<typeof out> = await owner.obtain({ kind: "detach" });
    await card.advance(700);
    out = await attachPlayback(back);
  }
  await advanceUntil(card, out.drain());
  assert.equal(out.stats().xruns.count, 0);
  assertSameBits(card.played().subarray(0, 25_000), countingSamples(25_000));
  await out.close();
});

/** Large periods, so that the machine can be busy with something else for a while. */
const lenient = { ...counting, periodFrames: 4800, queueFrames: 96_000 } as const;

test("a stream goes to a Worker and back as it plays in real time", async () => {
  using owner = new Owner();
  await using card = await openVirtualCard({ clock: "realtime" });
  let out: PlaybackQueue<"s32"> = await openPlayback({ ...lenient, device: card.device });
  for (let round = 0; round < 5; round++) {
    const first = 1 + 9600 * round;
    await out.write(countingSamples(4800, first));
    await owner.obtain({ kind: "attach", token: await out.detach() });
    await owner.obtain({ kind: "write", count: 4800, first: first + 4800 });
    out = await attachPlayback<typeof out>(await owner.obtain({ kind: "detach" }));
  }
  await out.drain();
  const { framesPlayed } = out.stats();
  await out.close();
  assert.equal(framesPlayed, 48_000);
  assertSameBits(Int32Array.from(withoutZeros(card.played())), countingSamples(48_000));
});

test("a clip plays on in real time while it goes to a Worker and back", async () => {
  using owner = new Owner();
  await using card = await openVirtualCard({ clock: "realtime" });
  const source = clip(countingSamples(24_000));
  const { queueFrames: _, ...options } = lenient;
  let out: Playback = await openPlayback({ ...options, device: card.device, source });
  for (let round = 0; round < 10; round++) {
    await owner.obtain({ kind: "attach", token: await out.detach() });
    out = await attachPlayback(await owner.obtain<PlaybackToken>({ kind: "detach" }));
  }
  await out.drain();
  await out.close();
  assertSameBits(Int32Array.from(withoutZeros(card.played())), countingSamples(24_000));
});

test("a Worker renders on from where the main thread had got to", async () => {
  using owner = new Owner();
  await using card = await openVirtualCard();
  const out: PlaybackRender<"s32"> = await openPlayback({
    ...monoSource,
    device: card.device,
    source: render<"s32">(({ samples, position }) =>
      samples.set(countingSamples(100, position + 1))
    ),
  });
  await card.advance(1000);
  const token = await out.detach();
  assert.deepEqual(await owner.tell({ kind: "attach", token }), {
    code: 'TypeError: "render" must be a function: a callback renders the stream',
  });
  await owner.obtain({ kind: "render", token });
  // What is in the ring already bridges the way of an event to the Worker.
  for (let period = 0; period < 50; period++) {
    await card.advance(100);
    await owner.obtain({ kind: "answer" });
  }
  await owner.obtain({ kind: "close" });
  const played = Int32Array.from(withoutZeros(card.played()));
  assert.ok(played.length > 5000, `${played.length} frames were played`);
  assertSameBits(played, countingSamples(played.length));
});

test("who gave a stream to a Worker cannot write to it, nor attach it as well", async () => {
  using owner = new Owner();
  await using card = await openVirtualCard();
  const out = await openPlayback({ ...counting, device: card.device });
  const token = await out.detach();
  await owner.obtain({ kind: "attach", token });
  await assert.rejects(out.write(countingSamples(1)), withCode("ERR_HALFLAP_DETACHED"));
  await assert.rejects(attachPlayback(token), withCode("ERR_HALFLAP_UNKNOWN_TOKEN"));
  assert.deepEqual(await owner.tell({ kind: "attach", token }), {
    code: "ERR_HALFLAP_UNKNOWN_TOKEN",
  });
  await owner.obtain({ kind: "write", count: 1, first: 1 });
  await owner.obtain({ kind: "close" });
});

test("a blocking wait is longer than the engine's own waits, which end", async () => {
  await using card = await openVirtualCard();
  await using out = await openPlayback({ ...monoSource, device: card.device, source: mapped() });
  while (out.waitForRoomSync(1, 0)) out.commit(out.begin(400)?.frames ?? 0);
  assert.equal(out.waitForRoomSync(1, 1100), false);
});

/** How long a program's realms may be silent; in the short time a busy machine may, too. */
const ownerTimeoutMs = 2000;
const shortTimeoutMs = 600;
const programMs = 60_000;

/** Runs a program of this folder, which must end by itself, and returns what it prints. */
async function runProgram(
  file: string,
  args: readonly string[],
  timeoutMs: number | string,
): Promise<string> {
  const flags = process.versions.bun === undefined ? ["run", "--allow-all"] : [];
  const { stdout, stderr } = await runOrFail(
    process.execPath,
    [...flags, path.join(root, "tests", file), ...args],
    { env: { HALFLAP_OWNER_TIMEOUT_MS: String(timeoutMs) }, killAfterMs: programMs },
  );
  assert.equal(stderr, "");
  return stdout;
}

nodeTest(
  "terminated Workers leave nothing behind, whatever they did",
  { timeout: 2 * programMs },
  async () => {
    const { mine, abandoned, cleared, state, end } = JSON.parse(
      await runProgram("abandoning_program.ts", [], ownerTimeoutMs),
    );
    assert.ok(abandoned.streams > mine.streams + 10, JSON.stringify(abandoned));
    assert.ok(abandoned.views > 0, JSON.stringify(abandoned));
    // Its own stream, and the threads that clear up, go on.
    assert.deepEqual({ ...cleared, threads: 0, pendingWaits: 0 }, {
      ...mine,
      threads: 0,
      pendingWaits: 0,
    });
    assert.equal(state, "running");
    assert.deepEqual(end, nothing);
  },
);

for (const until of ["closed", "released"]) {
  const what = until === "closed" ? "its streams were closed" : "nothing of it was left";
  nodeTest(
    `a realm that is silent until ${what} finds typed errors`,
    { timeout: 2 * programMs },
    async () => {
      const { codes, states, samples, end } = JSON.parse(
        await runProgram("silent_program.ts", [until], shortTimeoutMs),
      );
      const abandoned = "ERR_HALFLAP_ABANDONED";
      const closed = `ERR_HALFLAP_CLOSED by ${abandoned}`;
      assert.deepEqual(codes, {
        closed: Array(5).fill(abandoned),
        write: abandoned,
        stats: closed,
        tryWrite: closed,
        begin: closed,
        detach: closed,
        card: until === "closed" ? "no error" : "ERR_HALFLAP_CLOSED",
        devices: until === "closed" ? "no error" : abandoned,
      });
      assert.deepEqual(states, Array(5).fill("closed"));
      assert.equal(samples, 0);
      assert.deepEqual(end, nothing);
    },
  );
}

nodeTest("a stream that nobody attaches is closed", { timeout: 2 * programMs }, async () => {
  const printed = await runProgram("unclaimed_program.ts", [], shortTimeoutMs);
  assert.equal(printed, "ERR_HALFLAP_UNKNOWN_TOKEN\n");
});

nodeTest("HALFLAP_OWNER_TIMEOUT_MS says how long a realm may be silent", async () => {
  for (const [timeoutMs, silenceMs] of [[6000, 1000], [0, 0], ["soon", 5000]] as const) {
    const printed = await runProgram("owner_timeout_program.ts", [], timeoutMs);
    assert.equal(printed, `${silenceMs}\n`);
  }
});
