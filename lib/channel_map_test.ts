import assert from "node:assert/strict";
import { test } from "node:test";
import {
  checkChannelMap,
  packChannelMap,
  parseChannelMap,
  parseOfferedChannelMaps,
} from "./channel_map.ts";

test("positions that can be asked for are accepted", () => {
  assert.deepEqual(checkChannelMap(["FL", "FR"]), ["FL", "FR"]);
  assert.equal(checkChannelMap(Array(32).fill("NA")).length, 32);
});

test("what is no channel map is refused", () => {
  for (const value of [null, "FL FR", {}, 2, new Set(["FL"])]) {
    assert.throws(() => checkChannelMap(value), /^TypeError: "channelMap" must be an array/);
  }
  for (const value of [[], Array(33).fill("FL")]) {
    assert.throws(() => checkChannelMap(value), /^RangeError: "channelMap" must have 1 to 32/);
  }
  for (const value of ["fl", "UNKNOWN", "", 3, undefined, null]) {
    assert.throws(() => checkChannelMap(["FL", value]), /^TypeError: "channelMap" must be one of/);
  }
  assert.throws(() => checkChannelMap(Array(2)), /^TypeError: "channelMap" must be one of/);
});

test("positions are packed by four into the fields of a record", () => {
  const record = new Float64Array(10);
  packChannelMap(record, 1, ["FL", "FR", "RL", "BRC", "LFE"]);
  const bytes = 3 + 4 * 2 ** 8 + 5 * 2 ** 16 + 36 * 2 ** 24;
  assert.deepEqual([...record], [0, bytes, 8, 0, 0, 0, 0, 0, 0, 0]);
});

test("texts of the engine are taken apart", () => {
  assert.equal(parseChannelMap(""), undefined);
  assert.deepEqual(parseChannelMap("FL FR LFE"), ["FL", "FR", "LFE"]);
  assert.deepEqual(parseOfferedChannelMaps(""), []);
  assert.deepEqual(parseOfferedChannelMaps("fixed MONO\npaired FL FR RL RR"), [
    { kind: "fixed", positions: ["MONO"] },
    { kind: "paired", positions: ["FL", "FR", "RL", "RR"] },
  ]);
  assert.throws(() => parseChannelMap("FL XX"), /"XX"/);
});
