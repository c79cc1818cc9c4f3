import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Invention,
  inventSystem,
  limitsText,
  statText,
  statusText,
} from "../../../tests/invented_system.ts";
import type { Check } from "./check.ts";
import { examineSystem } from "./examine.ts";

const SWAP = "Filename\tType\tSize\tUsed\tPriority\n/dev/sda2\tpartition\t999\t0\t-2\n";
const cards = ` 0 [PCH            ]: HDA-Intel - HDA Intel PCH
                      HDA Intel PCH at 0xf7e10000 irq 33
`;
const kernel = (flags: string): string =>
  `Linux version 6.12.41-amd64 (debian-kernel@lists.debian.org) (gcc-14) #1 SMP ${flags} Debian\n`;

/** A studio's machine, on which nothing is left to be done. */
const studioFiles: Readonly<Record<string, string>> = {
  "/dev/cpu_dma_latency": "",
  "/dev/snd/controlC0": "",
  "/etc/group": "audio:x:29:alice\n",
  "/proc/1/comm": "systemd\n",
  "/proc/1/task/1/stat": statText({ name: "systemd", policy: 0, priority: 0 }),
  "/proc/21/comm": "irq/33-snd\n",
  "/proc/21/task/21/stat": statText({
    name: "irq/33-snd",
    policy: 1,
    priority: 50,
    isKernels: true,
  }),
  "/proc/asound/card0/pcm0p/sub0/status": "closed\n",
  "/proc/asound/cards": cards,
  "/proc/asound/version": "Advanced Linux Sound Architecture Driver Version k6.12.41-amd64.\n",
  "/proc/cmdline": "root=/dev/sda1 quiet\n",
  "/proc/config.gz": "CONFIG_HIGH_RES_TIMERS=y\nCONFIG_PREEMPT_RT=y\n",
  "/proc/self/cgroup": "0::/user.slice/session-2.scope\n",
  "/proc/self/limits": limitsText({ priority: "95", memory: "unlimited" }),
  "/proc/self/status": statusText({ groups: [29] }),
  "/proc/swaps": SWAP,
  "/proc/sys/kernel/sched_rt_period_us": "1000000\n",
  "/proc/sys/kernel/sched_rt_runtime_us": "950000\n",
  "/proc/sys/vm/swappiness": "10\n",
  "/proc/version": kernel("PREEMPT_RT"),
  "/sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc\n",
  "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "performance\n",
  "/sys/fs/cgroup/user.slice/cpu.max": "max 100000\n",
  "/sys/kernel/realtime": "1\n",
  "/usr/share/dbus-1/system-services/org.freedesktop.RealtimeKit1.service": "[D-BUS Service]\n",
};

/** A laptop as it comes from the shop, with music playing. */
const laptop: Invention = {
  files: {
    ...studioFiles,
    "/proc/812/comm": "pipewire\n",
    "/proc/812/status": "Name:\tpipewire\nTgid:\t812\n",
    "/proc/asound/card0/pcm0p/sub0/status": "state: RUNNING\nowner_pid   : 812\n",
    "/proc/config.gz": "CONFIG_HIGH_RES_TIMERS=y\nCONFIG_PREEMPT_VOLUNTARY=y\n",
    "/proc/self/limits": limitsText({ memory: "4194304" }),
    "/proc/self/status": statusText(),
    "/proc/sys/vm/swappiness": "60\n",
    "/proc/version": kernel("PREEMPT_DYNAMIC"),
    "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "powersave\n",
    "/sys/kernel/realtime": "0\n",
  },
  refusals: { "/dev/cpu_dma_latency": "denied" },
  grantedPriority: 0,
};

/** A container without a card, in a control group without realtime time. */
const containerFiles: Readonly<Record<string, string>> = {
  "/.dockerenv": "",
  "/proc/1/comm": "node\n",
  "/proc/1/task/1/stat": statText({ name: "node", policy: 0, priority: 0 }),
  "/proc/cmdline": "quiet\n",
  "/proc/self/cgroup": "4:cpu,cpuacct:/docker/0f3a\n",
  "/proc/self/limits": limitsText({ priority: "99" }),
  "/proc/self/status": statusText({ seccomp: 2 }),
  "/proc/swaps": "Filename\tType\tSize\tUsed\tPriority\n",
  "/proc/sys/kernel/sched_rt_period_us": "1000000\n",
  "/proc/sys/kernel/sched_rt_runtime_us": "950000\n",
  "/proc/sys/vm/swappiness": "60\n",
  "/proc/version": kernel("PREEMPT"),
  "/sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc\n",
  "/sys/devices/system/cpu/cpu0/topology/core_id": "0\n",
  "/sys/fs/cgroup/cpu,cpuacct/cpu.rt_runtime_us": "0\n",
};

const checksOf = (invention: Invention): Promise<Check[]> => examineSystem(inventSystem(invention));

function idsOf(checks: readonly Check[], status: string): string[] {
  return checks.filter((check) => check.status === status).map(({ id }) => id);
}

test("nothing is left to be done on a machine that is tuned well", async () => {
  const checks = await checksOf({ files: studioFiles });
  assert.deepEqual(checks.filter(({ status }) => status !== "ok"), []);
});

test("laptop from the shop lacks realtime scheduling, and more of it could be better", async () => {
  const checks = await checksOf(laptop);
  assert.deepEqual(idsOf(checks, "problem"), ["realtime-scheduling", "realtime-limit"]);
  assert.deepEqual(idsOf(checks, "advice"), [
    ...["busy-devices", "locked-memory", "swappiness", "preemption", "governor", "cpu-dma-latency"],
  ]);
  assert.deepEqual(idsOf(checks, "unknown"), []);
});

test("container has a problem with its control group, not with the card it lacks", async () => {
  const checks = await checksOf({ files: containerFiles, grantedPriority: 0 });
  assert.deepEqual(idsOf(checks, "problem"), ["realtime-scheduling", "realtime-group"]);
  assert.deepEqual(idsOf(checks, "advice"), ["sound-cards"]);
  const cards = checks.find(({ id }) => id === "sound-cards");
  assert.match(cards!.found, /"virtual" works/);
});

test("missing libasound is a problem with its mend", async () => {
  const checks = await checksOf({ files: studioFiles, libasound: null });
  assert.deepEqual(idsOf(checks, "problem"), ["libasound"]);
  assert.deepEqual(idsOf(checks, "unknown"), ["realtime-scheduling"]);
  assert.match(checks[0]!.mend!, /apt-get install libasound2/);
});

test("checks are told apart by their ids, and what is not well has a mend", async () => {
  const inventions = [{ files: studioFiles }, laptop, { files: containerFiles }, {}];
  const kinds = new Set<string>();
  for (const invention of inventions) {
    const checks = await checksOf(invention);
    assert.equal(new Set(checks.map(({ id }) => id)).size, checks.length);
    kinds.add(checks.map(({ id }) => id).join());
    for (const { status, mend, found, meaning } of checks) {
      assert.equal(mend !== undefined, status === "advice" || status === "problem", found);
      assert.ok(found !== "" && meaning.endsWith("."), meaning);
    }
  }
  assert.equal(kinds.size, 1, "every system gets the same checks");
});

/** What rests on a file: what must not be well where the file makes no sense. */
const restingOn: Readonly<Record<string, readonly string[]>> = {
  "/proc/asound/card0/pcm0p/sub0/status": ["busy-devices"],
  "/proc/asound/cards": ["sound-cards", "device-access"],
  "/proc/self/cgroup": ["realtime-group", "cpu-quota"],
  "/proc/self/limits": ["realtime-limit", "realtime-timeout", "locked-memory"],
  "/proc/self/status": ["container"],
  "/proc/sys/kernel/sched_rt_period_us": ["realtime-throttling"],
  "/proc/sys/kernel/sched_rt_runtime_us": ["realtime-throttling"],
  "/proc/sys/vm/swappiness": ["swappiness"],
  "/proc/config.gz": ["timers"],
  "/sys/devices/system/clocksource/clocksource0/current_clocksource": ["clocksource"],
  "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": ["governor"],
  "/sys/fs/cgroup/user.slice/cpu.max": ["cpu-quota"],
};

test("files that make no sense make checks unknown, and never fail", async () => {
  for (const path of Object.keys(studioFiles)) {
    for (const text of ["", "\n\n", "\0\uFFFD", "1 2 3 4)(5 [6", "9".repeat(400)]) {
      const checks = await checksOf({ files: { ...studioFiles, [path]: text } });
      const unknown = idsOf(checks, "unknown");
      // No card is a fact that an empty list states.
      const isFact = path === "/proc/asound/cards" && text.trim() === "";
      for (const id of isFact ? [] : restingOn[path] ?? []) {
        assert.ok(unknown.includes(id), `${id} with ${JSON.stringify(text)} in ${path}`);
      }
    }
  }
});

test("files that are refused make checks unknown, and never fail", async () => {
  for (const reason of ["denied", "not permitted", "failed"] as const) {
    const refusals = Object.fromEntries(Object.keys(studioFiles).map((path) => [path, reason]));
    const folders = ["/proc", "/proc/asound", "/dev/snd", "/sys/devices/system/cpu"];
    for (const folder of folders) refusals[folder] = reason;
    const checks = await checksOf({ files: studioFiles, refusals });
    assert.deepEqual(idsOf(checks, "problem"), []);
    const known = checks.filter(({ status }) => status !== "unknown").map(({ id }) => id);
    const byEngine = ["libasound", "realtime-scheduling"];
    assert.deepEqual(known, reason === "denied" ? [...byEngine, "cpu-dma-latency"] : byEngine);
  }
});
