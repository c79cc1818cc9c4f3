import assert from "node:assert/strict";
import { test } from "node:test";
import type { DeviceCapabilities } from "../devices/capabilities.ts";
import {
  type DeviceDirection,
  type HardwareDevice,
  type NamedDevice,
  VIRTUAL_DEVICE,
} from "../devices/device.ts";
import { HalflapError } from "../errors.ts";
import { devicesText } from "./devices_text.ts";

const capabilities: DeviceCapabilities = {
  pcmType: "hw",
  formats: ["s16", "s32"],
  alsaFormats: ["S16_LE", "S32_LE", "S32_BE"],
  rate: { min: 44_100, max: 96_000 },
  usualRates: [44_100, 48_000, 96_000],
  channels: { min: 2, max: 2 },
  periodFrames: { min: 32, max: 8192 },
  periods: { min: 2, max: 32 },
  bufferFrames: { min: 64, max: 16_384 },
  access: ["mmap-interleaved", "write-interleaved"],
  mmap: "real",
  batch: true,
  canPause: true,
  canResume: false,
  canDisablePeriodWakeup: false,
  channelMaps: [{ kind: "fixed", positions: ["FL", "FR"] }],
};
const free: DeviceDirection = {
  substreams: 1,
  freeSubstreams: 1,
  holders: [],
  capabilities: undefined,
  probeError: undefined,
};

function hardware(playback: Partial<DeviceDirection>): HardwareDevice {
  return {
    kind: "hardware",
    device: "hw:CARD=PCH,DEV=0",
    description: "HDA Intel PCH, ALC283 Analog",
    directions: ["playback"],
    card: { number: 0, id: "PCH", driver: "HDA-Intel", name: "HDA Intel PCH", longName: "" },
    deviceNumber: 0,
    pcmId: "ALC283 Analog",
    pcmName: "ALC283 Analog",
    playback: { ...free, ...playback },
    capture: undefined,
  };
}

const linesOf = (...devices: Parameters<typeof devicesText>[0]): string[] =>
  devicesText(devices).trimEnd().split("\n");

test("default and virtual are listed where there is nothing else", () => {
  assert.deepEqual(linesOf(VIRTUAL_DEVICE), [
    "default  The system's default: its sound server or its first card",
    "virtual  A virtual card, which needs no hardware and can be recorded",
  ]);
});

test("what the configuration says of default is said of it", () => {
  const ours: NamedDevice = {
    kind: "configuration",
    device: "default",
    description: "Playback through PipeWire",
    directions: ["playback", "capture"],
  };
  assert.deepEqual(linesOf(ours), ["default  Playback through PipeWire"]);
});

test("devices that only record are left out", () => {
  const { playback: capture, ...rest } = hardware({});
  const microphone: HardwareDevice = {
    ...rest,
    directions: ["capture"],
    playback: undefined,
    capture,
  };
  assert.equal(linesOf(microphone).length, 1);
});

test("hardware is told with who uses it", () => {
  const texts: readonly [Partial<DeviceDirection>, string][] = [
    [{}, ""],
    [{ freeSubstreams: 0 }, "; busy"],
    [{ freeSubstreams: 0, holders: [{ pid: 41, name: "aplay" }] }, "; in use by aplay (41)"],
    [
      { freeSubstreams: 7, holders: [{ pid: 41, name: "aplay" }, { pid: 0, name: "" }] },
      "; in use by aplay (41), a process that cannot be seen from here, 7 more free",
    ],
  ];
  for (const [playback, text] of texts) {
    const line = "hw:CARD=PCH,DEV=0  HDA Intel PCH, ALC283 Analog: the hardware itself";
    assert.equal(linesOf(hardware(playback)).at(-1), line + text);
  }
});

test("what the hardware can do, or why it cannot be asked, is below it", () => {
  assert.deepEqual(linesOf(hardware({ capabilities })).slice(2), [
    "    formats       S16_LE S32_LE S32_BE",
    "    rates         44100 to 96000 Hz: 44100 48000 96000",
    "    channels      2",
    "    channel maps  FL FR (fixed)",
    "    period        32 to 8192 frames",
    "    buffer        64 to 16384 frames, 2 to 32 periods",
    "    access        mmap-interleaved write-interleaved",
    "    hardware      real mmap, batch, can pause",
  ]);
  const probeError = new HalflapError("All its substreams are in use", {
    code: "ERR_HALFLAP_DEVICE_BUSY",
  });
  assert.deepEqual(linesOf(hardware({ probeError })).slice(2), [
    "    All its substreams are in use",
  ]);
});
