/** A minute on each server by each access, at once: no xrun is the engine's or the writer's. */
import assert from "node:assert/strict";
import { openPlayback } from "../../mod.ts";
import { test } from "../harness.ts";
import { accessesOf, pcmOf, serverNames, SoundServer } from "./sound_server.ts";

const rate = 48_000;
const seconds = 60;
/** The defaults, with a queue that bridges what a busy machine does to the event loop. */
const options = { rate, channels: 2, format: "s16", queueFrames: 4 * rate } as const;

const streams = serverNames.flatMap((name) => accessesOf[name].map((access) => ({ name, access })));

async function playAMinute({ name, access }: typeof streams[number]): Promise<string> {
  await using out = await openPlayback({ ...options, device: pcmOf[name], access });
  const blamed: unknown[] = [];
  out.addEventListener("xrunend", ({ cause, timeMs, position, durationMs, evidence }) => {
    if (cause !== "producer" && cause !== "processing") return;
    blamed.push({ cause, timeMs, position, durationMs, evidence });
  });
  const block = new Int16Array(2 * rate).fill(1000);
  const startMs = performance.now();
  for (let second = 0; second < seconds; second++) await out.write(block);
  await out.drain({ timeoutMs: 20_000 });
  const elapsedMs = performance.now() - startMs;
  const { framesPlayed, framesDropped, xruns, wakeUps, idleWakeUps, ...stats } = out.stats();
  assert.deepEqual(blamed, []);
  assert.equal(xruns.producer + xruns.processing, 0);
  assert.equal(framesPlayed + framesDropped, seconds * rate);
  // What was dropped in an xrun was not played, and all that follows comes later.
  assert.ok(elapsedMs > framesPlayed / rate * 1000 - 5, `${framesPlayed} frames, ${elapsedMs} ms`);
  assert.ok(elapsedMs < seconds * 1000 + 15_000, `It took ${elapsedMs} ms`);
  assert.equal(stats.clockDemotions, 0);
  const { max } = stats.group.wakeLatenessMs;
  const ppm = Math.round(stats.rateDeviationPpm);
  return `| ${name} | ${access} | ${(elapsedMs / 1000).toFixed(2)} s | ${wakeUps} | ` +
    `${idleWakeUps} | ${max.toFixed(1)} ms | ${ppm} | ${xruns.scheduling} | ${xruns.device} |`;
}

test("a minute on each server by each access", async () => {
  await using _pipewire = await SoundServer.start("pipewire");
  await using _pulseaudio = await SoundServer.start("pulseaudio");
  const rows = await Promise.all(streams.map(playAMinute));
  console.log("| Server | Access | Took | Wake-ups | Idle | Latest | ppm | Scheduling | Device |");
  console.log("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
  for (const row of rows) console.log(row);
}, 120_000);
