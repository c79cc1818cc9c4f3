import assert from "node:assert/strict";
import { test } from "node:test";
import { changesBetween } from "./changes.ts";
import type { FoundHardware } from "./device.ts";

const direction = {
  substreams: 1,
  freeSubstreams: 1,
  holders: [],
  capabilities: undefined,
  probeError: undefined,
};

function found(device: string, inodes: FoundHardware["inodes"]): FoundHardware {
  const { playback, capture } = inodes;
  return {
    device: {
      kind: "hardware",
      device,
      description: device,
      directions: (["playback", "capture"] as const).filter((each) => inodes[each] !== undefined),
      card: { number: 0, id: device, driver: "", name: "", longName: "" },
      deviceNumber: 0,
      pcmId: "",
      pcmName: "",
      playback: playback === undefined ? undefined : direction,
      capture: capture === undefined ? undefined : direction,
    },
    inodes,
  };
}

const told = (before: FoundHardware[], now: FoundHardware[]): string[] =>
  changesBetween(before, now).map(({ type, device, directions }) =>
    `${type} ${device.device} ${directions.join(" ")}`
  );

const first = found("first", { playback: 1, capture: 2 });
const second = found("second", { playback: 3 });

test("same devices are no change", () => {
  assert.deepEqual(told([], []), []);
  assert.deepEqual(told([first, second], [second, first]), []);
});

test("devices that come and go are told, removals first", () => {
  assert.deepEqual(told([], [first, second]), [
    "arrival first playback capture",
    "arrival second playback",
  ]);
  assert.deepEqual(told([first], [second]), [
    "removal first playback capture",
    "arrival second playback",
  ]);
});

test("device that another one took the place of is told, although it has the same name", () => {
  const successor = found("first", { playback: 7, capture: 8 });
  assert.deepEqual(told([first], [successor]), [
    "removal first playback capture",
    "arrival first playback capture",
  ]);
  const [removal, arrival] = changesBetween([first], [successor]);
  assert.equal(removal?.device, first.device);
  assert.equal(arrival?.device, successor.device);
});

test("directions that are permitted one after the other are told one after the other", () => {
  const half = found("first", { playback: 1 });
  assert.deepEqual(told([half], [first]), ["arrival first capture"]);
  assert.deepEqual(told([first], [half]), ["removal first capture"]);
});
