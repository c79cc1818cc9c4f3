import assert from "node:assert/strict";
import { test } from "node:test";
import { Xrun as Field, XrunCause as Native } from "../ffi/abi.generated.ts";
import type { XrunStats } from "../stats.ts";
import { type Xrun, type XrunCause, xrunFromNative, xrunRecord } from "../xrun.ts";
import { xrunSummary } from "./xrun_summary.ts";

function xrunOf(cause: XrunCause, number: number): Xrun {
  const record = xrunRecord();
  record[Field.cause] = Native[cause];
  const stream = { isRealtime: true, isRendered: false };
  return { ...xrunFromNative(number, record, 0, stream), advice: `Mend ${cause} ${number}.` };
}

/** The statistics after xruns of these causes, one after the other. */
function statsAfter(...causes: XrunCause[]): XrunStats {
  const countOf = (cause: XrunCause) => causes.filter((each) => each === cause).length;
  return {
    count: causes.length,
    producer: countOf("producer"),
    scheduling: countOf("scheduling"),
    processing: countOf("processing"),
    device: countOf("device"),
    recent: causes.map((cause, index) => xrunOf(cause, index + 1)).slice(-16),
  };
}

test("no xrun is nothing to tell", () => {
  assert.equal(xrunSummary(statsAfter()), undefined);
});

test("xruns of one cause are told with the advice on the last one", () => {
  assert.equal(xrunSummary(statsAfter("device")), "1 xrun: device\nMend device 1.");
  const summary = xrunSummary(statsAfter("scheduling", "scheduling"));
  assert.equal(summary, "2 xruns: scheduling\nMend scheduling 2.");
});

test("of several causes the most frequent one comes first, and is advised on", () => {
  const summary = xrunSummary(statsAfter("producer", "scheduling", "scheduling", "device"));
  assert.equal(
    summary,
    "4 xruns: 2 scheduling, 1 producer, 1 device\nscheduling: Mend scheduling 3.",
  );
});

test("where only rarer causes are still known in detail, the last one is advised on", () => {
  const causes = [...Array(17).fill("producer"), ...Array(16).fill("device")] as XrunCause[];
  assert.equal(
    xrunSummary(statsAfter(...causes)),
    "33 xruns: 17 producer, 16 device\ndevice: Mend device 33.",
  );
});
