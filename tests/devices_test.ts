/** Devices are listed, probed and watched, on a machine with or without sound cards. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { engineCounters, openVirtualCard } from "../lib/testing/mod.ts";
import { type DeviceWatch, listDevices, openPlayback, probeDevice, watchDevices } from "../mod.ts";
import {
  assertNothingLeaks,
  eventually,
  handled,
  root,
  runModule,
  sleep,
  test,
  turns,
  watch as watchPromise,
  withCode,
} from "./harness.ts";
import { runOrFail, temporaryFolder } from "./programs.ts";
import {
  assertRefused,
  type Case,
  inOption,
  objectCases,
  typeError,
  type Untyped,
  wordCases,
} from "./wrong_values.ts";

const configuration = `
pcm.speaker {
  type null
  hint.description "Loudspeaker
in the hall"
}
pcm.mapped {
  type null
  chmap [ "FL,FR" "FL,FR,RL,RR" ]
  hint.description "Four loudspeakers"
}
pcm.mono {
  type plug
  slave { pcm speaker format S16_LE channels 1 rate 44100 }
}
`;

const listingProgram = `
import { HalflapError, listDevices, openPlayback, probeDevice } from ${
  JSON.stringify(`${root}/mod.ts`)
};
const tryOpen = async (device, channelMap) => {
  try {
    await using out = await openPlayback({ device, ...(channelMap && { channelMap }) });
    return out.granted.channelMap ?? "none";
  } catch (error) {
    return error.code + error.message;
  }
};
console.log(JSON.stringify({
  listed: await listDevices(),
  speaker: await probeDevice("speaker"),
  microphone: await probeDevice("speaker", { direction: "capture" }),
  mono: await probeDevice("mono"),
  maps: (await probeDevice("mapped")).channelMaps,
  granted: await tryOpen("mapped"),
  wanted: await tryOpen("mapped", ["FL", "FR", "RL", "RR"]),
  refused: await tryOpen("mapped", ["RL", "RR", "FL", "FR"]),
  unmapped: await tryOpen("speaker"),
}));
`;

/** Runs a program under this runtime with an ALSA configuration of its own. */
async function runWithConfiguration(code: string) {
  await using folder = await temporaryFolder();
  const [program, conf] = ["program.mjs", "asound.conf"].map((name) =>
    path.join(folder.path, name)
  ) as [string, string];
  writeFileSync(program, code);
  writeFileSync(conf, configuration);
  const flags = process.versions.bun === undefined ? ["run", "--allow-all", "--no-check"] : [];
  const env = { ALSA_CONFIG_PATH: conf };
  return JSON.parse((await runOrFail(process.execPath, [...flags, program], { env })).stdout);
}

test("names of the configuration are listed with what it says of them", async () => {
  const { listed } = await runWithConfiguration(listingProgram);
  assert.deepEqual(
    listed.filter(({ kind }: { kind: string }) => kind === "configuration"),
    [
      {
        kind: "configuration",
        device: "speaker",
        description: "Loudspeaker, in the hall",
        directions: ["playback", "capture"],
      },
      {
        kind: "configuration",
        device: "mapped",
        description: "Four loudspeakers",
        directions: ["playback", "capture"],
      },
    ],
  );
});

test("a name of the configuration can be probed, in both directions", async () => {
  const { speaker, microphone, mono } = await runWithConfiguration(listingProgram);
  for (const device of [speaker, microphone]) {
    assert.deepEqual([device.pcmType, device.mmap], ["null", "emulated"]);
    assert.ok(device.formats.includes("f32") && device.alsaFormats.includes("S16_BE"));
    assert.ok(device.access.includes("mmap-interleaved"));
    assert.deepEqual(device.channelMaps, []);
  }
  assert.equal(mono.pcmType, "plug");
  assert.ok(mono.channels.min === 1 && mono.channels.max > 2, "plug converts channels");
});

test("channel maps of the configuration are offered, granted and insisted on", async () => {
  const { maps, granted, wanted, refused, unmapped } = await runWithConfiguration(listingProgram);
  assert.deepEqual(maps, [
    { kind: "fixed", positions: ["FL", "FR"] },
    { kind: "fixed", positions: ["FL", "FR", "RL", "RR"] },
  ]);
  assert.deepEqual(granted, ["FL", "FR"]);
  assert.deepEqual(wanted, ["FL", "FR", "RL", "RR"]);
  assert.match(refused, /^ERR_HALFLAP_UNSUPPORTED_CHANNEL_MAP.*RL RR FL FR.*fixed FL FR RL RR/);
  assert.equal(unmapped, "none");
});

test("the virtual card is always listed, behind all others", async () => {
  const devices = await listDevices({ probe: true });
  const { kind, device, directions } = devices.at(-1)!;
  assert.deepEqual([kind, device, directions], ["virtual", "virtual", ["playback"]]);
  assert.equal(devices.filter((each) => each.kind === "virtual").length, 1);
  await using out = await openPlayback({ device });
  assert.equal(out.granted.device, device);
});

test("a virtual card tells its limits, and nothing happens on it", async () => {
  await using card = await openVirtualCard({
    formats: ["s16", "f32"],
    access: ["mmap-noninterleaved", "write-interleaved"],
    rate: { min: 8000, max: 48_000 },
    channels: { min: 2, max: 6 },
    periodFrames: { min: 100, max: 1000 },
    periods: { min: 2, max: 8 },
    substreams: 1,
    batch: true,
    canPause: false,
    channelMaps: "variable",
  });
  await using out = await openPlayback({ device: card.device });
  const capabilities = await probeDevice(card.device);
  assert.deepEqual(capabilities, {
    pcmType: "ioplug",
    formats: ["s16", "f32"],
    alsaFormats: ["S16_LE", "FLOAT_LE"],
    rate: { min: 8000, max: 48_000 },
    usualRates: [8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000],
    channels: { min: 2, max: 6 },
    periodFrames: { min: 100, max: 1000 },
    periods: { min: 2, max: 8 },
    bufferFrames: { min: 200, max: 8000 },
    access: ["mmap-noninterleaved", "write-interleaved"],
    mmap: "emulated",
    batch: true,
    canPause: false,
    canResume: true,
    canDisablePeriodWakeup: false,
    channelMaps: [
      { kind: "variable", positions: ["FL", "FR"] },
      { kind: "variable", positions: ["FL", "FR", "RL", "RR"] },
      { kind: "variable", positions: ["FL", "FR", "RL", "RR", "FC", "LFE"] },
    ],
  });
  assert.equal(card.status().substreams, 1);
  assert.equal(out.state, "prepared");
});

test("a device that cannot be probed is a typed error that names it", async () => {
  await assert.rejects(probeDevice("nonexistent"), (error: Error) => {
    withCode("ERR_HALFLAP_DEVICE_NOT_FOUND")(error);
    assert.match(error.message, /^Cannot probe "nonexistent": snd_pcm_open: /);
    return true;
  });
  const direction = "capture";
  const playsOnly = withCode("ERR_HALFLAP_DEVICE_NOT_FOUND");
  await assert.rejects(probeDevice("virtual", { direction }), playsOnly);
  for (const device of ["virtual:", "virtual:0", "virtual:1", "virtual:x"]) {
    await assert.rejects(probeDevice(device), withCode("ERR_HALFLAP_DEVICE_NOT_FOUND"));
  }
});

const list = listDevices as Untyped;
const probe = probeDevice as Untyped;
const watch = watchDevices as Untyped;
const wrongBooleans = [null, 0, 1, "true", {}, []];
const wrongSignals = [null, 0, "abort", {}, new AbortController()];

const booleanCases = (name: string): Case[] =>
  wrongBooleans.map((value) => [value, typeError(`"${name}"`, "true or false")]);
const signalCases = wrongSignals.map((value): Case => [value, typeError('"signal"')]);

test("wrong options are refused by their names", async () => {
  await assertRefused(list, objectCases("probe", "signal"));
  await assertRefused(list, inOption("probe", booleanCases("probe")));
  await assertRefused(list, inOption("signal", signalCases));
  const probeVirtual: Untyped = (options) => probe("virtual", options);
  await assertRefused(probeVirtual, objectCases("direction", "signal"));
  const directions = wordCases("direction", ["playback", "capture"]);
  await assertRefused(probeVirtual, inOption("direction", directions));
  await assertRefused(probeVirtual, inOption("signal", signalCases));
  await assertRefused(watch, objectCases("initial", "signal"));
  await assertRefused(watch, inOption("initial", booleanCases("initial")));
  await assertRefused(watch, inOption("signal", signalCases));
  const wrongDevices = [undefined, null, 0, "", "x\0", "x".repeat(256)];
  for (const device of wrongDevices) {
    await assert.rejects(async () => await probe(device), /^(?:Type|Range)Error: "device" must be/);
  }
});

test("an abort at any moment of a query rejects with its reason", async () => {
  const reason = new Error("changed my mind");
  const isReason = (error: unknown) => error === reason;
  await assert.rejects(listDevices({ signal: AbortSignal.abort(reason) }), isReason);
  for (let delay = 0; delay < 20; delay++) {
    const controller = new AbortController();
    const { signal } = controller;
    const queries = [listDevices({ probe: true, signal }), probeDevice("null", { signal })];
    const settled = Promise.allSettled(queries);
    if (delay % 2 === 0) await turns(delay / 2);
    controller.abort(reason);
    for (const result of await settled) {
      if (result.status === "rejected") assert.equal(result.reason, reason);
    }
  }
});

test("many queries at once are all answered", async () => {
  const queries = Array.from(
    { length: 50 },
    (_, index) =>
      index % 2 === 0
        ? listDevices().then((devices) => devices.at(-1)?.device)
        : probeDevice("virtual").then(({ pcmType }) => pcmType),
  );
  const results = await Promise.all(queries);
  results.forEach((result, index) => assert.equal(result, index % 2 === 0 ? "virtual" : "ioplug"));
});

/** A watch whose first `next()` waits for a change. */
/** Waits until so many watches have listed what there is; a realm and no query are left beside them. */
const watching = (watches: number): Promise<void> =>
  eventually("watching", () => engineCounters().handles === 1 + watches);

async function startWatch(devices: DeviceWatch) {
  const next = handled(devices.next());
  await watching(1);
  await turns();
  return { next, watched: watchPromise(next) };
}

test("a watch holds nothing before it begins, and nothing after return()", async () => {
  const devices = watchDevices();
  await assertNothingLeaks();
  const { next, watched } = await startWatch(devices);
  assert.equal(watched.state, "pending");
  assert.ok(engineCounters().descriptors >= 2);
  assert.deepEqual(await devices.return(), { done: true, value: undefined });
  assert.deepEqual(await next, { done: true, value: undefined });
  await assertNothingLeaks();
  assert.deepEqual(await devices.next(), { done: true, value: undefined });
  assert.deepEqual(await devices.return(), { done: true, value: undefined });
});

test("a watch that is ended before it began, or while it begins, ends", async () => {
  const never = watchDevices();
  await never.return();
  assert.deepEqual(await never.next(), { done: true, value: undefined });
  for (let count = 0; count < 20; count++) {
    const devices = watchDevices({ initial: count % 2 === 0 });
    const next = handled(devices.next());
    await turns(count / 2);
    await devices.return();
    await next;
  }
  {
    await using devices = watchDevices();
    await startWatch(devices);
  }
  await assertNothingLeaks();
});

test("several next() of one watch wait in order, and all end with it", async () => {
  const devices = watchDevices();
  const waiting = [devices.next(), devices.next(), devices.next()];
  await watching(1);
  await devices.return();
  assert.deepEqual(await Promise.all(waiting), Array(3).fill({ done: true, value: undefined }));
});

test("an aborted watch throws the reason once, and is over", async () => {
  const reason = new Error("enough");
  const controller = new AbortController();
  const devices = watchDevices({ signal: controller.signal });
  const { next } = await startWatch(devices);
  controller.abort(reason);
  await assert.rejects(next, (error) => error === reason);
  assert.deepEqual(await devices.next(), { done: true, value: undefined });
  await devices.return();
  await assertNothingLeaks();

  const aborted = watchDevices({ signal: AbortSignal.abort(reason) });
  await assert.rejects(aborted.next(), (error) => error === reason);
  await assert.rejects(async () => {
    for await (const change of watchDevices({ signal: AbortSignal.abort(reason) })) {
      assert.fail(`${change.type} after an abort`);
    }
  }, (error) => error === reason);
});

test("watches do not disturb each other, nor a stream", async () => {
  const first = watchDevices();
  const second = watchDevices();
  const waiting = [handled(first.next()), handled(second.next())];
  await watching(2);
  await using out = await openPlayback({ device: "virtual", format: "s16", channels: 1 });
  await first.return();
  await out.write(new Int16Array(9600));
  await eventually("playing", () => out.stats().framesPlayed > 0);
  assert.equal(engineCounters().handles >= 3, true);
  await out.close();
  await second.return();
  await Promise.all(waiting);
});

test("waiting for a change keeps the process alive, and return() lets it end", async () => {
  const code = `
    const { watchDevices } = await import(${JSON.stringify(`${root}/mod.ts`)});
    const devices = watchDevices();
    setTimeout(() => devices.return(), 300);
    for await (const change of devices) console.log(change.type);
    console.log("ended");`;
  const { code: exitCode, stdout, stderr } = await runModule(code, 15_000);
  assert.deepEqual([exitCode, stdout.trim().split("\n").at(-1)], [0, "ended"], stderr);
});

test("a hundred queries and watches leave no thread and no descriptor", async () => {
  for (let count = 0; count < 100; count++) {
    const devices = watchDevices();
    const next = devices.next();
    await listDevices();
    await sleep(0);
    await devices.return();
    await next;
  }
  await assertNothingLeaks();
});
