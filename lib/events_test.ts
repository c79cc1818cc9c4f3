import assert from "node:assert/strict";
import { test } from "node:test";
import { StateChangeEvent, XrunEvent } from "./events.ts";
import { Xrun as Field, XrunCause, XrunPolicy } from "./ffi/abi.generated.ts";
import { xrunFromNative, xrunRecord } from "./xrun.ts";

test("an event of a state has the new one", () => {
  const event = new StateChangeEvent("running");
  assert.ok(event instanceof Event);
  assert.deepEqual([event.type, event.state], ["statechange", "running"]);
});

test("an event of an xrun has all that the xrun has", () => {
  const record = xrunRecord().map((_, field) => 10 + field);
  record[Field.cause] = XrunCause.scheduling;
  record[Field.policy] = XrunPolicy.silence;
  record[Field.is_over] = 1;
  const xrun = xrunFromNative(3, record, 0, { isRealtime: true, isRendered: false });
  for (const type of ["xrun", "xrunend"] as const) {
    const event = new XrunEvent(type, xrun);
    assert.ok(event instanceof Event);
    assert.equal(event.type, type);
    for (const name of Object.keys(xrun) as (keyof typeof xrun)[]) {
      assert.equal(event[name], xrun[name], name);
    }
  }
});
