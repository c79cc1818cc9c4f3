/** Rendering in the kernel's own DMA ring, and what becomes of views of it at close. */
import assert from "node:assert/strict";
import { engineCounters } from "../../lib/testing/mod.ts";
import { mapped, openPlayback, render } from "../../mod.ts";
import {
  assertSameBits,
  assertSilence,
  countingSamples,
  eventually,
  sleep,
  test,
  withCode,
  withoutZeros,
} from "../harness.ts";
import { loadDriver, look, record, withoutSilenceAround } from "./guest.ts";

await loadDriver("snd-dummy", "fake_buffer=0");
await loadDriver("snd-aloop");

const loopback = "hw:Loopback,0,0";
const mono = { format: "s32", channels: 1, rate: 48_000, periodFrames: 480, periods: 4 } as const;

test("what is rendered in the DMA ring is what is heard", async () => {
  const recording = await record(mono, async () => {
    let blocks = 0;
    const source = render<"s32">(({ samples, frames, position }) => {
      assert.equal(samples.length, frames);
      for (let i = 0; i < frames; i++) samples[i] = position + i + 1;
      blocks++;
    });
    await using out = await openPlayback({ ...mono, device: loopback, source });
    assert.equal(out.granted.zeroCopy?.memory, "dma");
    assert.equal(out.granted.mmap, "real");
    await sleep(2000);
    await out.drain();
    const { framesPlayed, framesWritten, framesPadded, xruns } = out.stats();
    assert.equal(framesPlayed, blocks * mono.periodFrames);
    assert.equal(framesWritten, framesPlayed + framesPadded);
    assert.equal(xruns.count, 0);
  });
  const heard = withoutSilenceAround(recording);
  assert.ok(heard.length > 90_000, `${heard.length} frames`);
  assertSameBits(heard, countingSamples(heard.length));
});

test("a frame that is changed after its commit is heard as it is then", async () => {
  const recording = await record(mono, async () => {
    const options = { ...mono, device: loopback, source: mapped(), startThreshold: Infinity };
    await using out = await openPlayback(options);
    assert.equal(out.samples.length, out.granted.bufferFrames);
    const block = out.begin(1000);
    assert.deepEqual([block?.offset, block?.frames, block?.position], [0, 1000, 0]);
    out.samples.set(countingSamples(1000));
    assert.equal(out.commit(1000), 1000);
    out.samples[5] = -5;
    await out.start();
    await sleep(10);
    out.samples[900] = -900;
    await out.drain();
  });
  const expected = countingSamples(1000);
  expected[5] = -5;
  expected[900] = -900;
  assertSameBits(withoutSilenceAround(recording), expected);
});

test("frames that a program maps by itself are bit-exact in every size", async () => {
  const given = countingSamples(20_011);
  const recording = await record(mono, async () => {
    await using out = await openPlayback({ ...mono, device: loopback, source: mapped() });
    const sizes = [1, 7, 479, 480, 481, 1000, 3000];
    for (let done = 0, round = 0; done < given.length; round++) {
      await out.waitForRoom(1);
      const block = out.begin(Math.min(sizes[round % sizes.length]!, given.length - done));
      assert.ok(block !== undefined);
      assert.equal(block.position, done);
      out.samples.set(given.subarray(done, done + block.frames), block.offset);
      done += out.commit(block.frames);
    }
    await out.drain();
    assert.equal(out.stats().framesPlayed, given.length);
  });
  assertSameBits(Int32Array.from(withoutZeros(recording)), given);
});

for (const [device, card] of [["hw:Dummy,0", "Dummy"], [loopback, "Loopback"]] as const) {
  test(`views that are kept are empty after close, and the PCM of ${card} is free`, async () => {
    for (let round = 0; round < 20; round++) {
      const kept = new Set<Int32Array | Int16Array>();
      const options = { ...mono, format: "s16", device } as const;
      const source = render<"s16">(({ samples }) => {
        samples.fill(1000);
        kept.add(samples);
      });
      const out = await openPlayback({ ...options, source });
      assert.equal(out.granted.zeroCopy?.memory, "dma");
      await sleep(30);
      await out.close();
      assert.equal(kept.size, mono.periods);
      for (const view of kept) assert.equal(view.length, 0);
      assert.equal((await look(card)).state, "closed");
      assert.equal(engineCounters().views, 0);
    }
  });

  test(`a view that was taken elsewhere is no longer that of ${card} after close`, async () => {
    const options = { ...mono, format: "s16", device, source: mapped() } as const;
    const out = await openPlayback(options);
    out.samples.fill(1234);
    const memory = out.samples.buffer as ArrayBuffer;
    const taken = new Int16Array(structuredClone(memory, { transfer: [memory] }));
    assert.equal(taken[0], 1234);
    await out.close();
    assert.equal((await look(card)).state, "closed");
    assertSilence(taken, "s16", "The view");
    taken.fill(4321);
    const again = await openPlayback(options);
    assert.equal(again.granted.zeroCopy?.memory, "dma");
    assert.ok(!again.samples.includes(4321), "The old view reaches the new stream");
    again.samples.fill(7);
    assert.equal(taken[0], 4321);
    await again.close();
    assert.equal(taken.at(-1), 4321);
  });
}

test("a view is refused in favour of a queue, and why is said", async () => {
  const cases = [
    [{ access: "write" }, /accessed by write/],
    [{ xrunPolicy: "silence" }, /too late/],
    [{ xrunPolicy: "repeat" }, /too late/],
  ] as const;
  for (const [options, reason] of cases) {
    const recording = await record(mono, async () => {
      const source = render<"s32">(({ samples, position }) => {
        for (let i = 0; i < samples.length; i++) samples[i] = position + i + 1;
      });
      await using out = await openPlayback({ ...mono, ...options, device: loopback, source });
      assert.equal(out.granted.zeroCopy?.memory, "queue");
      assert.match(out.granted.zeroCopy.reason, reason);
      await sleep(500);
      await out.drain();
    });
    const heard = withoutSilenceAround(recording);
    assert.ok(heard.length > 20_000, `${heard.length} frames`);
    assertSameBits(heard, countingSamples(heard.length));
  }
});

test("a render callback that throws ends the stream and frees the PCM", async () => {
  let calls = 0;
  const source = render<"s32">(({ samples }) => {
    samples.fill(0);
    if (++calls === 10) throw new Error("out of ideas");
  });
  await using out = await openPlayback({ ...mono, device: loopback, source });
  await assert.rejects(out.closed, withCode("ERR_HALFLAP_RENDER"));
  await eventually("The end", () => engineCounters().pcms === 0);
  assert.equal((await look("Loopback")).state, "closed");
});
