/** Which streams keep a process alive, and how a process ends that has one. */
import assert from "node:assert/strict";
import { openPlayback } from "../mod.ts";
import { counting, countingSamples, type Ended, eventually, runModule, test } from "./harness.ts";

const limitMs = 15_000;
/** Runs only in a process that something else keeps alive. */
const whenAlive = `
  import { setTimeout as later } from "node:timers";
  import process from "node:process";
  later(() => { console.log("alive"); process.exit(0); }, 700).unref();
`;

/** Runs a module that would end by itself if no stream kept its process alive. */
async function run(code: string): Promise<Ended & { readonly lines: readonly string[] }> {
  const ended = await runModule(`${whenAlive}\n${code}\nconsole.log("end");`, limitMs);
  assert.equal(ended.signal, null, `It had to be killed:\n${ended.stdout}${ended.stderr}`);
  const lines = ended.stdout.trim().split("\n");
  assert.ok(lines.includes("end"), `${ended.stdout}${ended.stderr}`);
  return { ...ended, lines };
}

async function assertAlive(code: string): Promise<void> {
  const { lines, code: exitCode, stderr } = await run(code);
  assert.deepEqual(lines, ["end", "alive"], stderr);
  assert.equal(exitCode, 0);
}

async function assertEnds(code: string, output: readonly string[] = ["end"]): Promise<void> {
  const { lines, code: exitCode, stderr } = await run(code);
  assert.deepEqual(lines, output, stderr);
  assert.equal(exitCode, 0, stderr);
}

const openTone = `
  const source = tone({ frequencyHz: 440 });
  const out = await openPlayback({ device: "virtual", source });
  await out.start();
`;
const openQueue = `
  const out = await openPlayback({ device: "virtual", format: "s16", channels: 1, rate: 48000 });
`;
const second = "new Int16Array(48000)";

test("a running stream keeps the process alive", () => assertAlive(openTone));

test("a running stream that was unref'd lets the process end", () =>
  assertEnds(`${openTone} out.unref();`));

test("ref() makes a stream keep the process alive again", () =>
  assertAlive(`${openTone} out.unref(); out.ref();`));

test("a stream that was unref'd before it ran lets the process end", () =>
  assertEnds(
    `${openQueue} out.unref(); await out.write(new Int16Array(4800)); await out.start();`,
  ));

test("an idle stream lets the process end", () => assertEnds(openQueue));

test("a stream with a filled queue that was not started lets the process end", () =>
  assertEnds(`${openQueue} await out.write(new Int16Array(10));`));

test("a drained stream lets the process end", () =>
  assertEnds(`${openQueue} await out.write(new Int16Array(4800)); await out.drain();`));

test("a stopped stream lets the process end", () => assertEnds(`${openTone} await out.drop();`));

test("a paused stream lets the process end", () => assertEnds(`${openTone} await out.pause();`));

test("a closed stream lets the process end", () => assertEnds(`${openTone} await out.close();`));

test("a drain keeps the process alive until it ends", () =>
  assertEnds(
    `${openQueue} await out.write(new Int16Array(4800));
     out.drain().then(() => console.log("drained"));`,
    ["end", "drained"],
  ));

test("a write that waits keeps the process alive until it ends", () =>
  assertEnds(
    `${openQueue} out.write(${second}.subarray(0, 24000)).then(() => out.drain())
       .then(() => console.log("played"));`,
    ["end", "played"],
  ));

test("a write that waits for a start keeps the process alive", () =>
  assertAlive(`
    const options = { device: "virtual", startThreshold: Infinity, channels: 1, format: "s16" };
    const out = await openPlayback(options);
    out.write(${second});
  `));

test("a pending write of an unref'd stream lets the process end", () =>
  assertEnds(`
    const options = { device: "virtual", startThreshold: Infinity, channels: 1, format: "s16" };
    const out = await openPlayback(options);
    out.write(${second});
    out.unref();
  `));

test("one of two streams is enough to keep the process alive", () =>
  assertAlive(`${openTone}
    const other = await openPlayback({ device: "virtual", source });
    await other.start();
    other.unref();
  `));

test("a suspended stream keeps the process alive, and is told that it runs again", () =>
  assertAlive(`
    const card = await testing.openVirtualCard({ clock: "realtime" });
    const source = tone({ frequencyHz: 440 });
    const out = await openPlayback({ device: card.device, source });
    await out.start();
    const states = [];
    const resumed = new Promise((resolve) => out.addEventListener("statechange", ({ state }) => {
      states.push(state);
      if (state === "running") resolve();
    }));
    card.injectFault({ kind: "suspend", resume: { again: 2 } });
    await resumed;
    if (states[0] !== "suspended") throw new Error(states.join());
  `));

test("a simulated card and an idle stream on it let the process end", () =>
  assertEnds(`
    const card = await testing.openVirtualCard();
    const out = await openPlayback({ device: card.device });
    await card.advance(100);
  `));

test("process.exit() with a running stream ends the process with its code", async () => {
  const code = `import process from "node:process"; ${openTone} process.exit(7);`;
  const { signal, code: exitCode, stderr } = await runModule(code, limitMs);
  assert.equal(signal, null);
  assert.equal(exitCode, 7, stderr);
});

test("an uncaught error with a running stream ends the process", async () => {
  const code = `${openTone} throw new Error("the program failed");`;
  const { signal, code: exitCode, stderr } = await runModule(code, limitMs);
  assert.equal(signal, null);
  assert.equal(exitCode, 1);
  assert.match(stderr, /the program failed/);
});

test("the events of an unref'd stream still come", async () => {
  await using out = await openPlayback({ ...counting, device: "virtual" });
  const seen: string[] = [];
  out.addEventListener("statechange", ({ state }) => seen.push(state));
  out.addEventListener("xrun", ({ number }) => seen.push(`xrun ${number}`));
  out.unref();
  await out.write(countingSamples(1000));
  await eventually("the xrun", () => seen.includes("xrun 1"));
  assert.equal(seen[0], "running");
});
