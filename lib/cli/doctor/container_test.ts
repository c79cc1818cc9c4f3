import assert from "node:assert/strict";
import { test } from "node:test";
import { examine, statusText } from "../../../tests/invented_system.ts";
import { container } from "./container.ts";
import { cpuQuota } from "./cpu_quota.ts";

const GROUPS = "/proc/self/cgroup";

test("containers are told by what their makers leave", async () => {
  const status = { "/proc/self/status": statusText({ seccomp: 2 }) };
  const signs: Record<string, Record<string, string>> = {
    Docker: { "/.dockerenv": "" },
    Podman: { "/run/.containerenv": 'engine="podman"' },
    systemd: { "/run/systemd/container": "systemd-nspawn\n" },
    kubepods: { "/proc/1/cgroup": "0::/kubepods/besteffort/pod5\n" },
  };
  for (const [name, sign] of Object.entries(signs)) {
    const { found } = await examine(container, { files: { ...status, ...sign } });
    assert.equal(found, `${name}, without CAP_SYS_NICE, a seccomp filter`);
  }
  const files = { ...status, "/proc/1/cgroup": "0::/init.scope\n" };
  assert.equal((await examine(container, { files })).found, "none");
});

test("the least quota counts, of the group and of those around it", async () => {
  const files = {
    [GROUPS]: "0::/system.slice/player.service\n",
    "/sys/fs/cgroup/system.slice/player.service/cpu.max": "max 100000\n",
    "/sys/fs/cgroup/system.slice/cpu.max": "50000 100000\n",
  };
  const { status, found } = await examine(cpuQuota, { files });
  assert.deepEqual([status, found], ["advice", "0.5 CPUs"]);
  const ample = { ...files, "/sys/fs/cgroup/system.slice/cpu.max": "150000 100000\n" };
  assert.deepEqual(await examine(cpuQuota, { files: ample }), { status: "ok", found: "1.5 CPUs" });
});

test("quota of control groups of version 1 is read", async () => {
  const group = "/sys/fs/cgroup/cpu,cpuacct/docker/0f3a";
  const files = {
    [GROUPS]: "4:cpu,cpuacct:/docker/0f3a\n",
    [`${group}/cpu.cfs_quota_us`]: "25000\n",
    [`${group}/cpu.cfs_period_us`]: "100000\n",
  };
  assert.equal((await examine(cpuQuota, { files })).found, "0.25 CPUs");
  const unlimited = { ...files, [`${group}/cpu.cfs_quota_us`]: "-1\n" };
  assert.equal((await examine(cpuQuota, { files: unlimited })).found, "none");
  const endless = { ...files, [`${group}/cpu.cfs_period_us`]: "0\n" };
  assert.equal((await examine(cpuQuota, { files: endless })).status, "unknown");
});

test("quota that makes no sense is unknown", async () => {
  for (const text of ["", "max", "50000 0\n", "-1 100000\n", "a b\n"]) {
    const files = { [GROUPS]: "0::/\n", "/sys/fs/cgroup/cpu.max": text };
    assert.equal((await examine(cpuQuota, { files })).status, "unknown", text);
  }
});
