/** Callbacks that throw, return promises, end or change their own stream, and wrong arguments. */
import assert from "node:assert/strict";
import { engineCounters, openVirtualCard, type VirtualCard } from "../lib/testing/mod.ts";
import {
  HalflapError,
  mapped,
  openPlayback,
  type Playback,
  PlaybackMapped,
  PlaybackRender,
  render,
  type RenderBlock,
} from "../mod.ts";
import {
  accesses,
  advanceUntil,
  eventually,
  handled,
  monoSource,
  openCard48k,
  runModule,
  test,
  turns,
  watch,
  withCode,
  within,
  withoutZeros,
} from "./harness.ts";
import {
  assertAllHeard,
  assertCountsUp,
  assertHeardOrDropped,
  CountingRenderer,
} from "./rendering.ts";
import {
  assertRefused,
  type Case,
  integer,
  numberCases,
  typeError,
  type Untyped,
} from "./wrong_values.ts";

const renderFailed = withCode("ERR_HALFLAP_RENDER");
const closed = withCode("ERR_HALFLAP_CLOSED");

/** What a callback can do at one of its calls that is to end the stream. */
const failures: Readonly<Record<string, { readonly fail: () => unknown; readonly cause?: Error }>> =
  (() => {
    const cause = new Error("the callback failed");
    const throwCause = () => {
      throw cause;
    };
    return {
      "throws": { fail: throwCause, cause },
      "is an async function": { fail: async () => await turns(1) },
      "returns a rejected promise": { fail: () => Promise.reject(cause) },
      "returns a pending promise": { fail: () => new Promise(() => {}) },
      "returns a thenable": { fail: () => ({ then: () => {} }) },
    };
  })();

for (const [what, { fail, cause }] of Object.entries(failures)) {
  test(`a callback that ${what} ends its stream, and no other`, async () => {
    for (const access of accesses) {
      for (const failingCall of [1, 2, 4, 5, 6, 50]) {
        await using card = await openCard48k();
        const renderer = new CountingRenderer();
        renderer.after = (_block, call) => call === failingCall ? fail() : undefined;
        const steady = new CountingRenderer();
        const options = { ...monoSource, access, device: card.device };
        await using other = await openPlayback({ ...options, source: steady.source });
        await using out = await openPlayback({ ...options, source: renderer.source });
        const rejected = handled(assert.rejects(out.closed, renderFailed));
        await card.advance(10_000);
        await within(rejected, "closed", 5000);
        assert.equal(out.state, "closed");
        assert.equal(renderer.calls, failingCall, "It was called after its failure");
        const error = await out.closed.catch((error: unknown) => error);
        assert.ok(error instanceof HalflapError);
        if (cause && what === "throws") assert.equal(error.cause, cause);
        assert.throws(() => out.stats(), closed);
        await out.close();
        await advanceUntil(card, other.drain());
        assertAllHeard(other, card, 0);
        assert.equal(other.stats().xruns.count, 0);
        assertCountsUp(card, 1);
      }
    }
  });
}

test("what was rendered before a callback failed may be heard, but nothing of the failed block", async () => {
  await using card = await openCard48k();
  const renderer = new CountingRenderer();
  renderer.after = (_block, call) => {
    if (call === 20) throw new RangeError("the callback failed");
  };
  const options = { ...monoSource, source: renderer.source, device: card.device };
  await using out = await openPlayback(options);
  const rejected = handled(
    assert.rejects(out.closed, { cause: new RangeError("the callback failed") }),
  );
  await card.advance(5000);
  await rejected;
  assert.ok(assertCountsUp(card).every((sample) => sample <= 1900));
});

for (const value of [undefined, null, 0, "sound", { then: 5 }, []]) {
  test(`a callback that returns ${JSON.stringify(value)} goes on`, async () => {
    await using card = await openCard48k();
    const renderer = new CountingRenderer();
    renderer.after = () => value;
    const options = { ...monoSource, source: renderer.source, device: card.device };
    await using out = await openPlayback(options);
    await card.advance(2000);
    await advanceUntil(card, out.drain());
    assertAllHeard(out, card);
  });
}

for (const thrown of [undefined, null, "text", 0]) {
  test(`a callback that throws ${JSON.stringify(thrown)} ends its stream`, async () => {
    await using card = await openCard48k();
    const renderer = new CountingRenderer();
    renderer.after = (_block, call) => {
      if (call === 10) throw thrown;
    };
    const options = { ...monoSource, source: renderer.source, device: card.device };
    await using out = await openPlayback(options);
    const rejected = handled(assert.rejects(out.closed, renderFailed));
    await card.advance(5000);
    await rejected;
    const error = await out.closed.catch((error: HalflapError) => error.cause);
    assert.equal(error, thrown);
  });
}

interface Playing {
  readonly card: VirtualCard;
  readonly out: PlaybackRender<"s32">;
  readonly renderer: CountingRenderer;
}

/** Does something to the stream in its callback, once, when it is called for the tenth time. */
async function actInCallback(
  access: "mmap" | "write",
  act: (playing: Playing) => void,
  end: (playing: Playing) => Promise<void>,
): Promise<void> {
  await using card = await openCard48k();
  const renderer = new CountingRenderer();
  const options = { ...monoSource, access, source: renderer.source, device: card.device };
  await using out = await openPlayback(options);
  const playing = { card, out, renderer };
  renderer.after = (_block, call) => {
    if (call === 10) act(playing);
  };
  await card.advance(3000);
  await end(playing);
}

for (const access of accesses) {
  test(`a callback that closes its stream is called no more by ${access}`, async () => {
    let closing: Promise<void> = Promise.reject(new Error("not called"));
    closing.catch(() => {});
    await actInCallback(
      access,
      ({ out }) => closing = out.close(),
      async ({ card, out, renderer }) => {
        await within(closing, "close()", 5000);
        await out.closed;
        assert.equal(renderer.calls, 10);
        assert.equal(engineCounters().streams, 0);
        assert.ok(renderer.blocks.every(({ samples }) => samples.length === 0));
        assertCountsUp(card);
      },
    );
  });

  test(`a callback that closes its stream and throws closes it by ${access}`, async () => {
    let closing: Promise<void> | undefined;
    const act = ({ out }: Playing) => {
      closing = out.close();
      throw new Error("the callback failed");
    };
    await actInCallback(access, act, async ({ out, renderer }) => {
      await within(closing ?? assert.fail(), "close()", 5000);
      await out.closed.catch(renderFailed);
      assert.equal(out.state, "closed");
      assert.equal(renderer.calls, 10);
    });
  });

  test(`a callback that drains its stream is heard to the end by ${access}`, async () => {
    let drained: Promise<void> | undefined;
    await actInCallback(
      access,
      ({ out }) => drained = out.drain(),
      async ({ card, out, renderer }) => {
        await advanceUntil(card, drained ?? assert.fail());
        assert.equal(renderer.calls, 10);
        assertAllHeard(out, card);
        await out.start();
        await card.advance(1000);
        await advanceUntil(card, out.drain());
        assertAllHeard(out, card);
      },
    );
  });

  test(`a callback that drops its stream counts what is dropped by ${access}`, async () => {
    let dropped: Promise<void> | undefined;
    await actInCallback(
      access,
      ({ out }) => dropped = out.drop(),
      async ({ card, out, renderer }) => {
        await advanceUntil(card, dropped ?? assert.fail());
        assert.equal(renderer.calls, 10);
        assert.equal(out.state, "prepared");
        assert.ok(assertHeardOrDropped(out, card) > 0);
        await out.start();
        await card.advance(1000);
        await advanceUntil(card, out.drain());
        assertHeardOrDropped(out, card);
      },
    );
  });

  test(`a callback that pauses and resumes its stream loses nothing by ${access}`, async () => {
    let paused: Promise<void> | undefined;
    await actInCallback(
      access,
      ({ out }) => paused = out.pause(),
      async ({ card, out, renderer }) => {
        await paused;
        assert.equal(out.state, "paused");
        const { calls } = renderer;
        await card.advance(3000);
        assert.equal(renderer.calls, calls);
        await out.resume();
        await card.advance(3000);
        await advanceUntil(card, out.drain());
        assertAllHeard(out, card);
      },
    );
  });

  test(`a callback that changes the gain is heard with it afterwards by ${access}`, async () => {
    const setGain = ({ out }: Playing) => out.setGain(0);
    await actInCallback(access, setGain, async ({ card, out }) => {
      assert.equal(out.gain, 0);
      const heard = withoutZeros(card.played());
      assert.deepEqual(heard, heard.map((_, index) => index + 1));
      assert.ok(heard.length <= 1000 && heard.length >= 400, `${heard.length}`);
      await advanceUntil(card, out.drain());
      assert.equal(out.stats().framesPlayed, out.stats().framesAccepted);
    });
  });
}

test("a callback can read everything that its stream tells", async () => {
  const act = ({ out }: Playing) => {
    assert.equal(out.state, "running");
    assert.equal(out.granted.periodFrames, 100);
    assert.equal(out.stats().state, "running");
    assert.ok(out.getOutputTimestamp().contextTime > 0);
    assert.equal(
      out.stats().framesAccepted,
      900,
      "The block is not accepted before it is returned",
    );
  };
  await actInCallback("mmap", act, async ({ card, out }) => {
    assert.equal(out.state, "running");
    await advanceUntil(card, out.drain());
    assertAllHeard(out, card);
  });
});

test("a callback can open another stream, which plays", async () => {
  let opening: Promise<Playback> | undefined;
  const inner = new CountingRenderer();
  const act = ({ card }: Playing) => {
    opening = openPlayback({ ...monoSource, source: inner.source, device: card.device });
  };
  await actInCallback("mmap", act, async ({ card, out }) => {
    await using other = await (opening ?? assert.fail());
    await card.advance(2000);
    await advanceUntil(card, Promise.all([out.drain(), other.drain()]));
    assertAllHeard(out, card, 0);
    assertAllHeard(other, card, 1);
  });
});

test("a callback that moves its card's clock is not called again from within", async () => {
  let depth = 0;
  let advanced: Promise<void> | undefined;
  await using card = await openCard48k();
  const renderer = new CountingRenderer();
  renderer.after = (_block, call) => {
    assert.equal(depth++, 0, "The callback was called in the callback");
    if (call === 10) advanced = card.advance(1000);
    depth--;
  };
  const options = { ...monoSource, source: renderer.source, device: card.device };
  await using out = await openPlayback(options);
  await card.advance(2000);
  await advanced;
  assert.equal(out.stats().framesPlayed, 3000);
  await advanceUntil(card, out.drain());
  assertAllHeard(out, card);
});

test("a callback that aborts the stream's signal closes it", async () => {
  await using card = await openCard48k();
  const controller = new AbortController();
  const renderer = new CountingRenderer();
  renderer.after = (_block, call) => {
    if (call === 10) controller.abort();
  };
  const { signal } = controller;
  const options = { ...monoSource, signal, source: renderer.source, device: card.device };
  const out = await openPlayback(options);
  const ended = out.closed.catch((error: unknown) => error);
  await card.advance(3000);
  await within(ended, "closed", 5000);
  assert.equal(out.state, "closed");
  assert.equal(renderer.calls, 10);
});

test("a signal that aborts in the first callback leaves no stream", async () => {
  await using card = await openCard48k();
  const controller = new AbortController();
  const reason = new Error("no more");
  const source = render(() => controller.abort(reason));
  const opening = openPlayback({
    ...controller,
    source,
    device: card.device,
    signal: controller.signal,
  });
  const result = await opening.catch((error: unknown) => error);
  if (result instanceof PlaybackRender) await within(result.closed.catch(() => {}), "closed", 5000);
  else assert.equal(result, reason);
  await turns();
  assert.equal(engineCounters().streams, 0);
});

/** Keeps the event loop busy until there is an xrun more; a stream that does not play has none. */
function isLate(xruns: () => number): boolean {
  const before = xruns();
  const end = performance.now() + 200;
  while (performance.now() < end && xruns() === before);
  return xruns() > before;
}

for (const access of accesses) {
  test(`a callback that takes longer than the buffer is one producer's xrun a time by ${access}`, async () => {
    await using card = await openVirtualCard({ clock: "realtime" });
    const renderer = new CountingRenderer();
    const options = { ...monoSource, access, source: renderer.source, device: card.device };
    let xruns = () => 0;
    let slow = 0;
    renderer.after = (_block, call) => {
      if (call % 40 !== 0 || slow === 3) return;
      if (isLate(xruns)) slow++;
    };
    await using out = await openPlayback(options);
    const causes: string[] = [];
    out.addEventListener("xrun", ({ cause }) => causes.push(cause));
    xruns = () => out.stats().xruns.count;
    await eventually("three xruns", () => slow === 3 && renderer.calls > 200);
    await out.drain();
    assert.ok(causes.length >= 3);
    assert.ok(causes.filter((cause) => cause === "producer").length >= 3, causes.join());
    assertAllHeard(out, card);
  });

  for (const xrunPolicy of ["silence", "repeat"] as const) {
    test(`a slow callback with the policy "${xrunPolicy}" is heard in full by ${access}`, async () => {
      await using card = await openVirtualCard({ clock: "realtime" });
      const renderer = new CountingRenderer();
      const options = { ...monoSource, access, xrunPolicy, source: renderer.source };
      let xruns = () => 0;
      let slow = 0;
      renderer.after = (_block, call) => {
        if (call % 40 !== 0 || slow === 3) return;
        if (isLate(xruns)) slow++;
      };
      await using out = await openPlayback({ ...options, device: card.device });
      xruns = () => out.stats().xruns.count;
      await eventually("three xruns", () => slow === 3 && renderer.calls > 200);
      await out.drain();
      const { framesAccepted, framesPlayed, framesDropped } = out.stats();
      assert.deepEqual([framesPlayed, framesDropped], [framesAccepted, 0]);
      // Where the ring was repeated, samples were heard again; the first time they must count up.
      const seen = new Set<number>();
      const first = withoutZeros(card.played()).filter((sample) => {
        return seen.size < seen.add(sample).size;
      });
      const wrong = first.findIndex((sample, index) => sample !== index + 1);
      assert.equal(wrong, -1, `Sample ${first[wrong]} follows ${first[wrong - 1]}`);
      assert.equal(first.length, framesAccepted);
      if (xrunPolicy === "silence") assertAllHeard(out, card);
    });
  }
}

test("a busy event loop is a producer's xrun, and nothing is lost", async () => {
  await using card = await openVirtualCard({ clock: "realtime" });
  const renderer = new CountingRenderer();
  const options = { ...monoSource, source: renderer.source, device: card.device };
  await using out = await openPlayback(options);
  for (let round = 1; round <= 5; round++) {
    await eventually("playing", () => out.state === "running");
    const { calls } = renderer;
    const { count } = out.stats().xruns;
    for (let spins = 0; spins < 1e8 && out.stats().xruns.count === count; spins++);
    assert.equal(renderer.calls, calls);
    await eventually("going on", () => renderer.calls > calls + 8);
  }
  assert.ok(out.stats().xruns.producer >= 5);
  await out.drain();
  assertAllHeard(out, card);
});

test("a block that is kept and changed later crashes nothing", async () => {
  await using card = await openCard48k();
  const kept: RenderBlock<"f32">[] = [];
  const source = render<"f32">((block) => {
    block.samples.fill(0.5);
    kept.push(block);
  });
  const out = await openPlayback({ source, device: card.device });
  await card.advance(3000);
  for (const { samples } of kept) samples.fill(0.25);
  await card.advance(3000);
  const { samples } = kept[0] ?? assert.fail();
  await out.close();
  assert.equal(samples.length, 0);
  samples[0] = 1;
  assert.equal(samples[0], undefined);
  assert.equal(kept[0]?.samples.length, 0);
});

test("arguments of render() that are no function are refused", () => {
  const untyped = render as Untyped;
  for (const value of [undefined, null, 5, "render", {}, [], Symbol("render")]) {
    assert.throws(() => untyped(value), TypeError);
  }
  assert.deepEqual(Object.keys(render(() => {})), ["kind", "callback"]);
  assert.ok(Object.isFrozen(render(() => {})));
  assert.deepEqual(mapped(), { kind: "mapped" });
});

const open = openPlayback as Untyped as (options?: unknown) => Promise<Playback>;

test("wrong options of streams that are rendered are refused", async () => {
  await using card = await openVirtualCard();
  const { device } = card;
  const thresholds = { ...integer(1, 16_777_216), infinity: true };
  for (const source of [render(() => {}), mapped()]) {
    const refuse = (startThreshold: unknown) => open({ device, source, startThreshold });
    await assertRefused(refuse, numberCases("startThreshold", thresholds));
    await assert.rejects(open({ device, source, queueFrames: 1000 }), /queueFrames/);
    await assert.rejects(open({ device, source, channels: 0 }), RangeError);
    await assert.rejects(open({ device, source, format: "s20" }), TypeError);
  }
  const cases: readonly Case[] = [
    [{ kind: "render" }, typeError("source")],
    [{ kind: "render", callback: 5 }, typeError("source")],
    [{ kind: "render", callback: null }, typeError("source")],
    [{ kind: "rendered", callback: () => {} }, typeError("source")],
    [() => {}, typeError("source")],
  ];
  await assertRefused((source) => open({ device, source }), cases);
  assert.equal(card.status().substreams, 0, "A stream was opened for a wrong option");
});

test("streams that are rendered cannot be constructed", () => {
  for (const Stream of [PlaybackRender, PlaybackMapped]) {
    const construct = () => new (Stream as unknown as new (...args: unknown[]) => unknown)({}, 1);
    assert.throws(construct, TypeError);
  }
});

test("a card that is gone, or refuses, has no callback called", async () => {
  await using card = await openVirtualCard();
  card.injectFault({ kind: "refuse-open" });
  const renderer = new CountingRenderer();
  const options = { ...monoSource, source: renderer.source, device: card.device };
  await assert.rejects(openPlayback(options), withCode("ERR_HALFLAP_PERMISSION_DENIED"));
  await assert.rejects(openPlayback({ ...options, device: "halflap-no-such-device" }));
  await assert.rejects(openPlayback({ ...options, signal: AbortSignal.abort() }));
  await card.advance(1000, { rate: 48_000 });
  assert.equal(renderer.calls, 0);
});

test("methods after close() reject or throw", async () => {
  await using card = await openVirtualCard();
  const renderer = new CountingRenderer();
  const options = { ...monoSource, source: renderer.source, device: card.device };
  const out = await openPlayback(options);
  await card.advance(1000);
  const pending = watch(out.drain());
  await out.close();
  await turns();
  assert.equal(pending.state, "rejected");
  closed(pending.error);
  for (const call of ["start", "pause", "resume", "drain", "drop"] as const) {
    await assert.rejects(out[call](), closed);
  }
  assert.throws(() => out.stats(), closed);
  assert.throws(() => out.setGain(0.5), closed);
});

/** A program that says at its end how often its callback was called. */
const renderInChild = (inCallback: string, then: string): string => `
  import process from "node:process";
  import { render } from "./mod.ts";
  let calls = 0;
  process.on("exit", () => console.log(calls >= 200 ? "played" : "ended"));
  const source = render(({ samples }) => { samples.fill(0); calls++; ${inCallback} });
  const out = await openPlayback({ device: "virtual", source });
  ${then}
`;

test("a stream that renders keeps the process alive until it is closed", async () => {
  const ended = await runModule(renderInChild("if (calls === 200) out.close();", ""), 15_000);
  assert.deepEqual([ended.code, ended.stdout.trim()], [0, "played"], ended.stderr);
});

test("a stream that renders no more lets the process end", async () => {
  for (const then of ["out.unref();", "await out.drain();", "await out.pause();"]) {
    const ended = await runModule(renderInChild("", then), 15_000);
    assert.deepEqual([ended.code, ended.stdout.trim()], [0, "ended"], ended.stderr);
  }
});

test("a callback that throws where nobody looks does not end the process", async () => {
  const after = "await out.closed.catch(({ code }) => console.log(code)); console.log('on');";
  for (const then of ["", after]) {
    const code = renderInChild("if (calls === 20) throw new Error('the callback failed');", then);
    const ended = await runModule(code, 15_000);
    assert.equal(ended.code, 0, ended.stderr);
    if (then !== "") assert.match(ended.stdout, /ERR_HALFLAP_RENDER\non\nended/);
  }
});
