import assert from "node:assert/strict";
import { test } from "node:test";
import { linux61, sample } from "../../tests/asound_samples.ts";
import { parsePcmInfo } from "./pcm_info.ts";

test("info of a PCM", () => {
  assert.deepEqual(parsePcmInfo(sample(linux61, "card0/pcm0p/info")), {
    id: "Generic Analog",
    name: "Generic Analog",
    deviceClass: 0,
    deviceSubclass: 0,
    substreams: 1,
    substreamsAvailable: 0,
    unknown: [],
  });
});

test("names can have colons in them", () => {
  assert.equal(parsePcmInfo("name: A: B\n").name, "A: B");
});
