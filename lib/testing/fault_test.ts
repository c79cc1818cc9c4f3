import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault as Native } from "../ffi/abi.generated.ts";
import { checkFault, type Fault } from "./fault.ts";

test("faults become what the engine knows", () => {
  const faults: readonly [Fault, number, number, boolean][] = [
    [{ kind: "stall", ms: Infinity }, Native.stall, Infinity, false],
    [{ kind: "pointer-jump", frames: 7 }, Native.pointer_jump, 7, false],
    [{ kind: "xrun" }, Native.xrun, 0, false],
    [{ kind: "suspend" }, Native.suspend, 0, false],
    [{ kind: "suspend", resume: "ok" }, Native.suspend, 0, false],
    [{ kind: "suspend", resume: "unsupported" }, Native.resume_unsupported, 0, false],
    [{ kind: "suspend", resume: "lies" }, Native.resume_lies, 0, false],
    [{ kind: "suspend", resume: { again: 3 } }, Native.resume_again, 3, false],
    [{ kind: "disconnect" }, Native.disconnect, 0, false],
    [{ kind: "heal" }, Native.heal, 0, false],
    [{ kind: "refuse-open" }, Native.refuse_open, 1, true],
    [{ kind: "refuse-open", count: 4 }, Native.refuse_open, 4, true],
    [{ kind: "late-wake-up", ms: 0.5 }, Native.late_wake_up, 0.5, true],
    [{ kind: "slow-fill", ms: 20 }, Native.slow_fill, 20, true],
    [{ kind: "preempted-fill", ms: 20 }, Native.preempted_fill, 20, true],
    [{ kind: "spurious-wake-up" }, Native.spurious_wake_up, 1, true],
  ];
  for (const [fault, native, amount, isOfCard] of faults) {
    assert.deepEqual(checkFault(fault), { native, amount, isOfCard }, fault.kind);
  }
});

test("every fault of the engine can be named", () => {
  const reached = new Set([
    { kind: "stall", ms: 1 },
    { kind: "pointer-jump", frames: 1 },
    ...["xrun", "disconnect", "heal", "refuse-open", "spurious-wake-up"].map((kind) => ({ kind })),
    ...["ok", "unsupported", "lies", { again: 1 }].map((resume) => ({ kind: "suspend", resume })),
    ...["late-wake-up", "slow-fill", "preempted-fill"].map((kind) => ({ kind, ms: 1 })),
  ].map((fault) => checkFault(fault).native));
  assert.deepEqual([...reached].sort((a, b) => a - b), Object.values(Native));
});
