import assert from "node:assert/strict";
import { test } from "node:test";
import { examine } from "../../../tests/invented_system.ts";
import { dmaLatency } from "./dma_latency.ts";
import { governor } from "./governor.ts";
import { swappiness } from "./swappiness.ts";

const SWAPS = "Filename\t\tType\t\tSize\t\tUsed\t\tPriority\n";

function governors(...names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name, index) => [
    `/sys/devices/system/cpu/cpu${index}/cpufreq/scaling_governor`,
    `${name}\n`,
  ]));
}

test("governors are counted, and performance alone is well", async () => {
  const files = governors("performance", "performance");
  const all = await examine(governor, { files });
  assert.deepEqual(all, { status: "ok", found: "performance on 2 of 2 CPUs" });
  const mixed = await examine(governor, {
    files: governors("performance", "powersave", "powersave"),
  });
  assert.equal(mixed.status, "advice");
  assert.equal(mixed.found, "performance on 1, powersave on 2 of 3 CPUs");
});

test("virtual machine that sets no frequency is well", async () => {
  const files = { "/sys/devices/system/cpu/cpu0/topology/core_id": "0\n" };
  assert.equal((await examine(governor, { files })).status, "ok");
});

test("governor that makes no sense is unknown", async () => {
  for (const name of ["", "<unknown>", "a b"]) {
    assert.equal((await examine(governor, { files: governors(name) })).status, "unknown", name);
  }
  assert.equal((await examine(governor)).status, "unknown");
});

test("swappiness matters where there is swap", async () => {
  const swap = `${SWAPS}/dev/sda2\tpartition\t999\t0\t-2\n`;
  const status = async (value: string, swaps: string): Promise<string> => {
    const files = { "/proc/sys/vm/swappiness": value, "/proc/swaps": swaps };
    return (await examine(swappiness, { files })).status;
  };
  assert.equal(await status("60\n", swap), "advice");
  assert.equal(await status("10\n", swap), "ok");
  assert.equal(await status("60\n", SWAPS), "ok");
  assert.equal(await status("sixty\n", swap), "unknown");
});

test("cpu_dma_latency is of use to whom it can be opened by", async () => {
  const files = { "/dev/cpu_dma_latency": "" };
  assert.equal((await examine(dmaLatency, { files })).status, "ok");
  const denied = await examine(dmaLatency, {
    files,
    refusals: { "/dev/cpu_dma_latency": "denied" },
  });
  assert.equal(denied.status, "advice");
  assert.match(denied.mend!, /udev/);
  assert.equal((await examine(dmaLatency)).status, "unknown");
});
