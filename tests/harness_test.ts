/** The harness itself: a leak that it did not catch would make every other test worthless. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { engineCounters } from "../lib/testing/mod.ts";
import { openPlayback } from "../mod.ts";
import {
  assertNothingLeaks,
  assertSameBits,
  assertSilence,
  bytesIn,
  formats,
  noise,
  openCard48k,
  root,
  test,
} from "./harness.ts";

const leakingTests = `
import { openPlayback } from "${root}/mod.ts";
import { openVirtualCard } from "${root}/lib/testing/mod.ts";
import { test } from "${root}/tests/harness.ts";

test("leaks a stream", async () => {
  await openPlayback({ device: "virtual" });
});
test("leaks a card", async () => {
  await openVirtualCard();
});
test("leaks nothing", async () => {
  await using card = await openVirtualCard();
  await using out = await openPlayback({ device: card.device });
});
`;

/** Runs a file of tests in a process of its own; bounded, because leaked streams can hold it. */
async function runTests(code: string): Promise<{ failed: boolean; output: string }> {
  const folder = await mkdtemp(path.join(tmpdir(), "halflap-harness-"));
  const file = path.join(folder, "leaking_test.ts");
  await writeFile(file, code);
  const flags = process.versions.bun === undefined ? ["-A", "--no-check", "--no-prompt"] : [];
  const options = { cwd: root, timeout: 60_000, env: { ...process.env, NO_COLOR: "1" } };
  try {
    return await new Promise((resolve) => {
      execFile(process.execPath, ["test", ...flags, file], options, (error, stdout, stderr) => {
        resolve({ failed: error !== null, output: stdout + stderr });
      });
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("counters name what an open stream of the real-time clock holds", async () => {
  const out = await openPlayback({ device: "virtual" });
  await out.start();
  await assert.rejects(
    assertNothingLeaks(undefined, 50),
    /still holds \d+ handles, 1 realms, 1 streams,.* \d+ threads,.* 1 pcms, \d+ bytes/,
  );
  await out.close();
  await assertNothingLeaks();
});

test("counters name a forgotten virtual card", async () => {
  const card = await openCard48k();
  await assert.rejects(assertNothingLeaks(undefined, 50), /still holds .*1 cards/);
  await card.close();
  await assertNothingLeaks();
});

test("counters count every stream and PCM", async () => {
  await using card = await openCard48k();
  await using streams = new AsyncDisposableStack();
  for (let count = 1; count <= 3; count++) {
    streams.use(await openPlayback({ device: card.device }));
    assert.equal(engineCounters().streams, count);
    assert.equal(engineCounters().pcms, count);
  }
  assert.equal(engineCounters().cards, 1);
});

test("a test that leaks fails with the names of what it leaked, and later tests pass", async () => {
  const { failed, output } = await runTests(leakingTests);
  assert.ok(failed, output);
  assert.match(output, /still holds .*1 streams/);
  assert.match(output, /still holds .*1 cards/);
  assert.match(output, /\b1 pass(?:ed)?\b/);
  assert.match(output, /\b2 fail(?:ed)?\b/);
});

test("noise uses every bit of its format, and is the same every time", () => {
  for (const format of formats) {
    const samples = noise(format, 1000, 3, 5);
    assertSameBits(noise(format, 1000, 3, 5), samples);
    assert.throws(() => assertSameBits(noise(format, 1000, 3, 6), samples), /differs at byte/);
    const bytes = bytesIn(samples);
    for (let lane = 0; lane < 8; lane++) {
      const seen = new Set(bytes.filter((_, index) => index % 8 === lane));
      const signOnly = format === "s24" && lane % 4 === 3;
      assert.ok(signOnly ? seen.size === 2 : seen.size > 100, `${format}, byte ${lane}`);
    }
  }
});

test("comparisons name the first difference", () => {
  const samples = noise("s16", 100, 1);
  const other = samples.slice();
  other[60] = ~(other[60] ?? 0);
  assert.throws(() => assertSameBits(other, samples), /differs at byte 120 of 200/);
  assert.throws(() => assertSameBits(samples.subarray(1), samples), /another length/);
  assert.throws(() => assertSilence(Int16Array.of(0, 0, 7), "s16"), /at element 2: 7/);
  assert.throws(() => assertSilence(Uint8Array.of(128, 0), "u8"), /at element 1: 0/);
  assertSilence(Uint8Array.of(128, 128), "u8");
});
