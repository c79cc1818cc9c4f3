import assert from "node:assert/strict";
import { test } from "node:test";
import { examine, statText, type ThreadStat } from "../../../tests/invented_system.ts";
import { parseThread, realtimeThreads } from "./realtime_threads.ts";

const OTHER = 0;
const FIFO = 1;
const RR = 2;
const DEADLINE = 6;

// As kernel 6.18 writes it.
const realMigration = "17 (migration/0) S 2 0 0 0 -1 69238848 0 0 0 0 0 11 0 0 -100 0 1 0 24 0 0 " +
  "18446744073709551615 0 0 0 0 0 0 0 2147483647 0 0 0 0 17 0 99 1 0 0 0 0 0 0 0 0 0 0 0\n";

/** The files of processes with one thread each. */
function processFiles(threads: readonly ThreadStat[]): Record<string, string> {
  return Object.fromEntries(threads.flatMap((thread, index) => {
    const folder = `/proc/${100 + index}`;
    return [
      [`${folder}/comm`, `${thread.name}\n`],
      [`${folder}/task/${100 + index}/stat`, statText(thread)],
    ];
  }));
}

test("a thread of the kernel is read as such", () => {
  assert.deepEqual(parseThread(realMigration, 17, "migration/0"), {
    pid: 17,
    program: "migration/0",
    policy: "SCHED_FIFO",
    priority: 99,
    isKernels: true,
  });
});

test("names with spaces and parentheses do not shift the fields", () => {
  const text = statText({ name: ") S 1 (x) (", policy: RR, priority: 50 });
  const { policy, priority } = parseThread(text, 1, "x") ?? {};
  assert.deepEqual([policy, priority], ["SCHED_RR", 50]);
});

test("threads that come before ours are named, and no others", async () => {
  const files = processFiles([
    { name: "migration/0", policy: FIFO, priority: 99, isKernels: true },
    { name: "irq/35-snd", policy: FIFO, priority: 50, isKernels: true },
    { name: "pipewire", policy: FIFO, priority: 88 },
    { name: "rtkit-daemon", policy: RR, priority: 99 },
    { name: "halflap", policy: FIFO, priority: 3 },
    { name: "bash", policy: OTHER, priority: 0 },
    { name: "multipathd", policy: RR, priority: 99 },
    { name: "camera", policy: DEADLINE, priority: 0 },
  ]);
  const { status, found, mend } = await examine(realtimeThreads, { files });
  assert.equal(status, "advice");
  assert.equal(found, "multipathd (106) SCHED_RR 99, camera (107) SCHED_DEADLINE");
  assert.match(mend!, /chrt/);
});

test("threads that are expected are counted", async () => {
  const files = processFiles([
    { name: "migration/0", policy: FIFO, priority: 99, isKernels: true },
    { name: "jackd", policy: FIFO, priority: 10 },
  ]);
  const finding = await examine(realtimeThreads, { files });
  assert.deepEqual(finding, { status: "ok", found: "none in the way, 2 expected ones" });
});

test("many threads are not all named", async () => {
  const files = processFiles(
    Array.from({ length: 8 }, (_, index) => ({ name: `hog${index}`, policy: FIFO, priority: 90 })),
  );
  const { found } = await examine(realtimeThreads, { files });
  assert.match(found, /^hog0 .*, hog4 \(104\) SCHED_FIFO 90 and 3 more$/);
});

test("threads that end meanwhile, or make no sense, are passed over", async () => {
  const files = {
    ...processFiles([{ name: "hog", policy: FIFO, priority: 90 }]),
    "/proc/200/comm": "gone\n",
    "/proc/201/comm": "odd\n",
    "/proc/201/task/201/stat": "nonsense",
    "/proc/201/task/202/stat": "",
    "/proc/version": "Linux version 6.1\n",
  };
  const { found } = await examine(realtimeThreads, { files });
  assert.equal(found, "hog (100) SCHED_FIFO 90");
});
