import assert from "node:assert/strict";
import { test } from "node:test";
import { makeWritable, type WritableChunk, type WritableTarget } from "./writable.ts";

/** Notes what reaches the playback stream. */
class Target implements WritableTarget {
  readonly format = "s16";
  readonly frameBytes = 4;
  readonly bytes: number[] = [];
  readonly calls: string[] = [];
  ended = 0;
  readonly writable: WritableStream<WritableChunk> = makeWritable(this, () => this.ended++);

  write(frames: Uint8Array): Promise<void> {
    assert.equal(frames.byteLength % this.frameBytes, 0);
    this.bytes.push(...frames);
    return Promise.resolve();
  }

  drain(): Promise<void> {
    this.calls.push("drain");
    return Promise.resolve();
  }

  drop(): Promise<void> {
    this.calls.push("drop");
    return Promise.resolve();
  }
}

test("chunks of any kind and alignment are bytes in a row", async () => {
  const target = new Target();
  const writer = target.writable.getWriter();
  const odd = Uint8Array.of(0, 1, 2, 3).subarray(1);
  await writer.write(odd);
  await writer.write(Uint8Array.of(4, 5).buffer);
  await writer.write(new DataView(Uint8Array.of(0, 6, 7, 8, 0).buffer, 1, 3));
  await writer.write(new Int16Array(Uint8Array.of(9, 10, 11, 12).buffer));
  await writer.write(Buffer.from([]));
  await writer.close();
  assert.deepEqual(target.bytes, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  assert.deepEqual(target.calls, ["drain"]);
  assert.equal(target.ended, 1);
});

test("an incomplete last frame rejects the close, after what was complete is drained", async () => {
  const target = new Target();
  const writer = target.writable.getWriter();
  await writer.write(Uint8Array.of(1, 2, 3, 4, 5));
  await assert.rejects(writer.close(), RangeError);
  assert.deepEqual(target.bytes, [1, 2, 3, 4]);
  assert.deepEqual(target.calls, ["drain"]);
});

test("the typed array of another format is an error", async () => {
  for (const chunk of [new Float32Array(1), "text", 1, null]) {
    const target = new Target();
    const writer = target.writable.getWriter();
    writer.closed.catch(() => {});
    await assert.rejects(writer.write(chunk as unknown as ArrayBuffer), TypeError);
    assert.equal(target.ended, 1);
  }
});

test("an abort drops and does not drain", async () => {
  const target = new Target();
  await target.writable.abort();
  assert.deepEqual(target.calls, ["drop"]);
  assert.equal(target.ended, 1);
});

test("a stream of bytes can be piped into it", async () => {
  const target = new Target();
  await new Blob([new Uint8Array(4000).fill(7)]).stream().pipeTo(target.writable);
  assert.deepEqual(target.bytes, new Array(4000).fill(7));
});
