import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { linux612, sample } from "../../tests/asound_samples.ts";
import { parseXrunDebug, XRUN_DEBUG_FLAGS, xrunDebugMask } from "./xrun_debug.ts";

test("mask is told by names", () => {
  const debug = parseXrunDebug(sample(linux612, "card0/pcm0p/xrun_debug"));
  assert.deepEqual(debug, { mask: 5, flags: ["basic", "jiffies"], unknownBits: 0 });
  assert.deepEqual(parseXrunDebug("0\n"), { mask: 0, flags: [], unknownBits: 0 });
});

test("bits are those of the kernel", () => {
  const masks = XRUN_DEBUG_FLAGS.map((flag) => [flag, xrunDebugMask([flag])]);
  assert.deepEqual(Object.fromEntries(masks), {
    basic: 1,
    stack: 2,
    jiffies: 4,
    periodupdate: 8,
    hwptrupdate: 16,
    log: 32,
    logonce: 64,
  });
});

test("bits without a name are kept, also the one that the kernel prints as a sign", () => {
  assert.deepEqual(parseXrunDebug("385\n"), { mask: 385, flags: ["basic"], unknownBits: 384 });
  const all = parseXrunDebug("-1\n");
  assert.equal(all?.mask, 0xffff_ffff);
  assert.equal(all?.unknownBits, 0xffff_ff80);
});

test("every set of names survives the way through the kernel's file", () => {
  fc.assert(fc.property(fc.subarray([...XRUN_DEBUG_FLAGS]), (flags) => {
    const debug = parseXrunDebug(`${xrunDebugMask(flags)}\n`);
    assert.deepEqual(debug?.flags, flags);
    assert.equal(debug?.unknownBits, 0);
  }));
});

test("a file that makes no sense has no mask", () => {
  for (const text of ["", "\n", "5", "x\n", "--1\n", "1.5\n", "4294967296\n", "1\0\n"]) {
    assert.equal(parseXrunDebug(text), undefined, JSON.stringify(text));
  }
});
