/** Xruns on a hardware driver, whose interrupts are switched off where nobody needs them. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { openPlayback, type Playback, type Xrun } from "../../mod.ts";
import { accesses, eventually, sleep, test } from "../harness.ts";
import { finish, runtimeArguments, signal, start } from "../programs.ts";
import {
  ampleQueue,
  card,
  codecFrames,
  countingFrames,
  record,
  type Run,
  runsOf,
  stereo,
  tail,
} from "./machine.ts";

const policies = ["stop", "silence", "repeat"] as const;
const framesPerMs = 48;
/** By which the card's pointer moves. */
const stepFrames = 48;

const sizes = { periodFrames: 1024, periods: 4, ...ampleQueue } as const;
const bufferFrames = sizes.periodFrames * sizes.periods;

function overXrunsOf(out: Playback): Xrun[] {
  const xruns: Xrun[] = [];
  out.addEventListener("xrunend", (event) => {
    xruns.push(event);
  });
  return xruns;
}

const isNear = (actual: number, expected: number, tolerance: number): void =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual}, not ${expected}`);

/** A device that stopped forgot what was in its codec; all the rest was heard once, and in order. */
function assertStoppedAt(position: number, [first, ...rest]: readonly Run[], frames: number): void {
  assert.equal(first?.first, 1);
  const lost = position - first.frames;
  assert.ok(lost >= 0 && lost <= codecFrames, `${lost} frames were lost`);
  const heard = rest.filter((run) => run.first !== 0);
  assert.deepEqual(heard, [{ first: position + 1, frames: frames - position }]);
}

/** What was given goes on where the ring was heard again to its end: that is no run of its own. */
function splitAfter(position: number, { first, frames }: Run): Run[] {
  const head = position + 1 - first;
  if (head <= 0 || head >= frames || first === 0) return [{ first, frames }];
  return [{ first, frames: head }, { first: position + 1, frames: frames - head }];
}

/** Nothing is missing around a gap, in which the ring is heard again, or silence. */
function assertRanOnAt(xrun: Xrun, runs: readonly Run[], frames: number): void {
  const { policy, position, durationMs } = xrun;
  const [first, ...gap] = runs.flatMap((run) => splitAfter(position, run));
  const last = gap.pop();
  assert.deepEqual(first, { first: 1, frames: position });
  assert.deepEqual(last, { first: position + 1, frames: frames - position });
  const gapFrames = gap.reduce((sum, run) => sum + run.frames, 0);
  isNear(gapFrames, durationMs * framesPerMs, stepFrames);
  const lap = {
    first: policy === "repeat" ? position - bufferFrames + 1 : 0,
    frames: bufferFrames,
  };
  if (policy === "silence") return assert.deepEqual(gap, [{ ...lap, frames: gapFrames }]);
  const laps = Array(Math.floor(gapFrames / bufferFrames)).fill(lap);
  const rest = gapFrames % bufferFrames;
  assert.deepEqual(gap, rest === 0 ? laps : [...laps, { ...lap, frames: rest }]);
}

const statusFile = `/proc/asound/${card}/pcm0p/sub0/status`;
const isRunning = (): boolean => readFileSync(statusFile, "utf8").includes("RUNNING");

for (const access of accesses) {
  for (const xrunPolicy of policies) {
    test(`a late producer gets a gap as it is told, with ${xrunPolicy} by ${access}`, async () => {
      const before = 10_000;
      let over: Xrun[] = [];
      const recording = await record(async () => {
        await using out = await openPlayback({ ...stereo, ...sizes, access, xrunPolicy });
        over = overXrunsOf(out);
        await out.write(countingFrames(before));
        // The ring is dry for many laps, of which no interrupt tells.
        await sleep(3000);
        await out.write(countingFrames(before, before + 1));
        await out.write(tail);
        await out.drain();
        const { xruns, framesPlayed, framesDropped } = out.stats();
        assert.deepEqual([xruns.producer, xruns.count], [1, 1]);
        assert.deepEqual([framesPlayed, framesDropped], [2 * before + codecFrames, 0]);
      });
      const [xrun] = over;
      assert.deepEqual([xrun?.position, xrun?.lostFrames], [before, 0]);
      assert.ok(xrun !== undefined && xrun.durationMs > 2500, `${xrun?.durationMs} ms`);
      const runs = runsOf(recording);
      if (xrunPolicy === "stop") assertStoppedAt(before, runs, 2 * before);
      else assertRanOnAt(xrun, runs, 2 * before);
    });

    test(`a process that is stopped is told so, with ${xrunPolicy} by ${access}`, async () => {
      const frames = 40_000;
      const program = `
        import { openPlayback } from "./mod.ts";
        import { countingFrames, tail } from "./tests/hardware/machine.ts";
        const options = ${JSON.stringify({ ...stereo, ...sizes, access, xrunPolicy })};
        const out = await openPlayback(options);
        out.addEventListener("xrunend", ({ cause, durationMs, position, policy, lostFrames }) => {
          console.log(JSON.stringify({ cause, durationMs, position, policy, lostFrames }));
        });
        await out.write(countingFrames(${frames}));
        await out.write(tail);
        await out.drain();
        await out.close();
      `;
      let stdout = "";
      const recording = await record(async () => {
        const [command, ...args] = runtimeArguments(program);
        const child = start(command!, args);
        const ended = finish(child);
        await eventually("The sound", () => isRunning());
        await sleep(300);
        signal(child, "SIGSTOP");
        await sleep(1000);
        signal(child, "SIGCONT");
        const { code, stderr, ...finished } = await ended;
        assert.equal(code, 0, stderr);
        stdout = finished.stdout;
      });
      const xrun = JSON.parse(stdout) as Xrun;
      assert.deepEqual([xrun.cause, xrun.lostFrames], ["scheduling", 0]);
      const runs = runsOf(recording);
      if (xrunPolicy === "stop") assertStoppedAt(xrun.position, runs, frames);
      else assertRanOnAt(xrun, runs, frames);
    });
  }
}
