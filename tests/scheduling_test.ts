/**
 * How the write threads are scheduled, as the kernel says, beside what was granted.
 */
import assert from "node:assert/strict";
import { execFile, execFileSync, spawnSync } from "node:child_process";
import process from "node:process";
import { openPlayback, silence } from "../mod.ts";
import { eventually, root, test } from "./harness.ts";

const writeThread = "halflap-write";
// Counted from behind the name, which is the second field of /proc/PID/stat (see proc(5)).
const priorityField = 40 - 3;
const policyField = 41 - 3;
const policyFifo = 1;

/** Prints files of this process, by a program: Deno wants every permission for /proc. */
function processFiles(pattern: string): string {
  return execFileSync("sh", ["-c", `cat /proc/${process.pid}/${pattern}`], { encoding: "utf8" });
}

/** Priority and policy of the one write thread of this process. */
function scheduled(): { priority: number; policy: number } {
  const stats = processFiles("task/*/stat").split("\n");
  const found = stats.filter((stat) => stat.includes(`(${writeThread})`));
  assert.equal(found.length, 1);
  const fields = found[0]!.split(") ")[1]!.split(" ");
  return { priority: Number(fields[priorityField]), policy: Number(fields[policyField]) };
}

for (const realtime of ["auto", "off", { priority: 7 }] as const) {
  test(`the thread runs as granted with ${JSON.stringify(realtime)}`, async () => {
    await using out = await openPlayback({ device: "virtual", realtime, source: silence() });
    const { priority, reason } = out.granted.realtime;
    assert.deepEqual(scheduled(), { priority, policy: priority > 0 ? policyFifo : 0 }, reason);
    if (realtime === "off") assert.equal(priority, 0);
  });
}

test("the priority comes from the range, by the period", async () => {
  const options = { device: "virtual", source: silence() } as const;
  const realtime = { priorityRange: [10, 12] } as const;
  for (
    const [periodFrames, expected] of [[240, 12], [480, 11], [2400, 10], [24_000, 10]] as const
  ) {
    await using out = await openPlayback({ ...options, periodFrames, periods: 2, realtime });
    const { priority, reason } = out.granted.realtime;
    if (reason === "granted") assert.equal(priority, expected);
    else assert.deepEqual([priority, /denied/.test(reason)], [0, true]);
  }
});

test("the thread stays on the CPUs that were asked for, and only where they are", async () => {
  const options = { device: "virtual", source: silence(), realtime: { cpus: [0] } } as const;
  await using pinned = await openPlayback(options);
  assert.deepEqual(pinned.granted.realtime.cpus, [0]);
  const status = processFiles("task/*/status").split("Name:");
  const ours = status.filter((text) => text.includes(writeThread));
  assert.match(ours[0]!, /Cpus_allowed_list:\t0\n/);
  // A CPU that hardly any machine has.
  await using anywhere = await openPlayback({ ...options, realtime: { cpus: [127] } });
  assert.equal(anywhere.granted.realtime.cpus, undefined);
  assert.equal(anywhere.state, "running");
});

/** What all programs ask of the kernel in microseconds, or undefined where it cannot be asked. */
function askedLatencyUs(): number | undefined {
  const command = ": 3>/dev/cpu_dma_latency && od -An -t d4 -N4 /dev/cpu_dma_latency";
  const { status, stdout } = spawnSync("sh", ["-c", command], { encoding: "utf8" });
  return status === 0 ? Number(stdout) : undefined;
}

test("a wake-up latency is asked for while the stream runs, where it can be", async () => {
  const before = askedLatencyUs();
  const realtime = { cpuDmaLatencyUs: 20 };
  await using out = await openPlayback({ device: "virtual", source: silence(), realtime });
  assert.equal(out.granted.realtime.cpuDmaLatencyUs, before === undefined ? undefined : 20);
  const running = before === undefined ? undefined : Math.min(before, 20);
  await eventually("the request", () => askedLatencyUs() === running);
  await out.pause();
  assert.equal(askedLatencyUs(), before);
  await out.resume();
  assert.equal(askedLatencyUs(), running);
  await out.close();
  assert.equal(askedLatencyUs(), before);
});

test("streams of other periods or priorities have threads of their own", async () => {
  const options = { device: "virtual", source: silence(), realtime: "off" } as const;
  await using first = await openPlayback({ ...options, periodFrames: 240 });
  await using second = await openPlayback({ ...options, periodFrames: 240 });
  assert.equal(scheduled().priority, 0);
  await using third = await openPlayback({ ...options, periodFrames: 480 });
  assert.throws(scheduled, assert.AssertionError);
  assert.deepEqual([first.state, second.state, third.state], Array(3).fill("running"));
});

test("a PCM that runs threads of others is not promoted unless asked by number", async () => {
  await using out = await openPlayback({ device: "plug:null", source: silence() });
  assert.equal(out.granted.realtime.priority, 0);
  assert.match(out.granted.realtime.reason, /others/);
  assert.deepEqual(scheduled(), { priority: 0, policy: 0 });
});

test("where the system denies it, the stream plays and says how to mend it", async () => {
  const code = `
    import { openPlayback } from ${JSON.stringify(`${root}/mod.ts`)};
    const out = await openPlayback({ device: "virtual" });
    await out.write(new Float32Array(9600));
    await out.drain();
    console.log(JSON.stringify([out.granted.realtime, out.stats().framesPlayed]));
    await out.close();
  `;
  const runtime = process.versions.bun === undefined ? ["eval", "--ext=ts", code] : ["-e", code];
  // Neither the capability nor the limit: both come from Debian's package util-linux.
  const [limit, capability] = [["prlimit", "--rtprio=0"], ["setpriv", "--bounding-set=-sys_nice"]];
  const args = [...limit.slice(1), ...capability, process.execPath, ...runtime];
  const stdout = await new Promise<string>((resolve, reject) => {
    execFile(limit[0]!, args, { cwd: root, timeout: 30_000 }, (error, out, stderr) => {
      if (error === null) resolve(out);
      else reject(new Error(stderr, { cause: error }));
    });
  });
  const [realtime, framesPlayed] = JSON.parse(stdout);
  assert.equal(realtime.priority, 0);
  assert.match(realtime.reason, /denied/);
  assert.match(realtime.mend, /rtprio is 0 and memlock/);
  assert.equal(framesPlayed, 4800);
});
