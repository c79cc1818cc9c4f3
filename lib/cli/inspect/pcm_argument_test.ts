import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePcmArgument } from "./pcm_argument.ts";

test("PCM is named as ALSA names it", () => {
  const cases = {
    "hw:0": [0, 0, undefined],
    "hw:1,3": [1, 3, undefined],
    "hw:1,3,2": [1, 3, 2],
    "plughw:1,3": [1, 3, undefined],
    "hw:PCH,3": ["PCH", 3, undefined],
    "hw:CARD=PCH": ["PCH", 0, undefined],
    "hw:CARD=PCH,DEV=3": ["PCH", 3, undefined],
    "hw:DEV=3,CARD=1,SUBDEV=7": [1, 3, 7],
    "hw:PCH,DEV=3": ["PCH", 3, undefined],
  };
  for (const [text, expected] of Object.entries(cases)) {
    const { card, device, substream } = parsePcmArgument(text);
    assert.deepEqual([card, device, substream], expected, text);
  }
});

test("other names are wrong usage", () => {
  const names = [
    ...["", "hw", "hw:", "hw:,0", "default", "virtual", "hw:0,", "hw:0,x", "hw:0,-1", "hw:0,1.5"],
    ...["hw:0,0,0,0", "hw:CARD=0,CARD=1", "hw:0,CARD=1", "hw:0,SUB=1", "hw:0,12345", "hw:0,0x1"],
  ];
  for (const name of names) {
    assert.throws(() => parsePcmArgument(name), { name: "UsageError" }, name);
  }
});
