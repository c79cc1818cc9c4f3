/** Cards are listed, probed and watched while they come, play and go. */
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { writeFileSync } from "node:fs";
import { chmod } from "node:fs/promises";
import process from "node:process";
import {
  type DeviceChange,
  type DeviceWatch,
  type HardwareDevice,
  inspectPcm,
  listDevices,
  openPlayback,
  probeDevice,
  silence,
  watchDevices,
} from "../../mod.ts";
import { eventually, root, sleep, test, withCode, within } from "../harness.ts";
import { finish, signal, start } from "../programs.ts";
import { type Driver, loadDriver, unloadDriver } from "./guest.ts";

const dummy = "hw:CARD=Dummy,DEV=0";

/** The card of a driver, for the length of an `await using` block. */
async function insert(driver: Driver, ...parameters: readonly string[]): Promise<AsyncDisposable> {
  await loadDriver(driver, ...parameters);
  return { [Symbol.asyncDispose]: () => unloadDriver(driver) };
}

async function findHardware(device: string, probe = false): Promise<HardwareDevice> {
  const devices = await listDevices({ probe });
  const found = devices.find((each) => each.device === device);
  assert.ok(found?.kind === "hardware", `"${device}" is not listed`);
  return found;
}

/** Stands for a program that holds a device. */
async function play(device: string): Promise<ChildProcess & AsyncDisposable> {
  const options = ["-q", "-D", device, "-f", "S16_LE", "-c", "2", "-r", "48000"];
  const child = start("aplay", [...options, "/dev/zero"]);
  const finished = finish(child, 60_000);
  while ((await findHardware(device)).playback?.holders.length === 0) await sleep(10);
  return Object.assign(child, {
    async [Symbol.asyncDispose]() {
      signal(child, "SIGTERM");
      await finished;
    },
  });
}

const told = ({ type, device, directions }: DeviceChange): string =>
  `${type} ${device.device} ${directions.join(" ")}`;

async function nextChange(devices: DeviceWatch): Promise<string> {
  const { done, value } = await within(devices.next(), "The next change");
  return done ? "end" : told(value);
}

test("a card is told when it comes, listed while it is there, and told when it goes", async () => {
  await using devices = watchDevices();
  const change = nextChange(devices);
  await sleep(50);
  assert.deepEqual((await listDevices()).filter(({ kind }) => kind === "hardware"), []);
  await loadDriver("snd-dummy", "pcm_devs=1");
  assert.equal(await change, `arrival ${dummy} playback capture`);
  const { card, deviceNumber, pcmName, playback, capture } = await findHardware(dummy);
  assert.deepEqual([card.id, card.driver, card.number], ["Dummy", "Dummy", 0]);
  assert.deepEqual([deviceNumber, pcmName], [0, "Dummy PCM"]);
  const free = { substreams: 8, freeSubstreams: 8, holders: [] };
  const nothing = { capabilities: undefined, probeError: undefined };
  assert.deepEqual([playback, capture], Array(2).fill({ ...free, ...nothing }));
  await unloadDriver("snd-dummy");
  assert.equal(await nextChange(devices), `removal ${dummy} playback capture`);
});

test("a card that comes back before anybody looked is told as another one", async () => {
  await loadDriver("snd-dummy");
  await using devices = watchDevices({ initial: true });
  assert.equal(await nextChange(devices), `arrival ${dummy} playback capture`);
  await unloadDriver("snd-dummy");
  await loadDriver("snd-dummy");
  assert.equal(await nextChange(devices), `removal ${dummy} playback capture`);
  assert.equal(await nextChange(devices), `arrival ${dummy} playback capture`);
  await unloadDriver("snd-dummy");
});

test("the id of a card stays when its number does not", async () => {
  await loadDriver("snd-aloop");
  await loadDriver("snd-dummy");
  assert.equal((await findHardware(dummy)).card.number, 1);
  await unloadDriver("snd-aloop");
  await unloadDriver("snd-dummy");
  await using _card = await insert("snd-dummy");
  const { device, card } = await findHardware(dummy);
  assert.equal(card.number, 0);
  await using out = await openPlayback({ device, format: "s16" });
  assert.equal(out.granted.pcmType, "hw");
});

test("hardware tells what it can do", async () => {
  await using _card = await insert("snd-aloop");
  const loopback = "hw:CARD=Loopback,DEV=0";
  const { playback, capture } = await findHardware(loopback, true);
  const capabilities = await probeDevice(loopback);
  assert.deepEqual(playback?.capabilities, capabilities);
  assert.deepEqual(capture?.capabilities, await probeDevice(loopback, { direction: "capture" }));
  assert.equal(capabilities.pcmType, "hw");
  assert.deepEqual(capabilities.formats, ["s16", "s24", "s24_3", "s32", "f32"]);
  assert.ok(capabilities.alsaFormats.includes("S16_BE"));
  assert.deepEqual(capabilities.rate, { min: 8000, max: 768_000 });
  assert.deepEqual(capabilities.channels, { min: 1, max: 32 });
  assert.deepEqual(capabilities.access, [
    "mmap-interleaved",
    "mmap-noninterleaved",
    "write-interleaved",
    "write-noninterleaved",
  ]);
  const { mmap, batch, canPause, canResume } = capabilities;
  assert.deepEqual([mmap, batch, canPause, canResume], ["real", false, true, true]);
  for (const { min, max } of [capabilities.periodFrames, capabilities.bufferFrames]) {
    assert.ok(min >= 1 && max > 48_000, `${min} to ${max}`);
  }
  assert.equal((await probeDevice("plughw:Loopback")).pcmType, "plug");
});

test("probing does not disturb a stream that plays on another substream", async () => {
  await using _card = await insert("snd-dummy", "pcm_substreams=2");
  // Longer than listing keeps the guest's only CPU from the stream's thread.
  const buffer = { periodFrames: 4096, periods: 16 };
  const options = { device: dummy, format: "s16", source: silence(), ...buffer } as const;
  await using out = await openPlayback(options);
  await eventually("playing", () => out.stats().framesPlayed > 0);
  const address = { card: "Dummy", device: 0, substream: 0 };
  const before = (await inspectPcm(address)).substreams[0]?.status?.triggerTimeMs;
  for (let count = 0; count < 50; count++) {
    const { playback } = await findHardware(dummy, true);
    assert.deepEqual([playback?.freeSubstreams, playback?.holders.length], [1, 1]);
    assert.equal(playback?.holders[0]?.pid, process.pid);
    assert.ok(playback.capabilities);
  }
  assert.notEqual(before, undefined);
  const after = (await inspectPcm(address)).substreams[0]?.status?.triggerTimeMs;
  assert.equal(after, before, "the device was started again");
  assert.equal(out.stats().xruns.count, 0);
  assert.equal(out.state, "running");
});

test("a busy device says who holds it, whatever it is called", async () => {
  await using _card = await insert("snd-dummy", "pcm_substreams=1");
  {
    await using holder = await play(dummy);
    const held = (name: string) =>
      new RegExp(`; ${name} is held by aplay \\(pid ${holder.pid}\\);`);
    const names: readonly [string, string][] = [
      ["hw:0,0", "hw:0,0"],
      [dummy, "hw:Dummy,0"],
      ["plughw:0", "hw:0,0"],
      ["sysdefault:Dummy", "hw:0,0"],
    ];
    for (const [device, name] of names) {
      const open = () => openPlayback({ device, format: "s16" });
      for (const attempt of [open, () => probeDevice(device)]) {
        await assert.rejects(attempt(), (error: Error) => {
          withCode("ERR_HALFLAP_DEVICE_BUSY")(error);
          assert.match(error.message, held(name));
          return true;
        });
      }
    }
    const { playback, capture } = await findHardware(dummy, true);
    assert.deepEqual(playback?.holders, [{ pid: holder.pid, name: "aplay" }]);
    assert.deepEqual([playback.freeSubstreams, playback.capabilities], [0, undefined]);
    withCode("ERR_HALFLAP_DEVICE_BUSY")(playback.probeError);
    assert.match(playback.probeError?.message ?? "", held("hw:Dummy,0"));
    assert.ok(capture?.capabilities, "the other direction is free");
  }
  await using out = await openPlayback({ device: dummy, format: "s16" });
  assert.equal(out.state, "prepared");
});

/** Lists as a user who owns nothing, and says so for each change. */
const watchingProgram = `
import { listDevices, watchDevices } from ${JSON.stringify(`${root}/mod.ts`)};
const hardware = (await listDevices()).filter(({ kind }) => kind === "hardware");
console.log("listed", hardware.length);
for await (const { type, device, directions } of watchDevices()) {
  console.log(type, device.device, directions.join(" "));
}
`;

test("a device comes when its permissions do, and goes with them", async () => {
  await using _card = await insert("snd-dummy");
  const nodes = ["controlC0", "pcmC0D0p", "pcmC0D0c"].map((name) => `/dev/snd/${name}`);
  for (const node of nodes) await chmod(node, 0o600);
  const program = "/tmp/watching.mjs";
  writeFileSync(program, watchingProgram, { mode: 0o644 });
  const flags = process.versions.bun === undefined ? ["run", "--allow-all", "--no-check"] : [];
  const nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
  const env = { HOME: "/tmp/nobody", DENO_DIR: "/tmp/nobody" };
  const command = [...nobody, process.execPath, ...flags, program];
  const child = start("setpriv", command, { env, input: null });
  let output = "";
  child.stdout?.on("data", (text: string) => output += text);
  const finished = finish(child, 60_000);
  const says = (line: string) =>
    eventually(`"${line}"`, () => output.trimEnd().split("\n").at(-1) === line);
  await says("listed 0");
  await sleep(500);
  for (const [index, node] of nodes.entries()) {
    await chmod(node, 0o666);
    const direction = ["", "playback", "capture"][index];
    if (direction !== "") await says(`arrival ${dummy} ${direction}`);
  }
  await chmod("/dev/snd/pcmC0D0p", 0o600);
  await says(`removal ${dummy} playback`);
  await chmod("/dev/snd/controlC0", 0o600);
  await says(`removal ${dummy} capture`);
  signal(child, "SIGTERM");
  const { stderr } = await finished;
  assert.equal(stderr, "");
});
