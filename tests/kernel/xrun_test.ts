/** Xruns on hw PCMs: under each policy, with what the other end heard of them. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { openPlayback, type Playback, type Xrun } from "../../mod.ts";
import {
  accesses,
  assertSameBits,
  counting,
  countingSamples,
  eventually,
  handled,
  sleep,
  test,
  withoutZeros,
} from "../harness.ts";
import { finish, runtimeArguments, signal, start } from "../programs.ts";
import { loadDriver, look, record, withoutSilenceAround } from "./guest.ts";

await loadDriver("snd-aloop");

const device = "hw:Loopback,0,0";
const policies = ["stop", "silence", "repeat"] as const;
/** By which snd-aloop moves. */
const tickFrames = 48;
const framesPerMs = 48;
const sizes = { ...counting, periodFrames: 480, periods: 4, queueFrames: 24_000 } as const;
const bufferFrames = sizes.periodFrames * sizes.periods;

const injection = "/proc/asound/Loopback/pcm0p/sub0/xrun_injection";

function overXrunsOf(out: Playback): Xrun[] {
  const xruns: Xrun[] = [];
  out.addEventListener("xrunend", (event) => {
    xruns.push(event);
  });
  return xruns;
}

/** Frames between two samples that are heard once each. */
function framesBetween(recording: Int32Array, before: number, after: number): Int32Array {
  const first = recording.indexOf(before);
  const end = recording.lastIndexOf(after);
  assert.ok(first !== -1 && end > first, `${before} at ${first}, ${after} at ${end}`);
  return recording.subarray(first + 1, end);
}

for (const access of accesses) {
  for (const xrunPolicy of policies) {
    const how = `with ${xrunPolicy} by ${access}`;

    test(`a gap of the producer is as long as it is said, and sounds as it should, ${how}`, async () => {
      // A whole number of ticks: a device that stops does so at the end of one.
      const before = 200 * tickFrames;
      const given = countingSamples(2 * before);
      let over: Xrun[] = [];
      const recording = await record(sizes, async () => {
        await using out = await openPlayback({ ...sizes, access, xrunPolicy, device });
        assert.equal(out.granted.xrunPolicy.policy, xrunPolicy);
        over = overXrunsOf(out);
        await out.write(given.subarray(0, before));
        await sleep(437);
        await out.write(given.subarray(before));
        await out.drain();
        const { xruns, framesPlayed, framesDropped } = out.stats();
        assert.deepEqual([xruns.producer, xruns.count], [1, 1]);
        assert.deepEqual([framesPlayed, framesDropped], [given.length, 0]);
      }) as Int32Array;
      const gap = framesBetween(recording, before, before + 1);
      const [xrun] = over;
      assert.equal(xrun?.position, before);
      const saidFrames = xrun.durationMs * framesPerMs;
      assert.ok(gap.length > 200 * framesPerMs, `${gap.length} frames`);
      assert.ok(
        Math.abs(gap.length - saidFrames) <= 2 * tickFrames,
        `${saidFrames} said, ${gap.length} heard`,
      );
      const firstInRing = before - bufferFrames + 1;
      const expected = xrunPolicy === "repeat"
        ? gap.map((_, index) => firstInRing + index % bufferFrames)
        : new Int32Array(gap.length);
      assertSameBits(gap, expected, "The gap");
      // All the rest is heard once and in order.
      const heard = withoutSilenceAround(recording);
      assertSameBits(heard.subarray(0, before), given.subarray(0, before));
      assertSameBits(heard.subarray(before + gap.length), given.subarray(before));
    });

    test(`an xrun that is injected is the device's, and its losses are counted, ${how}`, async () => {
      const given = countingSamples(48_000);
      let over: Xrun[] = [];
      let dropped = 0;
      const recording = await record(sizes, async () => {
        await using out = await openPlayback({ ...sizes, access, xrunPolicy, device });
        over = overXrunsOf(out);
        const written = handled(out.write(given));
        for (const round of [1, 2, 3]) {
          await sleep(211);
          writeFileSync(injection, "1");
          await eventually("The recovery", () => over.length === round);
          assert.equal((await look("Loopback")).status?.xruns, round);
        }
        await written;
        await out.drain();
        const { xruns, recoveries, framesPlayed, framesDropped } = out.stats();
        assert.deepEqual([xruns.device, xruns.count, recoveries], [3, 3, 3]);
        assert.equal(framesPlayed + framesDropped, given.length);
        dropped = framesDropped;
      }) as Int32Array;
      const heard = withoutZeros(recording);
      // The engine goes by the time of the stop; snd-aloop hands over sound in lumps, and when it is
      // stopped it keeps the last one.
      const isNear = (actual: number, expected: number): void =>
        assert.ok(Math.abs(actual - expected) <= sizes.periodFrames, `${actual}, ${expected}`);
      isNear(heard.length, given.length - dropped);
      let jumps = 0;
      let missing = 0;
      for (const [index, sample] of heard.entries()) {
        const lost = sample - (heard[index - 1] ?? 0) - 1;
        if (lost === 0) continue;
        assert.ok(lost > 0, `${sample} is heard again`);
        const xrun = over[jumps++];
        isNear(lost, xrun!.lostFrames);
        isNear(index, xrun!.position);
        assert.ok(xrun!.evidence.leftFrames > 0);
        missing += lost;
      }
      assert.equal(heard.length + missing, given.length);
      const gapFrames = withoutSilenceAround(recording).length - heard.length;
      const saidMs = over.reduce((sum, { durationMs }) => sum + durationMs, 0);
      isNear(gapFrames, saidMs * framesPerMs);
      assert.equal(jumps, 3);
    });
  }
}

const stopped = [["mmap", "stop"], ["write", "silence"], ["mmap", "repeat"]] as const;
for (const [access, xrunPolicy] of stopped) {
  test(`a process that is stopped and goes on has an xrun of scheduling with ${xrunPolicy} by ${access}`, async () => {
    const program = `
      import { clip, openPlayback } from "./mod.ts";
      const loop = clip(new Int32Array(480).fill(7), { loop: true });
      const options = ${JSON.stringify({ ...sizes, queueFrames: undefined, access, xrunPolicy })};
      const out = await openPlayback({ ...options, device: "${device}", source: loop });
      const over = new Promise((resolve) => out.addEventListener("xrunend", resolve));
      const { cause, durationMs, evidence, advice } = await over;
      await new Promise((resolve) => setTimeout(resolve, 100));
      const { xruns } = out.stats();
      await out.close();
      console.log(JSON.stringify({ cause, durationMs, evidence, advice, count: xruns.count }));
    `;
    let stdout = "";
    const recording = await record(sizes, async () => {
      const [command, ...args] = runtimeArguments(program);
      const child = start(command!, args);
      const ended = finish(child);
      const running = async () => (await look("Loopback")).state === "running";
      for (let ms = 0; ms < 10_000 && !await running(); ms += 5) await sleep(5);
      await sleep(100);
      signal(child, "SIGSTOP");
      await sleep(600);
      signal(child, "SIGCONT");
      const { code, stdout: text, stderr } = await ended;
      assert.equal(code, 0, stderr);
      stdout = text;
    }) as Int32Array;
    const { cause, durationMs, evidence, advice, count } = JSON.parse(stdout);
    assert.deepEqual([cause, count], ["scheduling", 1], stdout);
    assert.ok(evidence.latenessMs > 540, stdout);
    assert.ok(durationMs > 540 && durationMs < 600, stdout);
    // Kernels without schedstat don't tell what the thread waited for.
    if ("runQueueMs" in evidence) assert.match(advice, /the process was stopped/);
    const gapFrames = withoutSilenceAround(recording).filter((sample) => sample === 0).length;
    if (xrunPolicy === "repeat") assert.equal(gapFrames, 0);
    else {
      const saidFrames = durationMs * framesPerMs;
      assert.ok(Math.abs(gapFrames - saidFrames) <= 2 * tickFrames, `${gapFrames}, ${stdout}`);
    }
  });
}
