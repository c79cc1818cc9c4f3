/** snd-pcmtest, whose operations fail and whose pointer stops when they are told to. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { engineCounters } from "../../lib/testing/mod.ts";
import { type HalflapErrorCode, openPlayback, type PlaybackQueue, tone } from "../../mod.ts";
import { eventually, handled, sleep, test, withCode } from "../harness.ts";
import { loadDriver, look } from "./guest.ts";

await loadDriver("snd-pcmtest");

/** The driver moves its pointer by 200 ms and knows no mmap. */
const sizes = {
  device: "hw:CARD=pcmtest",
  format: "s16",
  channels: 1,
  rate: 48_000,
  periodFrames: 12_000,
  periods: 4,
} as const;
const options = { ...sizes, queueFrames: 96_000 } as const;
const tickFrames = 9600;

type Fault = "open_err" | "hwpars_err" | "prepare_err" | "trigger_err" | "delay";

function inject(fault: Fault, value: number): void {
  writeFileSync(`/sys/module/snd_pcmtest/parameters/inject_${fault}`, `${value}`);
}

/** A fault until the end of a block. */
function injected(fault: Fault, value = 1): Disposable {
  inject(fault, value);
  return { [Symbol.dispose]: () => inject(fault, 0) };
}

/** The bytes that the driver expects to be played, over and over. */
function pattern(frames: number): Int16Array {
  const bytes = new TextEncoder().encode("abacaba");
  const played = Uint8Array.from({ length: 2 * frames }, (_, at) => bytes[at % bytes.length]!);
  return new Int16Array(played.buffer);
}

const open = (): Promise<PlaybackQueue<"s16">> => openPlayback(options);

test("a driver without mmap is written to, and finds what it expects", async () => {
  const insisting = openPlayback({ ...options, access: "mmap" });
  await assert.rejects(insisting, withCode("ERR_HALFLAP_UNSUPPORTED_ACCESS"));
  {
    await using out = await open();
    assert.equal(out.granted.access, "write");
    assert.match(out.granted.accessReason, /does not grant mmap/);
    await out.write(pattern(200_000));
    await out.drain();
    assert.equal(out.stats().framesPlayed, 200_000);
    assert.equal(out.stats().xruns.count, 0);
  }
  assert.equal(readFileSync("/sys/kernel/debug/pcmtest/pc_test", "utf8"), "1\n");
});

const refusals: readonly (readonly [Fault, HalflapErrorCode, string])[] = [
  ["open_err", "ERR_HALFLAP_DEVICE_BUSY", "snd_pcm_open"],
  ["hwpars_err", "ERR_HALFLAP_DEVICE_BUSY", "snd_pcm_hw_params"],
  ["prepare_err", "ERR_HALFLAP_UNSUPPORTED_BUFFER", "snd_pcm_hw_params"],
];
for (const [fault, code, call] of refusals) {
  test(`a failure of the driver by ${fault} keeps a stream from opening, and says so`, async () => {
    {
      using _fault = injected(fault);
      for (let round = 0; round < 5; round++) {
        await assert.rejects(open(), (error: Error & { call?: string }) => {
          withCode(code)(error);
          assert.equal(error.call, call);
          return true;
        });
        assert.equal(engineCounters().pcms, 0);
      }
      assert.equal((await look("pcmtest")).state, "closed");
    }
    await using out = await open();
    await out.write(pattern(60_000));
    await out.drain();
    assert.equal(out.stats().framesPlayed, 60_000);
  });
}

test("a driver that never starts is given up after a few tries", async () => {
  using _fault = injected("trigger_err");
  const source = tone({ frequencyHz: 440 });
  await using out = await openPlayback({ ...sizes, source });
  await assert.rejects(out.closed, (error: Error & { call?: string }) => {
    withCode("ERR_HALFLAP_ALSA")(error);
    assert.equal(error.call, "snd_pcm_start");
    return true;
  });
  assert.equal((await look("pcmtest")).state, "closed");
});

test("a driver that starts only at the third try plays on", async () => {
  await using out = await open();
  let written = Promise.resolve();
  {
    using _fault = injected("trigger_err");
    written = handled(out.write(pattern(480_000)));
    await eventually("The second try", () => out.stats().recoveries >= 2);
  }
  await written;
  await out.drain();
  const { framesPlayed, framesDropped, framesAccepted } = out.stats();
  assert.equal(framesPlayed + framesDropped, framesAccepted);
  assert.ok(framesPlayed >= 480_000 - 3 * out.granted.bufferFrames, `${framesPlayed} frames`);
});

test("a driver that cannot prepare after an xrun is tried again", async () => {
  await using out = await open();
  const written = handled(out.write(pattern(480_000)));
  await eventually("The sound", () => out.stats().framesPlayed > 0);
  {
    using _fault = injected("prepare_err");
    writeFileSync("/proc/asound/pcmtest/pcm0p/sub0/xrun_injection", "1");
    await eventually("The xrun", () => out.stats().xruns.device === 1);
    await sleep(15);
    assert.equal((await look("pcmtest")).state, "setup");
  }
  await written;
  await out.drain();
  const { framesPlayed, framesDropped, framesAccepted, xruns } = out.stats();
  assert.equal(xruns.count, 1);
  assert.equal(framesPlayed + framesDropped, framesAccepted);
});

test("a driver whose pointer is slow plays on, and loses nothing", async () => {
  const startMs = performance.now();
  await using out = await open();
  const written = handled(out.write(pattern(480_000)));
  {
    using _fault = injected("delay", 300);
    await sleep(4000);
  }
  await written;
  await out.drain();
  const { framesPlayed, xruns } = out.stats();
  assert.deepEqual([framesPlayed, xruns.count], [480_000, 0]);
  // In 4 s it played 1.6 s of 10.
  const elapsedMs = performance.now() - startMs;
  assert.ok(elapsedMs > 11_000, `${elapsedMs} ms`);
});

test("a driver whose pointer has stopped for good is lost, by the watchdog", async () => {
  await using out = await open();
  handled(out.write(pattern(480_000)));
  await eventually("The sound", () => out.stats().framesPlayed >= 2 * tickFrames);
  using _fault = injected("delay", 60_000);
  await assert.rejects(out.closed, (error: Error) => {
    withCode("ERR_HALFLAP_DEVICE_LOST")(error);
    assert.match(error.message, /has not moved for \d+ ms/);
    return true;
  });
});
