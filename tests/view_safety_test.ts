/**
 * Programs that try to crash by views of memory that they kept: each runs in a process of its own,
 * writes and reads wherever its views were, and has to end by itself, with nothing but zeros read.
 */
import assert from "node:assert/strict";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { accesses, root, runModule, test } from "./harness.ts";

const limitMs = 60_000;

/** What every program can use: streams that are rendered, and a look at views that were kept. */
const prelude = `
  import process from "node:process";
  import { mapped, render } from ${JSON.stringify(`${root}/mod.ts`)};

  const turns = async (count = 5) => {
    for (let turn = 0; turn < count; turn++) await new Promise((done) => setTimeout(done, 0));
  };
  const gc = globalThis.Bun ? () => Bun.gc(true) : globalThis.gc ?? (() => {});
  const mono = { format: "s32", channels: 1, rate: 48000, periodFrames: 100, periods: 4 };

  /** Writes and reads all of a view, by all ways that there are; some throw for a detached one. */
  const touch = (view) => {
    for (let index = 0; index < view.length; index++) view[index] = 0x55555555;
    try { view.fill(0x55555555); view.set([1, 2, 3]); view.copyWithin(1, 0); } catch {}
    let sum = 0;
    for (let index = 0; index < view.length; index++) sum += view[index];
    try { sum += view.slice().length; JSON.stringify([...view.subarray(0, 8)]); } catch {}
    return sum;
  };
  /** What is read before anything is written must be zeros, if there is anything. */
  const assertQuiet = (views) => {
    let elements = 0;
    for (const view of views) {
      for (let index = 0; index < view.length; index++) {
        elements++;
        if (view[index] !== 0) throw new Error("read " + view[index] + " at " + index);
      }
      const alias = view.buffer.byteLength === 0 ? [] : new Uint8Array(view.buffer);
      for (const byte of alias) if (byte !== 0) throw new Error("read the byte " + byte);
    }
    return elements;
  };
  /** A view that was kept must be harmless, however often it is written to. */
  const assertHarmless = (views) => {
    assertQuiet(views);
    for (let round = 0; round < 3; round++) {
      for (const view of views) touch(view);
      gc();
    }
  };

  /** A stream of either kind that has rendered, and all views of it that there are. */
  const openAndKeep = async (device, kind, access) => {
    const views = new Set();
    const keep = (view) => {
      views.add(view);
      views.add(view.subarray(0, 10));
      if (view.buffer.byteLength > 0) views.add(new Int32Array(view.buffer));
    };
    const source = kind === "mapped" ? mapped() : render(({ samples }) => {
      samples.fill(7);
      keep(samples);
    });
    const out = await openPlayback({ ...mono, access, source, device });
    if (kind === "mapped") {
      keep(out.samples);
      const block = out.begin(400);
      out.samples.fill(7, block.offset, block.offset + block.frames);
      out.commit(block.frames);
    }
    return { out, views };
  };
`;

/** Runs a program, which has to print "survived" and to end by itself; returns what it printed. */
async function runToSurvive(code: string): Promise<string> {
  const ended = await runModule(`${prelude}\n${code}\nconsole.log("survived");`, limitMs);
  const output = `${ended.signal ?? ""}\n${ended.stdout}\n${ended.stderr}`;
  assert.equal(ended.signal, null, output);
  assert.equal(ended.code, 0, output);
  assert.match(ended.stdout, /survived/, output);
  return ended.stdout;
}

async function assertSurvives(code: string): Promise<void> {
  await runToSurvive(code);
}

for (const kind of ["render", "mapped"]) {
  for (const access of accesses) {
    const stream = `"${kind}", "${access}"`;

    test(`views of ${kind}() by ${access} that are kept after close, drop and card close are harmless`, () =>
      assertSurvives(`
        for (const how of ["close", "drop", "drain", "card", "immediately"]) {
          const card = await testing.openVirtualCard();
          const { out, views } = await openAndKeep(card.device, ${stream});
          if (how !== "immediately") await card.advance(150);
          if (how === "drop") await out.drop();
          if (how === "drain") { out.drain().catch(() => {}); await card.advance(1000); }
          for (const view of views) touch(view);
          if (how === "close") out.begin?.(10);
          await out.close();
          assertHarmless(views);
          await card.close();
          assertHarmless(views);
        }
      `));

    test(`views of ${kind}() by ${access} that are kept after the device was lost are harmless`, () =>
      assertSurvives(`
        const card = await testing.openVirtualCard();
        const { out, views } = await openAndKeep(card.device, ${stream});
        await card.advance(150);
        card.injectFault({ kind: "disconnect" });
        const lost = out.closed.then(() => {}, ({ code }) => code);
        for (let step = 0; step < 50; step++) {
          await card.advance(20);
          if (out.state !== "closed") for (const view of views) touch(view);
        }
        if (await lost !== "ERR_HALFLAP_DEVICE_LOST") throw new Error(await lost);
        assertHarmless(views);
        await out.close();
        await card.close();
        assertHarmless(views);
      `));

    test(`views of ${kind}() by ${access} that the program transferred away are harmless`, async () => {
      const output = await runToSurvive(`
        for (const when of ["before", "after"]) {
          const card = await testing.openVirtualCard();
          const { out, views } = await openAndKeep(card.device, ${stream});
          await card.advance(150);
          const [first] = views;
          if (when === "after") await out.close();
          let moved = first.buffer;
          try {
            moved = structuredClone(first.buffer, { transfer: [first.buffer] });
          } catch (error) {
            console.log(error.name);
          }
          const mine = moved.byteLength > 0 ? new Int32Array(moved) : new Int32Array(0);
          console.log(when, mine.length > 0 ? "moved" : "empty");
          touch(mine);
          // A callback that writes to a view without memory may throw, which closes the stream.
          const closed = out.closed.then(() => true, () => true);
          await card.advance(150);
          const isOpen = out.state !== "closed";
          if (isOpen) touch(mine);
          for (const view of views) touch(view);
          await out.close();
          await closed;
          assertQuiet([mine, ...views]);
          await card.close();
          assertQuiet([mine, ...views]);
          assertHarmless([mine]);
          touch(mine);
          await turns();
        }
      `);
      assert.match(output, /before moved/);
      assert.match(output, /after empty/);
    });
  }
}

test("a stream that plays on when its buffer was transferred away loses nothing of others", () =>
  assertSurvives(`
    const card = await testing.openVirtualCard({ rate: { min: 48000, max: 48000 } });
    const other = await openAndKeep(card.device, "render", "mmap");
    const { out, views } = await openAndKeep(card.device, "render", "mmap");
    const closed = out.closed.then(() => "closed", ({ code }) => code);
    await card.advance(150);
    const [first] = views;
    // Whoever takes the memory away may get an error for it.
    try { structuredClone(first.buffer, { transfer: [first.buffer] }); } catch {}
    for (let step = 0; step < 30; step++) await card.advance(100);
    await out.close();
    console.log(await closed);
    if (other.out.state !== "running") throw new Error("the other stream is " + other.out.state);
    await other.out.close();
    await card.close();
  `));

const moduleUrl = pathToFileURL(`${root}/mod.ts`).href;

/** A Worker that renders, and gives its views away before it is ended in the middle. */
const worker = (kind: string, access: string) => `
  import { mapped, openPlayback, render } from ${JSON.stringify(moduleUrl)};
  const mono = { format: "s32", channels: 1, rate: 48000, periodFrames: 100, periods: 4 };
  let calls = 0;
  let first;
  const source = ${kind === "mapped" ? "mapped()" : ""}${
  kind === "render"
    ? "render(({ samples }) => { first ??= samples; samples.fill(7); calls++; })"
    : ""
};
  const access = "${access}";
  const out = await openPlayback({ ...mono, device: "virtual", access, source });
  self.onmessage = ({ data }) => {
    if (data !== "give") return;
    const view = first ?? out.samples;
    try {
      self.postMessage(view.buffer, [view.buffer]);
    } catch (error) {
      self.postMessage(error.name);
    }
  };
  const loop = () => {
    if (out.begin) {
      while (out.waitForRoomSync(100, 20)) {
        const block = out.begin(100);
        if (block === undefined || out.samples.length === 0) break;
        out.samples.fill(7, block.offset, block.offset + block.frames);
        calls += out.commit(block.frames) / 100;
        if (calls % 8 === 0) break;
      }
    }
    if (calls > 20) { self.postMessage("playing"); calls = -1e9; }
    setTimeout(loop, 0);
  };
  loop();
`;

/** Starts a Worker in a child; it says when it plays, and gives its buffer where it can. */
const withWorker = (kind: string, access: string, rest: string) => `
  const source = ${JSON.stringify(worker(kind, access))};
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const start = () => {
    const worker = new Worker(url, { type: "module" });
    const messages = [];
    let wake = () => {};
    worker.onmessage = ({ data }) => { messages.push(data); wake(); };
    worker.onerror = (event) => { messages.push("failed: " + event.message); wake(); };
    const next = async () => {
      while (messages.length === 0) await new Promise((done) => wake = done);
      return messages.shift();
    };
    return { worker, next };
  };
  ${rest}
`;

for (const kind of ["render", "mapped"]) {
  for (const access of accesses) {
    test(`a Worker with ${kind}() by ${access} that is terminated in the middle crashes nothing`, () =>
      assertSurvives(withWorker(
        kind,
        access,
        `
        for (let round = 0; round < 5; round++) {
          const { worker, next } = start();
          const message = await next();
          if (message !== "playing") throw new Error(message);
          worker.terminate();
          gc();
          await turns(20);
        }
        process.exit(console.log("survived"), 0);
      `,
      )));

    test(`the memory of a terminated Worker with ${kind}() by ${access} is harmless where it was given to`, async () => {
      const output = await runToSurvive(withWorker(
        kind,
        access,
        `
        const { worker, next } = start();
        if (await next() !== "playing") throw new Error("not playing");
        worker.postMessage("give");
        const given = await next();
        const mine = typeof given === "string" ? new Int32Array(0) : new Int32Array(given);
        console.log("given", typeof given === "string" ? given : mine.length);
        touch(mine);
        worker.terminate();
        for (let round = 0; round < 50; round++) {
          touch(mine);
          gc();
          await turns(1);
        }
        process.exit(console.log("survived"), 0);
      `,
      ));
      assert.match(output, /given [1-9]/);
    });
  }
}

test("views kept of a thousand streams are harmless, with garbage collected in between", () =>
  assertSurvives(`
    const kept = [];
    const card = await testing.openVirtualCard({ tap: "none" });
    for (let cycle = 0; cycle < 1000; cycle++) {
      const kind = cycle % 2 === 0 ? "render" : "mapped";
      const access = cycle % 3 === 0 ? "write" : "mmap";
      const { out, views } = await openAndKeep(card.device, kind, access);
      await card.advance(100 + cycle % 400, { rate: 48000 });
      await out.close();
      kept.push(...views);
      if (cycle % 50 === 0) { gc(); assertQuiet(kept); }
    }
    assertHarmless(kept.slice(-300));
    await card.close();
    gc();
    assertHarmless(kept.slice(0, 300));
    await turns();
    const held = Object.entries(testing.engineCounters()).filter(([, count]) => count !== 0);
    if (held.length > 0) throw new Error(JSON.stringify(held));
  `));

test("buffers that were kept without their streams, which nobody closed, are harmless", () =>
  assertSurvives(`
    const card = await testing.openVirtualCard({ tap: "none" });
    const kept = [];
    let streams = [];
    for (let cycle = 0; cycle < 50; cycle++) {
      const { out, views } = await openAndKeep(card.device, cycle % 2 ? "render" : "mapped", "mmap");
      streams.push(out);
      kept.push(...views);
    }
    await card.advance(500, { rate: 48000 });
    for (const view of kept) touch(view);
    gc();
    for (const out of streams) out.unref();
    streams = [];
    gc();
    await turns();
    for (const view of kept) touch(view);
    process.exit(console.log("survived"), 0);
  `));

test("a view that an uncaught error leaves behind crashes nothing at exit", async () => {
  const code = `${prelude}
    const { out, views } = await openAndKeep("virtual", "render", "mmap");
    process.on("exit", () => { for (const view of views) touch(view); });
    setTimeout(() => { throw new Error("the program failed"); }, 30);
  `;
  const { code: exitCode, signal, stderr } = await runModule(code, limitMs);
  assert.deepEqual([exitCode, signal], [1, null], stderr);
  assert.match(stderr, /the program failed/);
});

test("the look at what was read finds what is not zero", async () => {
  const view = "Int32Array.of(0, 5)";
  const { code, stderr } = await runModule(`${prelude} assertHarmless([${view}]);`, limitMs);
  assert.equal(code, 1);
  assert.match(stderr, /read 5 at 1/);
  assert.ok(process.pid > 0);
});
