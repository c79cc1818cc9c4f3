/** Opening and closing: in every state, with everything pending, and by every way there is. */
import assert from "node:assert/strict";
import { engineCounters, openVirtualCard, type VirtualCard } from "../lib/testing/mod.ts";
import {
  clip,
  mix,
  openPlayback,
  type PlaybackQueue,
  silence,
  StateChangeEvent,
  tone,
} from "../mod.ts";
import { setImmediate } from "node:timers";
import {
  advanceUntil,
  counting,
  countingSamples,
  openCard48k,
  sleep,
  statesOf,
  test,
  turns,
  watch,
  withCode,
  within,
} from "./harness.ts";

type Stream = PlaybackQueue<"s32">;

const closed = withCode("ERR_HALFLAP_CLOSED");

const openCounting = (card: VirtualCard): Promise<Stream> =>
  openPlayback({ ...counting, device: card.device });

async function run(out: Stream, card: VirtualCard): Promise<void> {
  await out.write(countingSamples(2000));
  await card.advance(50);
  assert.equal(out.state, "running");
}

/** Ways into each state in which a stream can be closed. */
const states: Readonly<Record<string, (out: Stream, card: VirtualCard) => Promise<void>>> = {
  "that was just opened": () => Promise.resolve(),
  "with a filled queue": (out) => out.write(countingSamples(100)),
  "that waits for its first frame": (out) => out.start(),
  "that runs": run,
  "that is paused": async (out, card) => {
    await run(out, card);
    await out.pause();
  },
  "that drains": async (out, card) => {
    await run(out, card);
    out.drain().catch(() => {});
    await card.advance(100);
    assert.equal(out.state, "draining");
  },
  "that was drained": async (out, card) => {
    await run(out, card);
    await advanceUntil(card, out.drain());
  },
  "that was dropped": async (out, card) => {
    await run(out, card);
    await out.drop();
  },
  "after an xrun": async (out, card) => {
    await run(out, card);
    await card.advance(10_000);
    assert.equal(out.stats().xruns.count, 1);
  },
};

for (const [state, reach] of Object.entries(states)) {
  test(`a stream ${state} closes`, async () => {
    for (const canPause of [true, false]) {
      await using card = await openVirtualCard({ canPause });
      const out = await openCounting(card);
      if (state === "that is paused" && !canPause) {
        await run(out, card);
        await advanceUntil(card, out.pause());
      } else await reach(out, card);
      await within(out.close(), "close()", 5000);
      assert.equal(out.state, "closed");
      await out.closed;
      assert.equal(engineCounters().streams, 0);
      assert.equal(engineCounters().pcms, 0);
    }
  });
}

test("a stream with a card of its own plays before the event loop turns, where another is open", async () => {
  await using _first = await openPlayback({ device: "virtual" });
  const samples = new Float32Array(96_000);
  const sources = [
    ...[tone({ frequencyHz: 440 }), clip(samples), silence(), mix([{ source: clip(samples) }])],
    undefined,
  ];
  for (const source of sources) {
    let hasTurned = false;
    setImmediate(() => hasTurned = true);
    await using out = await openPlayback({ device: "virtual", ...(source && { source }) });
    assert.equal(hasTurned, false);
    assert.equal(out.state, source === undefined ? "prepared" : "running");
    const { framesWritten, bufferFrames } = { ...out.stats(), ...out.granted };
    assert.ok(source === undefined ? framesWritten === 0 : framesWritten >= bufferFrames);
    const states = statesOf(out);
    await sleep(5);
    assert.deepEqual(states, []);
  }
});

test("streams with cards of their own close while they are opened", async () => {
  await using _first = await openPlayback({ device: "virtual" });
  const source = tone({ frequencyHz: 440 });
  for (let round = 0; round < 20; round++) {
    const openings = Array.from({ length: 10 }, async (_, index) => {
      const out = await openPlayback({ device: "virtual", source, periodFrames: 64 << index % 3 });
      const closing = out.close();
      assert.throws(() => out.stats(), closed);
      await closing;
    });
    await within(Promise.all(openings), "close()", 5000);
  }
});

/** Calls that can be pending when a stream is closed, and what they need before. */
const pendingCalls: Readonly<Record<string, (out: Stream) => Promise<unknown>>> = {
  "write()": (out) => out.write(countingSamples(9000)),
  "drain()": (out) => out.drain(),
  "drain() with a timeout": (out) => out.drain({ timeoutMs: 1000 }),
  "pause() without hardware pause": (out) => out.pause(),
  "pause() with a fade": (out) => out.pause({ fadeMs: 10 }),
  "drop() with a fade": (out) => out.drop({ fadeMs: 10 }),
};

for (const [name, call] of Object.entries(pendingCalls)) {
  test(`close rejects a pending ${name}`, async () => {
    await using card = await openVirtualCard({ canPause: false });
    const out = await openCounting(card);
    await run(out, card);
    const pending = call(out);
    const watched = watch(pending);
    await turns();
    assert.equal(watched.state, "pending");
    await within(out.close(), "close()", 5000);
    await assert.rejects(within(pending, name, 5000), closed);
  });
}

test("close rejects everything that is pending at once", async () => {
  await using card = await openVirtualCard({ canPause: false });
  const out = await openCounting(card);
  await run(out, card);
  const writes = Array.from({ length: 20 }, () => out.write(countingSamples(9000)));
  const pending = [...writes, out.drain(), out.drain({ timeoutMs: 50 }), out.pause()];
  const results = Promise.allSettled(pending);
  await out.close();
  for (const result of await within(results, "A pending call", 5000)) {
    assert.equal(result.status, "rejected");
    closed(result.reason);
  }
});

test("close in the same turn as the calls before it settles all of them", async () => {
  await using card = await openVirtualCard({ canPause: false });
  const out = await openCounting(card);
  await out.write(countingSamples(2000));
  const calls = [
    out.start(),
    out.write(countingSamples(5000)),
    out.pause(),
    out.resume(),
    out.drop(),
    out.drain(),
    out.close(),
  ];
  const results = await within(Promise.allSettled(calls), "A call before close()", 5000);
  assert.equal(results.at(-1)?.status, "fulfilled");
  assert.equal(out.state, "closed");
});

test("close can be called any number of times", async () => {
  await using card = await openCard48k();
  const out = await openCounting(card);
  await Promise.all([out.close(), out.close(), out[Symbol.asyncDispose]()]);
  await out.close();
  await out.closed;
});

test("a closed stream rejects or throws on every use", async () => {
  await using card = await openCard48k();
  const out = await openCounting(card);
  const { granted, writable } = out;
  await out.close();
  const samples = countingSamples(10);
  const calls = [
    () => out.write(samples),
    () => out.write(new Int32Array(0)),
    () => out.start(),
    () => out.pause(),
    () => out.resume(),
    () => out.drain(),
    () => out.drop(),
    () => writable.getWriter().write(samples),
  ];
  for (const call of calls) await assert.rejects(call, closed, String(call));
  assert.throws(() => out.tryWrite(samples), closed);
  assert.throws(() => out.setGain(1), closed);
  assert.throws(() => out.stats(), closed);
  assert.throws(() => out.getOutputTimestamp(), closed);
  assert.equal(out.state, "closed");
  assert.equal(out.granted, granted);
  out.ref();
  out.unref();
});

test("closed is one promise that resolves after close() has freed everything", async () => {
  await using card = await openCard48k();
  const out = await openCounting(card);
  assert.equal(out.closed, out.closed);
  const watched = watch(out.closed);
  await run(out, card);
  assert.equal(watched.state, "pending");
  let streams = -1;
  const seen = out.closed.then(() => streams = engineCounters().streams);
  await out.close();
  await seen;
  assert.equal(streams, 0);
});

test("await using closes a stream that an exception abandons", async () => {
  await using card = await openCard48k();
  let abandoned: Stream | undefined;
  const program = async () => {
    await using out = await openCounting(card);
    abandoned = out;
    out.write(countingSamples(50_000)).catch(() => {});
    await card.advance(100);
    throw new Error("the program failed");
  };
  await assert.rejects(program, /the program failed/);
  assert.equal(abandoned?.state, "closed");
  assert.equal(engineCounters().streams, 0);
});

test("a signal that is aborted already keeps a stream from opening", async () => {
  await using card = await openCard48k();
  const reason = new Error("never mind");
  const opening = openPlayback({ device: card.device, signal: AbortSignal.abort(reason) });
  await assert.rejects(opening, reason);
  assert.equal(engineCounters().streams, 0);
});

test("a signal that is aborted while a stream opens keeps it from opening", async () => {
  for (const clock of ["simulated", "realtime"] as const) {
    await using card = await openVirtualCard({ clock });
    const controller = new AbortController();
    const opening = openPlayback({ device: card.device, signal: controller.signal });
    const reason = new Error("never mind");
    controller.abort(reason);
    await assert.rejects(opening, reason);
    await turns();
    assert.equal(engineCounters().streams, 0);
  }
});

test("a signal that is aborted later closes the stream", async () => {
  await using card = await openCard48k();
  const controller = new AbortController();
  const options = { ...counting, device: card.device, signal: controller.signal };
  const out = await openPlayback(options);
  await run(out, card);
  const write = assert.rejects(out.write(countingSamples(9000)), closed);
  controller.abort(new Error("enough"));
  await within(out.closed, "closed", 5000);
  await write;
  assert.equal(out.state, "closed");
});

test("a signal that is aborted after close() has no effect", async () => {
  await using card = await openCard48k();
  const controller = new AbortController();
  const out = await openPlayback({ device: card.device, signal: controller.signal });
  await out.close();
  controller.abort();
  await turns();
  assert.equal(out.state, "closed");
});

test("streams open and close while others do", async () => {
  for (const clock of ["simulated", "realtime"] as const) {
    await using card = await openVirtualCard({ clock });
    const lives = Array.from({ length: 12 }, async (_, index) => {
      const out = await openCounting(card);
      if (index % 3 === 0) await out.write(countingSamples(500));
      if (index % 3 === 1) out.write(countingSamples(9000)).catch(() => {});
      if (index % 2 === 0) await turns(index);
      await out.close();
    });
    await within(Promise.all(lives), "Opening and closing", 10_000);
    assert.equal(engineCounters().streams, 0);
  }
});

test("a card whose substreams are all open refuses one more, and takes it later", async () => {
  for (const clock of ["simulated", "realtime"] as const) {
    await using card = await openVirtualCard({ clock, substreams: 1 });
    const first = await openCounting(card);
    const busy = withCode("ERR_HALFLAP_DEVICE_BUSY");
    await assert.rejects(within(openCounting(card), "Opening a busy card", 5000), busy);
    await within(first.close(), "close()", 5000);
    await using again = await within(openCounting(card), "Opening again", 5000);
    assert.equal(again.state, "prepared");
  }
});

test("a failed open leaves nothing behind", async () => {
  for (const clock of ["simulated", "realtime"] as const) {
    await using card = await openVirtualCard({ clock, formats: ["s16"], channels: { max: 2 } });
    const { device } = card;
    const refused = (options: Parameters<typeof openPlayback>[0]) =>
      within(openPlayback({ device, format: "s16", ...options }), "A refused open", 5000);
    await assert.rejects(refused({ format: "f32" }), withCode("ERR_HALFLAP_UNSUPPORTED_FORMAT"));
    await assert.rejects(refused({ channels: 3 }), withCode("ERR_HALFLAP_UNSUPPORTED_CHANNELS"));
    assert.equal(engineCounters().streams, 0);
    assert.equal(engineCounters().pcms, 0);
    await using out = await openPlayback({ device, format: "s16" });
    assert.equal(out.state, "prepared");
  }
});

test("a card cannot be closed while streams are open on it", async () => {
  await using card = await openCard48k();
  const out = await openCounting(card);
  await assert.rejects(card.close(), withCode("ERR_HALFLAP_INVALID_STATE"));
  await out.write(countingSamples(1000));
  await advanceUntil(card, out.drain());
  await out.close();
  await card.close();
  await card.close();
});

test("listeners come and go as everywhere on the web platform", async () => {
  await using card = await openCard48k();
  const out = await openCounting(card);
  const seen: string[] = [];
  const removed = () => seen.push("removed");
  const object = { handleEvent: (event: StateChangeEvent) => seen.push(`object ${event.state}`) };
  const controller = new AbortController();
  out.addEventListener("statechange", removed);
  out.addEventListener("statechange", object);
  out.addEventListener("statechange", ({ state }) => seen.push(`once ${state}`), { once: true });
  out.addEventListener("statechange", () => seen.push("aborted"), { signal: controller.signal });
  out.removeEventListener("statechange", removed);
  controller.abort();
  await run(out, card);
  await out.close();
  await turns();
  assert.deepEqual(seen, ["object running", "once running", "object closed"]);
});

test("state is the new one when statechange is dispatched", async () => {
  await using card = await openCard48k();
  const out = await openCounting(card);
  out.addEventListener("statechange", (event) => {
    assert.ok(event instanceof StateChangeEvent);
    assert.equal(event.target, out);
    assert.equal(event.state, out.state);
  });
  await run(out, card);
  await out.close();
});

test("a stream can be closed in a listener", async () => {
  await using card = await openCard48k();
  const out = await openCounting(card);
  out.addEventListener("statechange", ({ state }) => {
    if (state === "running") out.close();
  });
  await out.write(countingSamples(2000));
  await card.advance(500);
  await within(out.closed, "closed", 5000);
});

test("a real-time stream goes through its states", async () => {
  const source = tone({ frequencyHz: 440 });
  const out = await openPlayback({ device: "virtual", source, startThreshold: Infinity });
  const states = statesOf(out);
  await within(out.start(), "start()", 5000);
  await within(out.pause(), "pause()", 5000);
  await within(out.resume(), "resume()", 5000);
  await within(out.drop(), "drop()", 5000);
  await within(out.close(), "close()", 5000);
  await turns();
  assert.deepEqual(states, ["running", "paused", "running", "prepared", "closed"]);
});

test("a Worker plays while the main thread does, each in its own realm", async () => {
  await using card = await openCard48k();
  await using out = await openCounting(card);
  await run(out, card);
  const file = new URL("./playing_worker.ts", import.meta.url);
  const worker = new Worker(file, { type: "module" });
  const played = new Promise((resolve, reject) => {
    worker.onmessage = (event) => resolve(event.data);
    worker.onerror = (event) => reject(new Error(event.message));
  });
  assert.equal(await within(played, "The Worker", 15_000), 48_000);
  worker.terminate();
  assert.equal(engineCounters().streams, 1);
  await advanceUntil(card, out.drain());
  assert.equal(out.stats().framesPlayed, 2000);
});
