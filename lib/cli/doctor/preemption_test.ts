import assert from "node:assert/strict";
import { test } from "node:test";
import { examine } from "../../../tests/invented_system.ts";
import { preemption } from "./preemption.ts";

const VERSION = "/proc/version";
const MODEL = "/sys/kernel/debug/sched/preempt";
const COMMAND_LINE = "/proc/cmdline";

const version = (flags: string): string =>
  `Linux version 6.1.0-37-amd64 (debian-kernel@lists.debian.org) (gcc-12) #1 SMP ${flags} Debian\n`;
const dynamic = { [VERSION]: version("PREEMPT_DYNAMIC") };

async function model(files: Record<string, string>): Promise<string> {
  return (await examine(preemption, { files })).found;
}

test("PREEMPT_RT is told by the kernel's version, old or new, and by its own file", async () => {
  assert.equal(await model({ [VERSION]: version("PREEMPT_RT") }), "PREEMPT_RT");
  assert.equal(await model({ [VERSION]: version("PREEMPT RT") }), "PREEMPT_RT");
  assert.equal(await model({ ...dynamic, "/sys/kernel/realtime": "1\n" }), "PREEMPT_RT");
  assert.equal(await model({ [VERSION]: version("PREEMPT") }), "full");
});

test("dynamic model is the current one, else the chosen one, else the default", async () => {
  const config = { "/boot/config-6.1.0-37-amd64": "CONFIG_PREEMPT_VOLUNTARY=y\n" };
  const chosen = { [COMMAND_LINE]: "root=/dev/sda1 preempt=none preempt=full quiet\n" };
  const current = { [MODEL]: "none voluntary full (lazy)\n" };
  assert.equal(await model({ ...dynamic, ...config, ...chosen, ...current }), "lazy");
  assert.equal(await model({ ...dynamic, ...config, ...chosen }), "full");
  assert.equal(await model({ ...dynamic, ...config }), "voluntary");
  const { status, found } = await examine(preemption, { files: dynamic });
  assert.equal(status, "unknown");
  assert.equal(found, "there is no /proc/config.gz");
});

test("dynamic model that makes no sense is not believed", async () => {
  const config = { "/proc/config.gz": "CONFIG_PREEMPT_LAZY=y\n" };
  const odd = { [MODEL]: "(much)\n", [COMMAND_LINE]: "preempt=some\n" };
  assert.equal(await model({ ...dynamic, ...config, ...odd }), "lazy");
});

test("kernel that preempts by itself nowhere is none or voluntary", async () => {
  const files = { [VERSION]: version("") };
  assert.equal(await model(files), "none or voluntary");
  assert.equal(await model({ ...files, "/proc/config.gz": "CONFIG_HZ=250\n" }), "none");
  const { status, mend } = await examine(preemption, { files });
  assert.equal(status, "advice");
  assert.match(mend!, /linux-image-rt-amd64/);
});

test("a kernel that can change its model is told how", async () => {
  const files = { ...dynamic, [COMMAND_LINE]: "preempt=voluntary threadirqs\n" };
  const { status, found, mend } = await examine(preemption, { files });
  assert.deepEqual([status, found], ["advice", "voluntary, with threaded interrupts"]);
  assert.match(mend!, /preempt=full threadirqs/);
});

test("version that makes no sense is unknown", async () => {
  for (const text of ["", "PREEMPT_RT", "\0"]) {
    assert.equal((await examine(preemption, { files: { [VERSION]: text } })).status, "unknown");
  }
});
