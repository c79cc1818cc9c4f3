/** What a program sees of sound servers that run, and of those that do not. */
import assert from "node:assert/strict";
import path from "node:path";
import process from "node:process";
import { listDevices, openPlayback, probeDevice } from "../../mod.ts";
import { root, test, withCode, within } from "../harness.ts";
import { run } from "../programs.ts";
import { accessesOf, pcmOf, serverNames, SoundServer } from "./sound_server.ts";

const limitMs = 60_000;
const openLimitMs = 5000;

/** The `halflap` command under the runtime of this test. */
async function halflap(...args: string[]): Promise<{ code: number | null; stdout: string }> {
  const main = path.join(root, "lib/cli/main.ts");
  const flags = process.versions.bun === undefined ? ["run", "--no-check", "--allow-all"] : [];
  const { code, stdout, stderr } = await run(process.execPath, [...flags, main, ...args]);
  assert.equal(stderr, "");
  return { code, stdout };
}

for (const name of serverNames) {
  const device = pcmOf[name];

  test(`${name} that does not run is an error at once, which says what to do`, async () => {
    const startMs = performance.now();
    await within(
      assert.rejects(openPlayback({ device }), (error: Error) => {
        withCode("ERR_HALFLAP_DEVICE_NOT_FOUND")(error);
        assert.match(error.message, /server/);
        return true;
      }),
      "openPlayback()",
      openLimitMs,
    );
    console.log(`| ${name} absent | ${(performance.now() - startMs).toFixed(0)} ms |`);
  }, limitMs);

  test(`${name} is probed, and is an error where it does not run`, async () => {
    await within(assert.rejects(probeDevice(device)), "probeDevice()", openLimitMs);
    await using _server = await SoundServer.start(name);
    const { pcmType, formats, access } = await within(
      probeDevice(device),
      "probeDevice()",
      openLimitMs,
    );
    assert.equal(pcmType, "ioplug");
    for (const format of ["s16", "s32", "f32"] as const) assert.ok(formats.includes(format));
    const granted = accessesOf[name].map((word) => access.some((one) => one.startsWith(word)));
    assert.deepEqual(granted, accessesOf[name].map(() => true));
  }, limitMs);

  test(`${name} is listed, and a list asks no server`, async () => {
    const find = async () => {
      const devices = await within(listDevices({ probe: true }), "listDevices()", openLimitMs);
      return devices.find((one) => one.device === device);
    };
    const absent = await find();
    assert.ok(absent !== undefined);
    await using _server = await SoundServer.start(name);
    assert.deepEqual(await find(), absent);
  }, limitMs);

  test(`the command plays on ${name}, lists it, and the doctor lives with it`, async () => {
    await using _server = await SoundServer.start(name);
    const devices = await halflap("devices", "--probe");
    assert.equal(devices.code, 0);
    assert.match(devices.stdout, new RegExp(`^${device}\\b`, "m"));
    const doctor = await halflap("doctor", "--json");
    const checks: readonly { status: string }[] = JSON.parse(doctor.stdout);
    const problems = checks.filter(({ status }) => status === "problem");
    assert.equal(doctor.code, problems.length > 0 ? 1 : 0);
    const played = await halflap(
      "play",
      "--tone",
      "440",
      "--seconds",
      "1",
      "--device",
      device,
      "--json",
    );
    assert.equal(played.code, 0);
  }, limitMs);
}
