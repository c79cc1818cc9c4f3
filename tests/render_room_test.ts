/**
 * Who renders in place and the stream that plays it never both wait for each other.
 *
 * @module
 */

import assert from "node:assert/strict";
import { mapped, openPlayback, type PlaybackMapped, render } from "../mod.ts";
import { openVirtualCard } from "../lib/testing/mod.ts";
import { monoSource, test, watch } from "./harness.ts";

function commit(out: PlaybackMapped, frames: number): void {
  for (let left = frames; left > 0;) {
    const block = out.begin(left);
    assert.ok(block, `no room for ${left} frames`);
    left -= out.commit(block.frames);
  }
}

for (const access of ["mmap", "write"] as const) {
  test(`a stream by ${access} starts although more room is waited for than there is`, async () => {
    await using card = await openVirtualCard();
    const options = { ...monoSource, access, device: card.device, source: mapped() };
    await using out = await openPlayback(options);
    commit(out, 330);
    assert.equal(out.state, "prepared");
    const room = out.waitForRoom(100);
    await card.advance(200);
    await room;
    assert.equal(out.state, "running");
    assert.equal(out.stats().xruns.count, 0);
  });
}

test("what is rendered is played although it does not fill the room that there is", async () => {
  await using card = await openVirtualCard();
  await using out = await openPlayback({ ...monoSource, device: card.device, source: mapped() });
  commit(out, 400);
  for (let turn = 0; turn < 50; turn++) {
    const room = watch(out.waitForRoom(130));
    while (room.state === "pending") await card.advance(10);
    commit(out, 130);
  }
  assert.equal(out.stats().xruns.count, 0);
});

for (const access of ["mmap", "write"] as const) {
  test(`a callback is called on after late wake-ups that leave parts of periods, by ${access}`, async () => {
    await using card = await openVirtualCard();
    let rendered = 0;
    const source = render<"s32">(({ samples }) => {
      samples.fill(1);
      rendered++;
    });
    await using out = await openPlayback({ ...monoSource, access, device: card.device, source });
    for (let turn = 0; turn < 20; turn++) {
      await card.advance(50 + 37 * turn);
      card.injectFault({ kind: "late-wake-up", ms: 20 + turn });
      await card.advance(3000);
    }
    assert.equal(out.stats().xruns.scheduling, 20);
    const before = rendered;
    await card.advance(3000);
    assert.equal(out.state, "running");
    assert.ok(rendered - before >= 28, `${rendered - before} periods`);
  });
}
