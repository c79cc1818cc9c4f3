import assert from "node:assert/strict";
import { test } from "node:test";
import { examine } from "../../../tests/invented_system.ts";
import { clocksource } from "./clocksource.ts";
import { timers } from "./timers.ts";

const TIMERS = "/proc/timer_list";
const CONFIG = "/proc/config.gz";
const CURRENT = "/sys/devices/system/clocksource/clocksource0/current_clocksource";

const timerList = (...active: number[]): string =>
  "Timer List Version: v0.10\n" +
  active.map((value) => `cpu: 0\n  .hres_active    : ${value}\n  .nr_events: 12\n`).join("");

test("timers are of high resolution if those of every CPU are", async () => {
  const withList = async (...active: number[]): Promise<string> =>
    (await examine(timers, { files: { [TIMERS]: timerList(...active) } })).status;
  assert.equal(await withList(1, 1), "ok");
  assert.equal(await withList(1, 0), "advice");
  assert.equal(await withList(), "unknown");
});

test("where only root sees the timers, the kernel's configuration tells", async () => {
  const refusals = { [TIMERS]: "denied" } as const;
  const status = async (files: Record<string, string>): Promise<string> =>
    (await examine(timers, { files, refusals })).status;
  assert.equal(await status({ [CONFIG]: "CONFIG_HIGH_RES_TIMERS=y\n" }), "ok");
  assert.equal(
    await status({ [CONFIG]: "# CONFIG_HIGH_RES_TIMERS is not set\nCONFIG_A=y\n" }),
    "advice",
  );
  const off = { [CONFIG]: "CONFIG_HIGH_RES_TIMERS=y\n", "/proc/cmdline": "quiet highres=off\n" };
  assert.equal(await status(off), "advice");
  assert.equal(await status({ [CONFIG]: "no configuration" }), "unknown");
  assert.equal(await status({}), "unknown");
});

test("configuration in /boot is that of the running kernel", async () => {
  const files = {
    "/proc/version": "Linux version 6.1.0-37-amd64 (x) #1 SMP\n",
    "/boot/config-6.1.0-37-amd64": "CONFIG_HIGH_RES_TIMERS=y\n",
    "/boot/config-6.1.0-36-amd64": "CONFIG_A=y\n",
  };
  assert.equal((await examine(timers, { files })).status, "ok");
});

test("clock source outside of the CPU is slow", async () => {
  const expected = {
    tsc: "ok",
    "kvm-clock": "ok",
    arch_sys_counter: "ok",
    hpet: "advice",
    "": "unknown",
  };
  for (const [name, status] of Object.entries(expected)) {
    const finding = await examine(clocksource, { files: { [CURRENT]: `${name}\n` } });
    assert.equal(finding.status, status, name);
  }
});
