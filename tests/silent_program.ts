/**
 * Blocks its event loop until the engine has closed its streams, or, with the argument `released`, has
 * freed all of them and the realm; then looks at what its objects say. Prints that, and ends by
 * itself.
 */
import assert from "node:assert/strict";
import process from "node:process";
import { engineCounters, openVirtualCard } from "../lib/testing/mod.ts";
import { HalflapError, mapped, openPlayback, render, tone, watchDevices } from "../mod.ts";
import { counting, countingSamples, handled, monoSource, sleep } from "./harness.ts";

const isReleased = process.argv[2] === "released";
const device = "virtual";

/** The codes of an error and of its cause. */
function codesOf(error: unknown): string {
  assert.ok(error instanceof HalflapError, `Not a HalflapError: ${error}`);
  const { code, cause } = error;
  return cause === undefined ? code : `${code} by ${codesOf(cause)}`;
}

async function codeOf(call: () => unknown): Promise<string> {
  try {
    await call();
    return "no error";
  } catch (error) {
    return codesOf(error);
  }
}

function beSilent(): void {
  const held = () => isReleased ? engineCounters().realms : engineCounters().pcms;
  while (held() > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
}

const card = await openVirtualCard();
const devices = watchDevices();
const change = handled(devices.next());
const tones = await openPlayback({ ...monoSource, device, source: tone({ frequencyHz: 440 }) });
const queue = await openPlayback({ ...counting, device, startThreshold: Infinity });
const writing = handled(queue.write(countingSamples(9000)));
const memory = await openPlayback({ ...monoSource, device, source: mapped() });
const { samples } = memory;
const idle = await openPlayback({ ...counting, device: card.device });
let silent = false;
const rendered = await openPlayback({
  ...monoSource,
  device,
  source: render<"s32">((block) => {
    if (!silent) beSilent();
    silent = true;
    block.samples.fill(1);
  }),
});
const closed = [tones, queue, memory, idle, rendered].map((out) => codeOf(() => out.closed));

const codes = {
  closed: await Promise.all(closed),
  write: await codeOf(() => writing),
  stats: await codeOf(() => tones.stats()),
  tryWrite: await codeOf(() => queue.tryWrite(countingSamples(1))),
  begin: await codeOf(() => memory.begin(1)),
  detach: await codeOf(() => idle.detach()),
  card: await codeOf(() => card.advance(1)),
  devices: await codeOf(() => Promise.race([change, sleep(0)])),
};
const states = [tones, queue, memory, idle, rendered].map(({ state }) => state);
samples[0] = 1;
for (const out of [tones, queue, memory, idle, rendered]) await out.close();
const again = await openPlayback({ ...counting, device: "virtual" });
await again.close();
await card.close();
await devices.return();
console.log(JSON.stringify({ codes, states, samples: samples.length, end: engineCounters() }));
