/** Channel maps are asked for, set, and read back from the device. */
import assert from "node:assert/strict";
import { openVirtualCard } from "../lib/testing/mod.ts";
import { type ChannelPosition, HalflapError, openPlayback, tone } from "../mod.ts";
import { assertSameBits, countingSamples, test, turns } from "./harness.ts";
import { assertRefused, rangeError, typeError, type Untyped } from "./wrong_values.ts";

type Map = readonly ChannelPosition[];

const stereo: Map = ["FL", "FR"];
const swapped: Map = ["FR", "FL"];
const surround: Map = ["FL", "FR", "RL", "RR", "FC", "LFE"];

async function assertMapRefused(device: string, channelMap: Map, message: RegExp): Promise<void> {
  await assert.rejects(openPlayback({ device, channelMap }), (error) => {
    assert.ok(error instanceof HalflapError);
    assert.equal(error.code, "ERR_HALFLAP_UNSUPPORTED_CHANNEL_MAP");
    assert.match(error.message, message);
    return true;
  });
}

test("a device without channel maps grants none, and refuses to be asked for one", async () => {
  await using card = await openVirtualCard();
  await using out = await openPlayback({ device: card.device });
  assert.equal(out.granted.channelMap, undefined);
  await assertMapRefused(card.device, stereo, /channel map FL FR; it offers: none/);
});

test("a device with fixed maps tells its own, and takes no other", async () => {
  await using card = await openVirtualCard({ channelMaps: "fixed" });
  const { device } = card;
  const maps: readonly [channels: number, Map | undefined][] = [
    [1, ["MONO"]],
    [2, stereo],
    [3, undefined],
    [6, surround],
  ];
  for (const [channels, expected] of maps) {
    await using out = await openPlayback({ device, channels });
    assert.deepEqual(out.granted.channelMap, expected);
  }
  await using asked = await openPlayback({ device, channelMap: surround });
  assert.deepEqual([asked.granted.channels, asked.granted.channelMap], [6, surround]);
  await assertMapRefused(device, swapped, /channel map FR FL; it offers: fixed MONO, fixed FL FR,/);
});

test("a device with variable maps takes every order of its positions, and no others", async () => {
  await using card = await openVirtualCard({ channelMaps: "variable", channels: { max: 2 } });
  const { device } = card;
  for (const channelMap of [stereo, swapped]) {
    await using out = await openPlayback({ device, channels: 2, channelMap });
    assert.deepEqual(out.granted.channelMap, channelMap);
  }
  const offers = /it offers: variable MONO, variable FL FR; put/;
  for (const channelMap of [["FL", "FL"], ["FL", "RR"], ["NA", "FR"]] as const) {
    await assertMapRefused(device, channelMap, offers);
  }
  await using next = await openPlayback({ device });
  assert.deepEqual(next.granted.channelMap, stereo, "the map belongs to the stream before");
});

test("a map changes what channels are for, and no sample", async () => {
  await using card = await openVirtualCard({ channelMaps: "variable" });
  const { device } = card;
  await using out = await openPlayback({ device, channelMap: swapped, format: "s32" });
  const samples = countingSamples(2000);
  const played = out.write(samples).then(() => out.drain());
  await card.advance(10_000);
  await played;
  assertSameBits(card.played().subarray(0, samples.length), samples);
});

test("a stream with a native source takes a map as well", async () => {
  await using card = await openVirtualCard({ channelMaps: "fixed" });
  const source = tone({ frequencyHz: 440 });
  await using out = await openPlayback({ device: card.device, source, channelMap: surround });
  assert.equal(out.granted.channels, 6);
  await turns();
});

test("channel maps that make no sense are refused before the device is opened", async () => {
  await using card = await openVirtualCard({ channelMaps: "variable" });
  const { device } = card;
  const open: Untyped = (options) => (openPlayback as Untyped)({ device, ...options as object });
  const positions = typeError('"channelMap"', '"FL"', '"BRC"');
  await assertRefused(open, [
    ...[null, "FL FR", {}, 2].map((value) =>
      [{ channelMap: value }, typeError('"channelMap"', "array")] as const
    ),
    [{ channelMap: [] }, rangeError('"channelMap"', "1 to 32", "0")],
    [{ channelMap: Array(33).fill("FL") }, rangeError('"channelMap"', "1 to 32", "33")],
    [{ channelMap: ["FL", "fr"] }, positions],
    [{ channelMap: ["UNKNOWN"] }, positions],
    [{ channelMap: [3, 4] }, positions],
    [{ channelMap: stereo, channels: 6 }, rangeError('"channelMap"', '6 "channels"', "2")],
  ]);
  assert.equal(card.status().substreams, 0);
});
