/**
 * What the tests that run in a kernel of their own share: its drivers, its files in /proc/asound, and
 * a recording of what snd-aloop played.
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import process from "node:process";
import { inspectPcm, type SampleFormat, type SubstreamInspection } from "../../mod.ts";
import { eventually, samplesFrom, sleep } from "../harness.ts";
import { finish, runOrFail, signal, start } from "../programs.ts";
import type { SamplesOf } from "../../mod.ts";

function modulesFolder(): string {
  const image = process.env.HALFLAP_KERNEL;
  if (image !== undefined) return path.join(image, "lib/modules");
  throw new Error("These tests need a kernel of their own: npm run test:kernel");
}

async function insert(module: string, parameters: readonly string[]): Promise<void> {
  const modules = modulesFolder();
  const [release] = await readdir(modules);
  const file = path.join(modules, release!, "kernel/sound", `${module}.ko`);
  await runOrFail("busybox", ["insmod", file, ...parameters]);
}

/** The kernel's drivers, by what they are for. */
export type Driver = "snd-dummy" | "snd-aloop" | "snd-pcmtest";

const isLoaded = (name: string): boolean =>
  readFileSync("/proc/modules", "utf8").includes(`${name.replaceAll("-", "_")} `);

/** Loads a driver with its cards; parameters as in `pcm_substreams=1`. */
export async function loadDriver(
  driver: Driver,
  ...parameters: readonly string[]
): Promise<void> {
  if (!isLoaded("snd-pcm")) await insert("core/snd-pcm", []);
  await insert(`drivers/${driver}`, parameters);
}

/** Takes a driver and its cards away; fails while they are in use. */
export async function unloadDriver(driver: Driver): Promise<void> {
  await runOrFail("busybox", ["rmmod", driver]);
}

/** A stream's substream as the kernel shows it. */
export async function look(card: string, device = 0): Promise<SubstreamInspection> {
  const { substreams: [first] } = await inspectPcm({ card, device, substream: 0 });
  assert.ok(first !== undefined);
  return first;
}

/** Takes a piece of the configuration of libasound in, before it is first used. */
export function addAsoundConf(text: string): void {
  writeFileSync("/etc/asound.conf", text, { flag: "a" });
}

/** How ALSA's programs call the formats that snd-aloop takes. */
export const alsaFormats = {
  s16: "S16_LE",
  s24: "S24_LE",
  s24_3: "S24_3LE",
  s32: "S32_LE",
  f32: "FLOAT_LE",
} as const;

/** What of a stream its recording has to know. */
export interface Recorded {
  readonly format: keyof typeof alsaFormats;
  readonly channels: number;
  readonly rate: number;
}

let recordings = 0;

/** Longer than arecord keeps what it has not written yet. */
const recordingTailMs = 1000;
const recordingLimitMs = 600_000;

/** What the other end of snd-aloop hears while something is done. */
export async function record(
  { format, channels, rate }: Recorded,
  action: () => Promise<void>,
): Promise<SamplesOf<SampleFormat>> {
  const file = `/tmp/recording-${recordings++}.raw`;
  const options = ["-f", alsaFormats[format], "-c", `${channels}`, "-r", `${rate}`];
  const child = start("arecord", ["-q", "-D", "hw:Loopback,1,0", "-t", "raw", ...options, file]);
  const finished = finish(child, recordingLimitMs);
  const status = "/proc/asound/Loopback/pcm1c/sub0/status";
  await eventually("arecord", () => readFileSync(status, "utf8").includes("RUNNING"));
  try {
    await action();
    await sleep(recordingTailMs);
  } finally {
    signal(child, "SIGINT");
    await finished;
  }
  return samplesFrom(format, new Uint8Array((await readFile(file)).buffer));
}

/** Elements of samples from the first to the last that is not zero. */
export function withoutSilenceAround<T extends SampleFormat>(
  samples: SamplesOf<T>,
): SamplesOf<T> {
  const first = samples.findIndex((sample) => sample !== 0);
  const last = samples.findLastIndex((sample) => sample !== 0);
  return samples.subarray(Math.max(first, 0), last + 1) as SamplesOf<T>;
}
