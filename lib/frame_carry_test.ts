import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FrameCarry } from "./frame_carry.ts";

const bytes = fc.uint8Array({ maxLength: 100 });

test("whatever the chunks, the frames are whole and hold the same bytes in the same order", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 64 }), fc.array(bytes), (frameBytes, chunks) => {
      const carry = new FrameCarry(frameBytes);
      const pushed: number[] = [];
      const framed: number[] = [];
      for (const chunk of chunks) {
        pushed.push(...chunk);
        for (const frames of carry.push(chunk)) {
          assert.ok(frames.byteLength > 0 && frames.byteLength % frameBytes === 0);
          framed.push(...frames);
        }
        assert.equal(carry.carriedBytes, pushed.length - framed.length);
        assert.ok(carry.carriedBytes < frameBytes);
      }
      assert.deepEqual(framed, pushed.slice(0, framed.length));
    }),
  );
});

test("whole frames are not copied", () => {
  const chunk = new Uint8Array(14).subarray(1);
  const [frames] = [...new FrameCarry(4).push(chunk)];
  assert.equal(frames?.buffer, chunk.buffer);
  assert.equal(frames?.byteOffset, 1);
  assert.equal(frames?.byteLength, 12);
});
