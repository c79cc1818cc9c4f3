/** What `node:diagnostics_channel` is told: each stream's open, xruns and close, once and in order. */
import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { collectGarbage } from "../bench/collect_garbage.ts";
import { type Fault, openVirtualCard, type VirtualCard } from "../lib/testing/mod.ts";
import {
  type CloseMessage,
  type OpenMessage,
  openPlayback,
  type Playback,
  tone,
  type XrunMessage,
} from "../mod.ts";
import {
  accesses,
  advanceUntil,
  counting,
  countingSamples,
  eventually,
  handled,
  monoSource,
  openCard48k,
  runModule,
  sleep,
  test,
  turns,
  withCode,
} from "./harness.ts";

type Told =
  | { readonly channel: "open" } & OpenMessage
  | { readonly channel: "xrun" } & XrunMessage
  | { readonly channel: "close" } & CloseMessage;

const names = ["halflap:open", "halflap:xrun", "halflap:close"] as const;

/** Collects the messages of all streams until the end of the block. */
function listen(): Disposable & { readonly told: Told[] } {
  const told: Told[] = [];
  const listener = (message: unknown, name: string | symbol): void => {
    const channel = String(name).slice("halflap:".length);
    told.push({ channel, ...(message as object) } as Told);
  };
  for (const name of names) subscribe(name, listener);
  const stop = (): void => {
    for (const name of names) unsubscribe(name, listener);
  };
  return { told, [Symbol.dispose]: stop };
}

const channelsOf = (told: readonly Told[]): string[] => told.map(({ channel }) => channel);

const xrunsIn = (told: readonly Told[]): XrunMessage["xrun"][] =>
  told.flatMap((message) => message.channel === "xrun" ? [message.xrun] : []);

function closeIn(told: readonly Told[]): CloseMessage {
  const closes = told.filter((message) => message.channel === "close");
  assert.equal(closes.length, 1);
  return closes[0]!;
}

for (const access of accesses) {
  test(`open, xruns and close are told once each and in order by ${access}`, async () => {
    using listening = listen();
    const { told } = listening;
    await using card = await openCard48k();
    const out = await openPlayback({ ...counting, access, device: card.device });
    assert.deepEqual(channelsOf(told), ["open"]);
    for (let round = 1; round <= 25; round++) {
      await out.write(countingSamples(500));
      await card.advance(3000);
      assert.equal(xrunsIn(told).length, round - 1, "the gap goes on");
    }
    await out.write(countingSamples(500));
    await advanceUntil(card, out.drain());
    assert.equal(xrunsIn(told).length, 25);
    const { recent } = out.stats().xruns;
    await out.close();
    await turns();

    assert.deepEqual(channelsOf(told), ["open", ...Array(25).fill("xrun"), "close"]);
    for (const { stream } of told) assert.equal(stream, out);
    assert.equal((told[0] as OpenMessage).granted, out.granted);
    assert.deepEqual(xrunsIn(told).slice(-16), recent);
    assert.deepEqual(
      xrunsIn(told).map(({ number }) => number),
      [...Array(25).keys()].map((n) => n + 1),
    );
    for (const { isOver, durationMs } of xrunsIn(told)) assert.ok(isOver && durationMs > 0);
    const { stats, ...rest } = closeIn(told);
    assert.equal(stats.framesPlayed, 26 * 500);
    assert.equal(stats.xruns.count, 25);
    assert.deepEqual(Object.keys(rest), ["channel", "stream"], "there is no error");
  });
}

for (const xrunPolicy of ["stop", "silence", "repeat"] as const) {
  test(`an xrun that goes on is told before the close with the policy ${xrunPolicy}`, async () => {
    using listening = listen();
    await using card = await openCard48k();
    const out = await openPlayback({ ...counting, xrunPolicy, device: card.device });
    await out.write(countingSamples(500));
    await card.advance(3000);
    assert.equal(out.stats().xruns.count, 1);
    await out.close();
    await turns();
    assert.deepEqual(channelsOf(listening.told), ["open", "xrun", "close"]);
    const [xrun] = xrunsIn(listening.told);
    assert.equal(xrun!.isOver, true);
    // 500 of 3000 frames were there.
    assert.ok(Math.abs(xrun!.durationMs - 2500 / 48) < 1e-3, `${xrun!.durationMs} ms`);
    assert.equal(closeIn(listening.told).stats.xruns.count, 1);
  });
}

test("a device that goes away is told as an xrun and as a close with the error", async () => {
  using listening = listen();
  await using card = await openCard48k();
  const out = await openPlayback({ ...counting, device: card.device });
  await out.write(countingSamples(2000));
  await card.advance(200);
  card.injectFault({ kind: "disconnect" });
  await card.advance(1000);
  await assert.rejects(out.closed, withCode("ERR_HALFLAP_DEVICE_LOST"));
  await out.close();
  await turns();
  assert.deepEqual(channelsOf(listening.told), ["open", "xrun", "close"]);
  assert.equal(xrunsIn(listening.told)[0]!.cause, "device");
  const { stats, error } = closeIn(listening.told);
  assert.equal(error!.code, "ERR_HALFLAP_DEVICE_LOST");
  assert.equal(stats.state, "disconnected");
  assert.equal(stats.xruns.device, 1);
});

test("what cannot be opened, or is aborted first, is not told of", async () => {
  using listening = listen();
  await assert.rejects(openPlayback({ device: "nosuchdevice" }));
  await assert.rejects(openPlayback({ device: "virtual", signal: AbortSignal.abort() }));
  const controller = new AbortController();
  const opening = openPlayback({ device: "virtual", signal: controller.signal });
  controller.abort();
  await assert.rejects(opening, { name: "AbortError" });
  await turns();
  assert.deepEqual(channelsOf(listening.told), []);
});

test("an abort after the open is told as a close", async () => {
  using listening = listen();
  const controller = new AbortController();
  const out = await openPlayback({ device: "virtual", signal: controller.signal });
  controller.abort();
  await out.closed;
  assert.deepEqual(channelsOf(listening.told), ["open", "close"]);
});

/** Lets native threads run, and no JavaScript. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Begins to open a source, and injects a fault before JavaScript hears that it is open. */
function openWithFault(card: VirtualCard, fault: Fault): Promise<Playback> {
  const source = tone({ frequencyHz: 440 });
  const opening = handled(openPlayback({ ...monoSource, device: card.device, source }));
  for (let tries = 0; tries < 1000 && card.status().framesPlayed === 0; tries++) block(5);
  assert.ok(card.status().framesPlayed > 0, "It plays");
  card.injectFault(fault);
  block(500);
  return opening;
}

test("a source that runs dry before anybody has its stream is told of behind the open", async () => {
  using listening = listen();
  await using card = await openVirtualCard({ clock: "realtime" });
  await using out = await openWithFault(card, { kind: "preempted-fill", ms: 100 });
  assert.equal(listening.told[0]!.channel, "open");
  await eventually("The end of the xrun", () => xrunsIn(listening.told).length > 0);
  assert.equal(xrunsIn(listening.told)[0]!.number, 1);
  assert.ok(out.stats().xruns.count >= 1);
});

test("a device that goes away before anybody has its stream was never open", async () => {
  using listening = listen();
  await using card = await openVirtualCard({ clock: "realtime" });
  const opening = openWithFault(card, { kind: "disconnect" });
  await assert.rejects(opening, withCode("ERR_HALFLAP_DEVICE_LOST"));
  assert.deepEqual(channelsOf(listening.told), []);
});

test("a subscriber can close the stream that it is told of", async () => {
  for (const when of ["open", "xrun", "close"]) {
    using listening = listen();
    const close = (message: unknown): void => void (message as OpenMessage).stream.close();
    subscribe(`halflap:${when}`, close);
    using _ = { [Symbol.dispose]: () => void unsubscribe(`halflap:${when}`, close) };
    await using card = await openCard48k();
    const out = await openPlayback({ ...counting, device: card.device });
    if (when !== "open") {
      await out.write(countingSamples(500));
      await card.advance(3000);
      await out.write(countingSamples(500));
      await card.advance(50);
    }
    if (when === "close") void out.close();
    await out.closed;
    await turns();
    const expected = when === "open" ? ["open", "close"] : ["open", "xrun", "close"];
    assert.deepEqual(channelsOf(listening.told), expected);
  }
});

test("a subscriber that throws is reported as uncaught, and nobody else notices", async () => {
  const { code, stdout, stderr } = await runModule(
    `
    import { subscribe } from "node:diagnostics_channel";
    import process from "node:process";
    let uncaught = 0;
    process.on("uncaughtException", ({ message }) => message === "mine" && uncaught++);
    const told = [];
    for (const name of ["halflap:open", "halflap:xrun", "halflap:close"]) {
      subscribe(name, () => { throw new Error("mine"); });
      subscribe(name, (_, name) => told.push(name));
    }
    const samples = Int16Array.from({ length: 1000 }, (_, n) => n + 1);
    const card = await testing.openVirtualCard({ rate: { min: 48_000, max: 48_000 } });
    const out = await openPlayback({ device: card.device, format: "s16", channels: 1 });
    await out.write(samples);
    await card.advance(3000);
    const drained = out.write(samples).then(() => out.drain());
    await card.advance(3000);
    await drained;
    const { framesPlayed } = out.stats();
    await out.close();
    await card.close();
    await new Promise((resolve) => setTimeout(resolve, 0));
    console.log(JSON.stringify({ told, uncaught, framesPlayed }));
    `,
    30_000,
  );
  assert.equal(code, 0, stderr);
  assert.deepEqual(JSON.parse(stdout), { told: [...names], uncaught: 3, framesPlayed: 2000 });
});

test("who has unsubscribed is told nothing more", async () => {
  const listening = listen();
  const out = await openPlayback({ device: "virtual" });
  listening[Symbol.dispose]();
  await out.close();
  assert.deepEqual(channelsOf(listening.told), ["open"]);
});

test("a subscription outlives the collection of garbage", async () => {
  using listening = listen();
  await sleep(1);
  collectGarbage();
  await sleep(1);
  collectGarbage();
  await (await openPlayback({ device: "virtual" })).close();
  assert.deepEqual(channelsOf(listening.told), ["open", "close"]);
});

test("channels keep no stream that was closed", async () => {
  const streams: WeakRef<Playback>[] = [];
  const listener = (message: unknown): void => {
    streams.push(new WeakRef((message as CloseMessage).stream));
  };
  subscribe("halflap:close", listener);
  const openAndClose = async (): Promise<void> => {
    await (await openPlayback({ device: "virtual" })).close();
  };
  for (let count = 0; count < 20; count++) await openAndClose();
  unsubscribe("halflap:close", listener);
  assert.equal(streams.length, 20);
  await turns();
  collectGarbage();
  await turns();
  collectGarbage();
  const kept = streams.filter((stream) => stream.deref() !== undefined).length;
  // A conservative collector may still see the last ones on the stack.
  assert.ok(kept < 10, `${kept} of 20 streams are kept`);
});
