import assert from "node:assert/strict";
import { test } from "node:test";
import { Realtime } from "./ffi/abi.generated.ts";
import { checkRealtime, realtimeFromNative } from "./realtime.ts";

test("words and priorities become the engine's numbers", () => {
  assert.equal(checkRealtime(undefined), 0);
  assert.equal(checkRealtime("auto"), 0);
  assert.equal(checkRealtime("off"), -1);
  assert.equal(checkRealtime({ priority: 42 }), 42);
});

test("anything else is refused", () => {
  for (const bad of ["on", 3, null, true, {}, { priority: "3" }, { priority: 3, policy: "rr" }]) {
    assert.throws(() => checkRealtime(bad), TypeError);
  }
  for (const priority of [0, 100, 1.5, NaN, -1]) {
    assert.throws(() => checkRealtime({ priority }), RangeError);
  }
});

test("every outcome has a reason, and a denial says how to mend it", () => {
  for (const [name, value] of Object.entries(Realtime)) {
    const { reason, mend } = realtimeFromNative(value, 0);
    assert.ok(reason.length > 0);
    assert.equal(mend !== undefined, name === "denied");
  }
});
