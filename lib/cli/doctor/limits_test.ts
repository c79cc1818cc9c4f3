import assert from "node:assert/strict";
import { test } from "node:test";
import {
  examine,
  inventSystem,
  limitsText,
  type Status,
  statusText,
} from "../../../tests/invented_system.ts";
import { Inaccessible } from "./inaccessible.ts";
import { readLimit } from "./limits.ts";
import { lockedMemory } from "./locked_memory.ts";
import { realtimeLimit } from "./realtime_limit.ts";
import { realtimeTimeout } from "./realtime_timeout.ts";

const LIMITS = "/proc/self/limits";
const SYS_NICE = "0000000000800000";
const IPC_LOCK = "0000000000004000";
const INITIAL_USERS = "         0          0 4294967295\n";

// As kernel 6.18 writes it.
const realLimits = `Limit                     Soft Limit           Hard Limit           Units     
Max cpu time              unlimited            unlimited            seconds   
Max locked memory         8388608              16777216             bytes     
Max nice priority         0                    0                    
Max realtime priority     95                   99                   
Max realtime timeout      unlimited            unlimited            us        
`;

function files(limits: Parameters<typeof limitsText>[0], status: Status = {}) {
  return { [LIMITS]: limitsText(limits), "/proc/self/status": statusText(status) };
}

test("soft limits are read", () => {
  const system = inventSystem({ files: { [LIMITS]: realLimits } });
  assert.equal(readLimit(system, "Max locked memory"), 8_388_608);
  assert.equal(readLimit(system, "Max realtime priority"), 95);
  assert.equal(readLimit(system, "Max realtime timeout"), Infinity);
});

test("limits that make no sense are unknown", async () => {
  for (const text of ["", "Max realtime priority", "Max realtime priority  many  many\n", "\0\n"]) {
    const system = inventSystem({ files: { [LIMITS]: text } });
    const limit = readLimit(system, "Max realtime priority");
    assert.ok(limit instanceof Inaccessible, text);
    assert.equal(limit.reason, "malformed");
    const { status, found } = await examine(realtimeLimit, { files: { [LIMITS]: text } });
    assert.equal(status, "unknown");
    assert.match(found, /^\/proc\/self\/limits makes no sense/);
  }
});

test("priority 3 is enough, less is not, and nothing is a problem", async () => {
  const expected = { "95": "ok", "3": "ok", "2": "advice", "1": "advice", "0": "problem" } as const;
  for (const [priority, status] of Object.entries(expected)) {
    const finding = await examine(realtimeLimit, { files: files({ priority }) });
    assert.equal(finding.status, status, `limit ${priority}`);
    assert.equal(finding.mend === undefined, status === "ok");
  }
});

test("CAP_SYS_NICE needs no limit", async () => {
  const invention = { files: files({ priority: "0" }, { capabilities: SYS_NICE }) };
  assert.equal((await examine(realtimeLimit, invention)).status, "ok");
  const initial = { files: { ...invention.files, "/proc/self/uid_map": INITIAL_USERS } };
  assert.equal((await examine(realtimeLimit, initial)).status, "ok");
});

test("capabilities in a user namespace of its own do not count", async () => {
  const all = { capabilities: "000001ffffffffff" };
  const users = "         0       1000          1\n         1     100000      65536\n";
  const invention = {
    files: {
      ...files({ priority: "0", memory: "65536" }, all),
      "/proc/self/uid_map": users,
      "/run/.containerenv": "",
    },
  };
  const { status, mend } = await examine(realtimeLimit, invention);
  assert.equal(status, "problem");
  assert.match(mend!, /--ulimit rtprio=95/);
  assert.equal((await examine(lockedMemory, invention)).status, "advice");
});

test("8 MiB of locked memory are enough", async () => {
  const cases = [["unlimited", "ok"], ["8388608", "ok"], ["65536", "advice"], ["0", "advice"]];
  for (const [memory = "", status] of cases) {
    const finding = await examine(lockedMemory, { files: files({ memory }) });
    assert.equal(finding.status, status, memory);
  }
  const finding = await examine(lockedMemory, { files: files({ memory: "65536" }) });
  assert.equal(finding.found, "64 KiB");
  const capable = { files: files({ memory: "65536" }, { capabilities: IPC_LOCK }) };
  assert.equal((await examine(lockedMemory, capable)).status, "ok");
});

test("realtime thread may compute for 100 ms at a time", async () => {
  const cases = [["unlimited", "ok"], ["200000", "ok"], ["99999", "advice"]];
  for (const [timeout = "", status] of cases) {
    const finding = await examine(realtimeTimeout, { files: files({ timeout }) });
    assert.equal(finding.status, status, timeout);
  }
});
