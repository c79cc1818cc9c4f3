/** The example of telephone calls: what is heard of them, and that it runs as it stands. */
import assert from "node:assert/strict";
import process from "node:process";
import * as alaw from "alawmulaw/lib/alaw.js";
import * as mulaw from "alawmulaw/lib/mulaw.js";
import { Call, PACKET_FRAMES, tonePacket } from "../examples/calls.ts";
import { openVirtualCard, type VirtualCard } from "../lib/testing/mod.ts";
import { advanceUntil, assertSameBits, root, test } from "./harness.ts";
import { runOrFail } from "./programs.ts";

const packetMs = 20;
// The jitter buffer holds four packets, of which one is being played.
const latestMs = 50;

const openCard16k = (): Promise<VirtualCard> =>
  openVirtualCard({ rate: { min: 16_000, max: 16_000 } });

/** Packets of noise, each different from all others. */
const noisyPackets = (count: number): Uint8Array[] =>
  Array.from(
    { length: count },
    (_, packet) =>
      Uint8Array.from({ length: PACKET_FRAMES }, (_, frame) => (37 * packet + 101 * frame) % 256),
  );

const decoded = (packets: readonly Uint8Array[]): Int16Array =>
  Int16Array.from(packets.flatMap((packet) => [...alaw.decode(packet)]));

/** Receives packets as they come, one every 20 ms. */
async function receiveAll(call: Call, card: VirtualCard, packets: readonly Uint8Array[]) {
  for (const packet of packets) {
    assert.equal(call.receive(packet), PACKET_FRAMES);
    await card.advanceMs(packetMs);
  }
}

test("a call is heard bit for bit, and on time although packets are late", async () => {
  await using card = await openCard16k();
  await using call = await Call.open({ codec: "alaw", device: card.device });
  const packets = noisyPackets(30);
  await receiveAll(call, card, packets.slice(0, 20));
  // Those that were held up on their way come at once.
  await card.advanceMs(latestMs);
  for (const packet of packets.slice(20, 23)) assert.equal(call.receive(packet), PACKET_FRAMES);
  await receiveAll(call, card, packets.slice(23));
  assert.equal(call.stats().xruns.count, 0);
  const played = card.played() as Int16Array;
  assert.ok(played.length > 26 * PACKET_FRAMES, `${played.length} frames were played`);
  assertSameBits(played, decoded(packets).subarray(0, played.length));
});

test("a call on hold wakes no thread up, plays no packet, and goes on afterwards", async () => {
  await using card = await openCard16k();
  await using call = await Call.open({ codec: "alaw", device: card.device });
  const packets = noisyPackets(20);
  await receiveAll(call, card, packets.slice(0, 10));
  await advanceUntil(card, call.hold());
  const { wakeUps, framesAccepted } = call.stats();
  for (let packet = 0; packet < 500; packet++) {
    assert.equal(call.receive(packets[0]!), 0);
    await card.advanceMs(packetMs);
  }
  assert.equal(call.stats().wakeUps, wakeUps);
  assert.equal(call.stats().framesAccepted, framesAccepted);
  call.unhold();
  await receiveAll(call, card, packets.slice(10));
  assert.equal(call.stats().framesAccepted, 20 * PACKET_FRAMES);
  assert.ok(call.stats().wakeUps > wakeUps);
  // It has its jitter buffer again.
  await card.advanceMs(latestMs);
  assert.equal(call.stats().xruns.count, 0);
});

test("the tone of one packet goes on in the next, in both codes", () => {
  for (const [codec, { decode }] of Object.entries({ alaw, mulaw })) {
    const samples = decode(tonePacket(codec as "alaw" | "mulaw"));
    const joined = [...samples, ...samples];
    const steps = joined.slice(1).map((sample, index) => Math.abs(sample - joined[index]!));
    assert.ok(Math.max(...samples) > 7000, codec);
    assert.ok(steps[PACKET_FRAMES - 1]! <= Math.max(...steps.slice(0, PACKET_FRAMES - 1)), codec);
  }
});

test("the program says what ten calls take, and needs to be permitted native code alone", async () => {
  const flags = process.versions.bun === undefined ? ["run", "--no-prompt", "--allow-ffi"] : [];
  const { stdout, stderr } = await runOrFail(
    process.execPath,
    [...flags, "examples/calls.ts", "10", "1"],
    { cwd: root },
  );
  assert.equal(stderr, "");
  assert.match(stdout, /^9 calls on hold, 1 talks: \d+\.\d\d % of a processor\n\d+ frames/);
});
