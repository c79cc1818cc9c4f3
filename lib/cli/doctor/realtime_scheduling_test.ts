import assert from "node:assert/strict";
import { test } from "node:test";
import { examine, limitsText, statusText } from "../../../tests/invented_system.ts";
import { realtimeGroup } from "./realtime_group.ts";
import { realtimeScheduling } from "./realtime_scheduling.ts";
import { realtimeThrottling } from "./realtime_throttling.ts";

function permitting(priority: string): Record<string, string> {
  return { "/proc/self/limits": limitsText({ priority }), "/proc/self/status": statusText() };
}

test("what counts is what was granted when it was tried", async () => {
  const granted = await examine(realtimeScheduling, { files: permitting("0") });
  assert.deepEqual(granted, { status: "ok", found: "granted with priority 3 when tried" });
});

test("a denial is mended where its cause is", async () => {
  const grantedPriority = 0;
  const low = await examine(realtimeScheduling, { files: permitting("0"), grantedPriority });
  assert.deepEqual([low.status, low.mend], ["problem", 'raise the limit: see "Priority limit"']);
  const high = await examine(realtimeScheduling, { files: permitting("95"), grantedPriority });
  assert.equal(high.status, "problem");
  assert.match(high.mend!, /CONFIG_RT_GROUP_SCHED/);
  const unknown = await examine(realtimeScheduling, { grantedPriority });
  assert.equal(unknown.status, "problem");
  assert.match(unknown.mend!, /rtprio 95/);
});

test("without libasound nothing can be tried", async () => {
  const { status, found } = await examine(realtimeScheduling, { libasound: null });
  assert.deepEqual([status, found], ["unknown", 'not tried: Cannot load "libasound.so.2"']);
});

test("kernel that leaves realtime threads no time is a problem", async () => {
  const cases = [["-1", "ok"], ["950000", "ok"], ["100000", "advice"], ["0", "problem"]];
  for (const [runtime = "", status] of cases) {
    const files = {
      "/proc/sys/kernel/sched_rt_runtime_us": `${runtime}\n`,
      "/proc/sys/kernel/sched_rt_period_us": "1000000\n",
    };
    assert.equal((await examine(realtimeThrottling, { files })).status, status, runtime);
  }
  for (const period of ["0\n", "-1\n", "much\n"]) {
    const files = {
      "/proc/sys/kernel/sched_rt_runtime_us": "950000\n",
      "/proc/sys/kernel/sched_rt_period_us": period,
    };
    assert.equal((await examine(realtimeThrottling, { files })).status, "unknown", period);
  }
});

test("control group without realtime time is a problem", async () => {
  const group = "/sys/fs/cgroup/cpu,cpuacct/docker/0f3a";
  const files = {
    "/proc/self/cgroup": "5:memory:/docker/0f3a\n4:cpu,cpuacct:/docker/0f3a\n0::/docker/0f3a\n",
    [`${group}/cpu.rt_runtime_us`]: "0\n",
    "/sys/fs/cgroup/cpu,cpuacct/cpu.rt_runtime_us": "950000\n",
  };
  const { status, found, mend } = await examine(realtimeGroup, { files });
  assert.deepEqual([status, found], ["problem", `0 µs in ${group}`]);
  assert.match(mend!, /--cpu-rt-runtime/);
  const ample = { ...files, [`${group}/cpu.rt_runtime_us`]: "100000\n" };
  assert.equal((await examine(realtimeGroup, { files: ample })).status, "ok");
  const broken = { ...files, [`${group}/cpu.rt_runtime_us`]: "some\n" };
  assert.equal((await examine(realtimeGroup, { files: broken })).status, "unknown");
});

test("a container that sees its group in the place of the root is looked at there", async () => {
  const files = {
    "/proc/self/cgroup": "4:cpu:/docker/0f3a\n",
    "/sys/fs/cgroup/cpu/cpu.rt_runtime_us": "0\n",
  };
  assert.equal((await examine(realtimeGroup, { files })).status, "problem");
});

test("kernel that does not divide realtime time is no problem", async () => {
  for (const files of [{}, { "/proc/self/cgroup": "0::/user.slice\n" }]) {
    assert.equal((await examine(realtimeGroup, { files })).status, "ok");
  }
  const files = { "/proc/self/cgroup": "nothing\n" };
  assert.equal((await examine(realtimeGroup, { files })).status, "unknown");
});
