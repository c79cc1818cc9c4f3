/** The `halflap` command, in processes of their own under the runtime that runs this file. */
import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import {
  accessSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { after, before, test as nodeTest } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import {
  decodeWaveToBuffer,
  encodeWaveFromBuffer,
  SampleFormat as WaveCoding,
} from "@echogarden/wave-codec";
import { VERSION } from "../lib/cli/version.ts";

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface RunOptions {
  readonly stdin?: readonly Uint8Array[];
  readonly env?: NodeJS.ProcessEnv;
  readonly permissions?: readonly string[];
}

type Wave = ReturnType<typeof decodeWaveToBuffer>;

const root = path.resolve(fileURLToPath(import.meta.url), "../..");
const isDeno = process.versions.deno !== undefined;
const alsaSounds = "/usr/share/sounds/alsa";
const speech = path.join(root, "assets/speech.wav");
const testTimeoutMs = 120_000;
const runTimeoutMs = 30_000;
const pollMs = 5;
const wavHeaderBytes = 44;
/** A buffer of 170 ms, so that a busy machine does not make the device run dry. */
const sturdy = ["--device", "virtual", "--period", "1024", "--periods", "8"];

let folder = "";
let library = "";

function test(name: string, body: () => void | Promise<void>): void {
  nodeTest(name, { timeout: testTimeoutMs }, body);
}

const inFolder = (name: string): string => path.join(folder, name);

const usualPermissions = (): string[] => [
  `--allow-ffi=${library}`,
  "--allow-read",
  "--allow-run=ffmpeg",
  "--allow-env",
];

function commandLine(
  args: readonly string[],
  permissions: readonly string[] = usualPermissions(),
): string[] {
  const main = path.join(root, "lib/cli/main.ts");
  // Deno permits everything to a Deno that it starts without any flag about permissions.
  const given = permissions.length > 0 ? permissions : ["--deny-net"];
  const flags = isDeno ? ["run", "--no-prompt", ...given] : [];
  return [process.execPath, ...flags, main, ...args];
}

function start(args: readonly string[], { env, permissions }: RunOptions = {}): ChildProcess {
  const [command, ...rest] = commandLine(args, permissions);
  // Deno's own notices are none of the command's.
  const plain = { DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" };
  // By "env": Deno starts itself with all permissions, whatever the arguments say.
  return spawn("/usr/bin/env", [command!, ...rest], {
    cwd: folder,
    env: { ...process.env, ...plain, ...env },
    timeout: runTimeoutMs,
    killSignal: "SIGKILL",
  });
}

function ended(child: ChildProcess): Promise<Ended> {
  let stdout = "";
  let stderr = "";
  child.stdout!.setEncoding("utf8").on("data", (text) => stdout += text);
  child.stderr!.setEncoding("utf8").on("data", (text) => stderr += text);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

async function halflap(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const child = start(args, options);
  const result = ended(child);
  // A command that refuses its input closes it.
  child.stdin!.on("error", () => {});
  for (const [index, piece] of (options.stdin ?? []).entries()) {
    if (index > 0) await sleep(20);
    child.stdin!.write(piece);
  }
  child.stdin!.end();
  return await result;
}

async function succeed(args: readonly string[], options?: RunOptions): Promise<string> {
  const { code, signal, stdout, stderr } = await halflap(args, options);
  assert.equal(code, 0, `"${args.join(" ")}" ended with ${code ?? signal}\n${stderr}`);
  assert.equal(stderr, "");
  return stdout;
}

async function assertUsageError(args: readonly string[], message: RegExp): Promise<void> {
  const { code, stdout, stderr } = await halflap(args);
  const what = `"${args.join(" ")}"`;
  assert.equal(code, 2, `${what}: ${stderr}`);
  assert.equal(stdout, "", what);
  const [first, hint, ...rest] = stderr.split("\n");
  assert.match(first!, message, what);
  assert.match(hint!, /^See: halflap( play| devices| path| asoundrc)? --help$/, what);
  assert.deepEqual(rest, [""], what);
}

async function assertFailure(
  args: readonly string[],
  message: RegExp,
  options?: RunOptions,
): Promise<Ended> {
  const result = await halflap(args, options);
  assert.equal(result.code, 1, `"${args.join(" ")}": ${result.stderr}`);
  assert.match(result.stderr, message);
  assert.doesNotMatch(result.stderr, /\n\s+at /, "a stack trace is no message");
  return result;
}

/** Fails with the name of a program that is not there. */
function requireProgram(name: string, debianPackage = name): void {
  const folders = (process.env["PATH"] ?? "").split(":");
  const found = folders.some((place) => place !== "" && existsSync(path.join(place, name)));
  assert.ok(found, `"${name}" is not on PATH: install the package "${debianPackage}"`);
}

function run(command: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    execFile(command, [...args], { cwd: folder }, (error) => error ? reject(error) : resolve());
  });
}

const readWave = (file: string): Wave => decodeWaveToBuffer(readFileSync(file));

/** What was played must be what was given, then at most a buffer of silence. */
function assertSameSamples(played: Wave, given: Wave, what: string): void {
  for (const name of ["sampleRate", "channelCount", "bitDepth", "sampleFormat"] as const) {
    assert.equal(played[name], given[name], `${what}: ${name}`);
  }
  const { length } = given.decodedAudioBuffer;
  const differs = given.decodedAudioBuffer.findIndex((byte, index) =>
    played.decodedAudioBuffer[index] !== byte
  );
  assert.equal(differs, -1, `${what} differs at byte ${differs} of ${length}`);
  const silence = given.bitDepth === 8 ? 128 : 0;
  const rest = played.decodedAudioBuffer.subarray(length);
  assert.ok(rest.every((byte) => byte === silence), `${what} is followed by sound`);
  const frameBytes = given.channelCount * given.bitDepth / 8;
  assert.ok(rest.length / frameBytes <= 8 * 1024, `${what} is followed by a long silence`);
}

/** Bytes that differ from their neighbours, and whose highest ones make no NaN. */
const someBytes = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => (index * 167 + (index >> 8)) & 0x3f);

/** Plays to a tap, compares, and returns the report. */
async function playExactly(
  file: string,
  given: Wave,
  args: readonly string[],
  options?: RunOptions,
): Promise<Record<string, unknown>> {
  const tap = inFolder(`tap-${crypto.randomUUID()}.wav`);
  const all = ["play", file, ...sturdy, "--tap", tap, "--json", ...args];
  const report = JSON.parse(await succeed(all, options));
  assertSameSamples(readWave(tap), given, `${file} with ${args.join(" ")}`);
  assert.equal(
    report.framesPlayed,
    given.decodedAudioBuffer.length / (given.channelCount * given.bitDepth / 8),
  );
  return report;
}

/** Runs the jobs, three of them at a time. */
async function threeAtOnce(jobs: readonly (() => Promise<unknown>)[]): Promise<void> {
  const waiting = [...jobs];
  const worker = async (): Promise<void> => {
    for (let job = waiting.shift(); job !== undefined; job = waiting.shift()) await job();
  };
  await Promise.all([worker(), worker(), worker()]);
}

async function eventually(what: string, holds: () => boolean): Promise<void> {
  for (let ms = 0; ms < runTimeoutMs && !holds(); ms += pollMs) await sleep(pollMs);
  assert.ok(holds(), `${what} did not happen within ${runTimeoutMs} ms`);
}

const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? -1;

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "halflap-cli-"));
  library = (await succeed(["path"], { permissions: ["--allow-env=HALFLAP_LIBRARY"] })).trim();
});

after(async () => {
  await rm(folder, { recursive: true });
});

test("help names every command, and the help of each its options", async () => {
  const options: Readonly<Record<string, readonly string[]>> = {
    play: [
      ...["tone", "seconds", "amplitude", "raw", "rate", "channels", "format", "device", "access"],
      ...["period", "periods", "tap", "json", "quiet"],
    ],
    devices: ["json"],
    doctor: ["json"],
    inspect: ["direction", "xrun-debug", "watch", "interval", "json"],
    asoundrc: [],
    path: [],
  };
  for (const flag of ["--help", "-h"]) {
    const help = await succeed([flag]);
    for (const name of Object.keys(options)) assert.match(help, new RegExp(`^  ${name} `, "m"));
  }
  for (const [name, names] of Object.entries(options)) {
    const help = await succeed([name, "--help"], { permissions: [] });
    assert.match(help, new RegExp(`^Usage: halflap ${name}`, "m"));
    for (const option of [...names, "help"]) assert.match(help, new RegExp(`--${option}\\b`));
  }
});

test("version is the package's", async () => {
  const { version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
  assert.equal(VERSION, version);
  assert.equal(await succeed(["--version"], { permissions: [] }), `${version}\n`);
});

test("path is that of the library, and the configuration names it", async () => {
  accessSync(library);
  assert.match(library, /^\/.*\/libhalflap\.so$/);
  const snippet = await succeed(["asoundrc"]);
  assert.ok(snippet.includes(`lib "${library}"`));
  assert.match(snippet, /vars \[ HALFLAP_TAP \]/);
});

test("devices are listed, the virtual card among them", async () => {
  const permissions = [`--allow-ffi=${library}`];
  const table = await succeed(["devices"], { permissions });
  assert.match(table, /^default +\w/m);
  assert.match(table, /^virtual +A virtual card/m);
  const probed = JSON.parse(await succeed(["devices", "--json", "--probe"], { permissions }));
  const { kind, device, directions } = probed.at(-1);
  assert.deepEqual([kind, device, directions], ["virtual", "virtual", ["playback"]]);
});

test("arguments that make no sense end with exit code 2 and say why", async () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /^Which command\?$/],
    [["sing"], /^Unknown command "sing"$/],
    [["--loud"], /^Unknown option "--loud"$/],
    [["path", "x"], /^Unexpected argument "x"$/],
    [["path", "--json"], /^Unknown option "--json"$/],
    [["asoundrc", "--json"], /^Unknown option "--json"$/],
    [["devices", "x"], /^Unexpected argument "x"$/],
    [["devices", "--json=1"], /^"--json" takes no value: it was given "1"$/],
    [["play"], /^Nothing to play/],
    [["play", "a.wav", "b.wav"], /"b\.wav" as well$/],
    [["play", ""], /^"FILE" must be a string/],
    [["play", "--loud", "a.wav"], /^Unknown option "--loud"$/],
    [["play", "-x", "a.wav"], /^Unknown option "-x"$/],
    [["play", "a.wav", "--raw=1"], /^"--raw" takes no value/],
    [["play", "a.wav", "--device"], /^"--device" needs a value$/],
    [["play", "a.wav", "--device="], /^"--device" needs a value$/],
    [["play", "a.wav", "--device", "--json"], /^"--device" needs a value$/],
    [["play", "a.wav", "--device", "a", "--device", "b"], /^"--device" is given twice$/],
    [["play", "a.wav", "--device", "x".repeat(1025)], /^"--device" must be a string of 1 to 1024/],
    [["play", "a.wav", "--access", "dma"], /^"--access" must be one of "auto", "mmap", "write"/],
    [["play", "a.wav", "--rate", "3999"], /^"--rate" must be an integer from 4000 to 768000/],
    [["play", "a.wav", "--rate", "768001"], /^"--rate" must be an integer/],
    [["play", "a.wav", "--rate", "44.1k"], /current value is "44\.1k"$/],
    [["play", "a.wav", "--rate", "0x2000"], /current value is "0x2000"$/],
    [["play", "a.wav", "--rate", "-48000"], /current value is -48000$/],
    [["play", "a.wav", "--channels", "0"], /^"--channels" must be an integer from 1 to 32/],
    [["play", "a.wav", "--channels", "33"], /^"--channels" must be an integer/],
    [["play", "a.wav", "--channels", "1.5"], /^"--channels" must be an integer/],
    [["play", "a.wav", "--format", "s20"], /^"--format" must be one of "u8", "s16"/],
    [["play", "a.wav", "--period", "15"], /^"--period" must be an integer from 16 to 1048576/],
    [["play", "a.wav", "--period", "1048577"], /^"--period" must be an integer/],
    [["play", "a.wav", "--periods", "1"], /^"--periods" must be an integer from 2 to 1024/],
    [["play", "a.wav", "--periods", "1025"], /^"--periods" must be an integer/],
    [["play", "a.wav", "--seconds", "1"], /^"--seconds" needs "--tone"$/],
    [["play", "a.wav", "--amplitude", "1"], /^"--amplitude" needs "--tone"$/],
    [["play", "a.wav", "--tone", "440", "--seconds", "1"], /^Either "a\.wav" or "--tone"/],
    [["play", "--tone", "440"], /^"--tone" needs "--seconds"$/],
    [["play", "--tone", "440", "--seconds", "1", "--raw"], /^"--raw" needs a file or "-"$/],
    [["play", "--tone", "0", "--seconds", "1"], /^"--tone" must be a number from 0\.001 to 24000/],
    [["play", "--tone", "NaN", "--seconds", "1"], /^"--tone" must be a number/],
    [["play", "--tone", "4001", "--seconds", "1", "--rate", "8000"], /from 0\.001 to 4000/],
    [["play", "--tone", "440", "--seconds", "0"], /^"--seconds" must be a number from 0\.001/],
    [["play", "--tone", "440", "--seconds", "1e9"], /^"--seconds" must be a number/],
    [["play", "--tone", "440", "--seconds", "1", "--amplitude", "1.1"], /^"--amplitude" must be/],
    [["play", "a.wav", "--tap", "b.wav"], /^"--tap" needs "--device virtual"/],
    [["play", "a.wav", "--tap", "b.wav", "--device", "hw:0"], /^"--tap" needs "--device virtual"/],
    [["play", "a.wav", "--tap", "./a.wav", "--device", "virtual"], /would overwrite the file/],
  ];
  await threeAtOnce(cases.map(([args, message]) => () => assertUsageError(args, message)));
});

test("layout that a WAV file does not have is refused", async () => {
  const name = inFolder("stereo.wav");
  writeFileSync(name, encodeWaveFromBuffer(someBytes(400), 8000, 2, 16, WaveCoding.PCM));
  const play = ["play", name, "--device", "virtual"];
  await assertUsageError([...play, "--rate", "44100"], /"--rate" is 44100, but .* has 8000/);
  await assertUsageError([...play, "--channels", "1"], /"--channels" is 1, but .* has 2/);
  await assertUsageError([...play, "--format", "f32"], /"--format" is f32, but .* has s16/);
  await succeed([...play, "--rate", "8000", "--channels", "2", "--format", "s16"]);
});

test("report of a tone is one object that tells how it was played", async () => {
  const args = ["play", "--tone", "440", "--seconds", "0.2", "--amplitude", "0.5", "--json"];
  const stdout = await succeed([...args, ...sturdy, "--access", "write", "--rate", "44100"]);
  assert.match(stdout, /^\{.*\}\n$/);
  const { granted, framesPlayed, cpuMs, wallMs, ...rest } = JSON.parse(stdout);
  assert.deepEqual(rest, {
    file: null,
    tone: { frequencyHz: 440, amplitude: 0.5, seconds: 0.2 },
    device: "virtual",
    tap: null,
    framesDropped: 0,
    xruns: { count: 0, producer: 0, scheduling: 0, processing: 0, device: 0, recent: [] },
    signal: null,
    error: null,
  });
  assert.equal(granted.access, "write");
  assert.equal(granted.rate, 44_100);
  assert.equal(granted.periodFrames, 1024);
  assert.equal(granted.periods, 8);
  assert.ok(framesPlayed >= 0.15 * 44_100, `${framesPlayed} frames`);
  assert.ok(cpuMs > 0 && wallMs > 100, `${cpuMs} ms of ${wallMs} ms`);
});

test("tone has its frequency, amplitude and channels", async () => {
  const tap = inFolder("tone.wav");
  const args = ["--tone", "1000", "--seconds", "0.3", "--amplitude", "0.5", "--format", "s16"];
  await succeed(["play", ...args, "--channels", "3", ...sturdy, "--tap", tap]);
  const { decodedAudioBuffer: bytes, channelCount, sampleRate } = readWave(tap);
  assert.equal(channelCount, 3);
  const samples = new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
  const channel = samples.filter((_, index) => index % 3 === 1).subarray(0, 0.25 * sampleRate);
  const peak = Math.max(...channel) / 2 ** 15;
  assert.ok(Math.abs(peak - 0.5) < 0.001, `peak ${peak}`);
  const steady = channel.subarray(0.05 * sampleRate);
  const rises = steady.filter((sample, index) =>
    index > 0 && sample >= 0 && steady[index - 1]! < 0
  );
  assert.ok(Math.abs(rises.length - 200) <= 1, `${rises.length} periods in 0.2 s`);
});

test("speech is played bit for bit by both paths", async () => {
  for (const access of ["mmap", "write"]) {
    const tap = inFolder(`speech-${access}.wav`);
    const args = ["play", speech, ...sturdy, "--access", access, "--tap", tap];
    const report = JSON.parse(await succeed([...args, "--json"]));
    assertSameSamples(readWave(tap), readWave(speech), `speech by ${access}`);
    assert.equal(report.granted.access, access);
    assert.equal(report.granted.format, "s16");
    assert.equal(report.file, speech);
    assert.equal(report.tap, tap);
    assert.equal(report.framesPlayed, readWave(speech).decodedAudioBuffer.length / 2);
  }
});

test("recordings of alsa-utils are played bit for bit by both paths", async () => {
  assert.ok(existsSync(alsaSounds), `There is no "${alsaSounds}": install "alsa-utils"`);
  const files = readdirSync(alsaSounds).filter((name) => name.endsWith(".wav"));
  assert.ok(files.length > 0, `There is no WAV file in "${alsaSounds}"`);
  const jobs = files.flatMap((name) =>
    ["mmap", "write"].map((access) => async () => {
      const file = path.join(alsaSounds, name);
      const { granted } = await playExactly(file, readWave(file), ["--access", access]);
      assert.equal((granted as { access: string }).access, access);
    })
  );
  await threeAtOnce(jobs);
});

test("every format of WAV is played in that format, bit for bit", async () => {
  const kinds = [
    [8, WaveCoding.PCM, "u8", 1],
    [16, WaveCoding.PCM, "s16", 6],
    [24, WaveCoding.PCM, "s24_3", 2],
    [32, WaveCoding.PCM, "s32", 3],
    [32, WaveCoding.Float, "f32", 8],
    [64, WaveCoding.Float, "f64", 2],
  ] as const;
  const jobs = kinds.flatMap(([bits, coding, format, channels]) =>
    ["mmap", "write"].map((access) => async () => {
      const file = inFolder(`${format}-${access}.wav`);
      const samples = someBytes(1999 * channels * bits / 8);
      writeFileSync(file, encodeWaveFromBuffer(samples, 22_050, channels, bits, coding));
      const report = await playExactly(file, readWave(file), ["--access", access]);
      assert.equal((report["granted"] as { format: string }).format, format);
    })
  );
  await threeAtOnce(jobs);
});

test("raw PCM is played from files and from standard input, in pieces of any size", async () => {
  const samples = someBytes(3 * 3 * 1000);
  const file = inFolder("samples.raw");
  writeFileSync(file, samples);
  const args = ["--raw", "--rate", "16000", "--channels", "3", "--format", "s24_3"];
  const given = decodeWaveToBuffer(
    encodeWaveFromBuffer(samples, 16_000, 3, 24, WaveCoding.PCM),
  );
  await playExactly(file, given, args);
  const pieces = [[0, 1], [1, 10], [10, 11], [11, 5000], [5000]].map(([from, to]) =>
    samples.subarray(from, to)
  );
  const report = await playExactly("-", given, args, { stdin: pieces });
  assert.equal(report["file"], "-");
});

test("raw PCM without options is 48 kHz, stereo, 16 bit", async () => {
  const samples = someBytes(4 * 2000);
  const given = decodeWaveToBuffer(encodeWaveFromBuffer(samples, 48_000, 2, 16, WaveCoding.PCM));
  await playExactly("-", given, ["--raw"], { stdin: [samples] });
});

test("raw PCM of s24 is played in that format", async () => {
  const samples = Int32Array.from({ length: 2000 }, (_, index) => (index - 1000) * 4001);
  const args = ["--raw", "--format", "s24", "--channels", "1", "--json"];
  const stdin = [new Uint8Array(samples.buffer)];
  const report = JSON.parse(await succeed(["play", "-", ...args, ...sturdy], { stdin }));
  assert.equal(report.granted.format, "s24");
  assert.equal(report.framesPlayed, 2000);
});

test("WAV is played from standard input, also with the sizes that pipes have", async () => {
  const file = encodeWaveFromBuffer(someBytes(4000), 8000, 2, 16, WaveCoding.PCM);
  const given = decodeWaveToBuffer(file);
  await playExactly("-", given, [], { stdin: [file.subarray(0, 21), file.subarray(21)] });
  const piped = file.slice();
  piped.fill(0xff, 4, 8);
  piped.fill(0xff, 40, 44);
  await playExactly("-", given, [], { stdin: [piped.subarray(0, 50), piped.subarray(50)] });
});

test("end within a frame is an error after everything before it was played", async () => {
  const play = ["play", "-", "--raw", ...sturdy, "--json"];
  const message = /^The last frame is incomplete: it has 3 bytes\n$/;
  const { stdout } = await assertFailure(play, message, { stdin: [someBytes(403)] });
  const { framesPlayed, error } = JSON.parse(stdout);
  assert.equal(framesPlayed, 100);
  assert.match(error.message, /incomplete/);
});

test("WAV that is cut short is played as far as it goes, and is an error", async () => {
  const whole = encodeWaveFromBuffer(someBytes(8000), 8000, 2, 16, WaveCoding.PCM);
  const file = inFolder("short.wav");
  writeFileSync(file, whole.subarray(0, 44 + 4000));
  const tap = inFolder("short-tap.wav");
  const play = ["play", file, ...sturdy, "--tap", tap, "--json"];
  const { stdout } = await assertFailure(play, /^Only 1000 of 2000 frames of ".*short\.wav"/);
  const { framesPlayed, error } = JSON.parse(stdout);
  assert.equal(framesPlayed, 1000);
  assert.match(error.message, /cut short/);
  const given = encodeWaveFromBuffer(someBytes(4000), 8000, 2, 16, WaveCoding.PCM);
  assertSameSamples(readWave(tap), decodeWaveToBuffer(given), "the part that is there");
});

test("files that cannot be played are errors that say why", async () => {
  requireProgram("ffmpeg");
  const whole = encodeWaveFromBuffer(someBytes(800), 8000, 2, 16, WaveCoding.PCM);
  const damaged = whole.slice();
  damaged[32] = 7;
  const files: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ["empty.wav", new Uint8Array(0), /it is empty/],
    ["header.wav", whole.subarray(0, 40), /damaged WAV file, it ends before its samples/],
    ["frames.wav", damaged, /damaged WAV file, with frames of 7 instead of 4 bytes/],
    ["noise.wav", someBytes(5000), /it is not WAV, and ffmpeg cannot decode it: /],
  ];
  for (const [name, bytes, message] of files) {
    writeFileSync(inFolder(name), bytes);
    const { stdout } = await assertFailure(["play", inFolder(name), ...sturdy, "--json"], message);
    const { granted, framesPlayed, error } = JSON.parse(stdout);
    assert.equal(granted, null);
    assert.equal(framesPlayed, 0);
    assert.match(error.message, message);
  }
  await assertFailure(["play", inFolder("none.wav"), ...sturdy], /there is no such file/);
  await assertFailure(["play", folder, ...sturdy], /it is a folder/);
  const stdin = [someBytes(5000)];
  await assertFailure(["play", "-", ...sturdy], /standard input: it is not WAV; .*"--raw"/, {
    stdin,
  });
});

test("device that does not exist is an error with a code", async () => {
  const play = ["play", speech, "--device", "nosuchdevice", "--json"];
  const { stdout } = await assertFailure(play, /nosuchdevice.*"halflap devices"/);
  assert.equal(JSON.parse(stdout).error.code, "ERR_HALFLAP_DEVICE_NOT_FOUND");
});

test("tap that cannot be written is an error", async () => {
  const tap = inFolder("none/tap.wav");
  await assertFailure(["play", speech, ...sturdy, "--tap", tap], /Cannot write ".*none\/tap\.wav"/);
});

test("tap never overwrites what is played, whatever the path to it", async () => {
  const file = inFolder("original.wav");
  writeFileSync(file, encodeWaveFromBuffer(someBytes(400), 8000, 2, 16, WaveCoding.PCM));
  await run("ln", ["original.wav", "hard.wav"]);
  await run("ln", ["-s", "original.wav", "soft.wav"]);
  for (const tap of ["original.wav", "hard.wav", "soft.wav"]) {
    await assertUsageError(["play", file, ...sturdy, "--tap", tap], /would overwrite/);
  }
});

test("other formats are decoded by ffmpeg without loss", async () => {
  requireProgram("sox");
  requireProgram("ffmpeg");
  await run("sox", [speech, "speech.flac", "trim", "0.5", "0.3"]);
  await run("sox", [speech, "-e", "signed", "speech-part.wav", "trim", "0.5", "0.3"]);
  const given = readWave(inFolder("speech-part.wav"));
  const flac = inFolder("speech.flac");
  await playExactly(flac, given, ["--format", "s16", "--rate", "48000"]);

  const integers = new Int16Array(given.decodedAudioBuffer.slice().buffer);
  const floats = Float32Array.from(integers, (sample) => sample / 2 ** 15);
  const bytes = new Uint8Array(floats.buffer);
  const { granted } = await playExactly(
    flac,
    decodeWaveToBuffer(encodeWaveFromBuffer(bytes, 48_000, 1, 32, WaveCoding.Float)),
    [],
  );
  assert.equal((granted as { format: string }).format, "f32");
  await assertUsageError(["play", flac, ...sturdy, "--rate", "44100"], /has 48000/);
  await assertUsageError(["play", flac, ...sturdy, "--format", "s24"], /cannot be s24/);
});

test("WAV with other samples than PCM is decoded by ffmpeg", async () => {
  requireProgram("sox");
  requireProgram("ffmpeg");
  await run("sox", [speech, "-e", "a-law", "alaw.wav", "trim", "0.5", "0.2"]);
  const stdout = await succeed(["play", inFolder("alaw.wav"), ...sturdy, "--json"]);
  assert.equal(JSON.parse(stdout).framesPlayed, 9600);
});

test("without ffmpeg the error names it and says how to install it", async () => {
  const file = inFolder("song.ogg");
  writeFileSync(file, someBytes(100));
  // Deno warns about a permission to run what is not there.
  const permissions = [`--allow-ffi=${library}`, "--allow-read", "--allow-env"];
  const options = { env: { PATH: folder }, permissions };
  await assertFailure(["play", file, ...sturdy], /ffmpeg.*is not installed.*apt-get/, options);
});

for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 129]] as const) {
  test(`${signal} fades out, closes and reports`, async () => {
    const tap = inFolder(`${signal}.wav`);
    const file = inFolder("long.wav");
    const samples = new Uint8Array(new Int16Array(2 * 48_000 * 20).fill(10_000).buffer);
    writeFileSync(file, encodeWaveFromBuffer(samples, 48_000, 2, 16, WaveCoding.PCM));
    const child = start(["play", file, ...sturdy, "--tap", tap, "--json"]);
    const end = ended(child);
    await eventually("The start of the sound", () => sizeOf(tap) > 50_000);
    process.kill(child.pid!, signal);
    const { code: exitCode, stdout, stderr } = await end;
    assert.equal(exitCode, code, stderr);
    assert.equal(stderr, "");
    const report = JSON.parse(stdout);
    assert.equal(report.signal, signal);
    assert.equal(report.error, null);
    assert.ok(report.framesPlayed > 0 && report.framesPlayed < 48_000 * 15);
    const { decodedAudioBuffer: bytes } = readWave(tap);
    const played = new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length / 2);
    assert.ok(played.length / 2 >= report.framesPlayed, "the tap has all that was heard");
    // Before the fade all samples are the same, after it all are zero.
    const fade = new Set(played.filter((sample) => sample !== 0 && sample !== 10_000));
    assert.ok(fade.size > 100, `the fade has ${fade.size} levels`);
  });
}

test("SIGINT ends a command whose input is silent", async () => {
  const tap = inFolder("silent.wav");
  const child = start(["play", "-", "--raw", ...sturdy, "--tap", tap, "--json"]);
  const end = ended(child);
  await eventually("The opening of the device", () => sizeOf(tap) >= 0);
  process.kill(child.pid!, "SIGINT");
  const { code, stdout } = await end;
  assert.equal(code, 130);
  assert.equal(JSON.parse(stdout).framesPlayed, 0);
  child.stdin!.end();
});

test("progress is drawn on a terminal alone, and leaves it as it was", async () => {
  requireProgram("script", "bsdutils");
  const file = inFolder("second.wav");
  const samples = new Uint8Array(new Int16Array(8000).fill(16_384).buffer);
  writeFileSync(file, encodeWaveFromBuffer(samples, 8000, 1, 16, WaveCoding.PCM));
  const onTerminal = async (args: readonly string[]): Promise<string> => {
    const words = commandLine(["play", file, ...sturdy, ...args]);
    const line = words.map((word) => `'${word}'`).join(" ");
    const env = { ...process.env, DENO_NO_UPDATE_CHECK: "1" };
    const child = spawn("script", ["-qec", line, "/dev/null"], { env, timeout: runTimeoutMs });
    const { code, stdout } = await ended(child);
    assert.equal(code, 0, stdout);
    return stdout;
  };
  const drawn = await onTerminal([]);
  assert.match(drawn, /\[=+ +\] {2}0:00\.\d \/ 0:01\.0 {4}-6\.0 dBFS {2}0 xruns/);
  assert.ok(drawn.includes("\x1b[?25l"), "the cursor is hidden");
  assert.ok(drawn.endsWith("\r\x1b[K\x1b[?25h"), "line and cursor are restored");
  assert.doesNotMatch(await onTerminal(["--quiet"]), /dBFS|\[\?25/);
});

/** Plays standard input, which has a gap that is longer than what was given before it. */
async function playWithGap(...args: readonly string[]): Promise<Ended> {
  const tap = inFolder(`gap${args.join("")}.wav`);
  const child = start(["play", "-", "--raw", ...sturdy, "--tap", tap, ...args]);
  const end = ended(child);
  const bytes = someBytes(80_000);
  child.stdin!.write(bytes);
  await eventually("The end of the first part", () => sizeOf(tap) >= wavHeaderBytes + bytes.length);
  child.stdin!.end(bytes);
  return await end;
}

test("xruns are summed up for people, with what to do about them", async () => {
  const [told, quiet, json] = await Promise.all([
    playWithGap(),
    playWithGap("--quiet"),
    playWithGap("--json"),
  ]);
  for (const { code, stderr } of [told, quiet, json]) assert.equal(code, 0, stderr);
  assert.equal(told.stdout, "");
  assert.match(told.stderr, /^1 xrun: producer\nWrite earlier or more at a time; .*\.\n$/);
  assert.equal(quiet.stderr, "");
  assert.equal(json.stderr, "");
  assert.equal(JSON.parse(json.stdout).xruns.producer, 1);
});

test("results that nobody reads to their end are no failure", async () => {
  requireProgram("sh", "dash");
  const words = commandLine(["asoundrc"]).map((word) => `'${word}'`).join(" ");
  const child = spawn("sh", ["-c", `{ ${words}; echo "exit code $?" >&2; } | true`]);
  assert.equal((await ended(child)).stderr, "exit code 0\n");
});

if (isDeno) {
  test("library and file are all the permissions that playing takes", async () => {
    const file = inFolder("permitted.wav");
    writeFileSync(file, encodeWaveFromBuffer(someBytes(400), 8000, 2, 16, WaveCoding.PCM));
    const permissions = [`--allow-ffi=${library}`, `--allow-read=${file}`];
    const tap = inFolder("permitted-tap.wav");
    await succeed(["play", file, ...sturdy, "--tap", tap, "--json"], { permissions });
    assertSameSamples(readWave(tap), readWave(file), "the tap");
    const tone = ["play", "--tone", "440", "--seconds", "0.05", ...sturdy];
    await succeed(tone, { permissions: permissions.slice(0, 1) });
  });

  test("permission that is missing is named by its flag", async () => {
    const ffi = `--allow-ffi=${library}`;
    const song = inFolder("song.mp3");
    writeFileSync(song, someBytes(100));
    const cases: readonly (readonly [string, readonly string[], string])[] = [
      [speech, [ffi], `--allow-read=${speech}`],
      [speech, ["--allow-read"], ffi],
      [song, [ffi, "--allow-read"], "--allow-run=ffmpeg --allow-env"],
    ];
    for (const [file, permissions, flag] of cases) {
      const { stderr } = await assertFailure(["play", file, ...sturdy], /permit/, { permissions });
      assert.ok(stderr.endsWith(`run with ${flag}\n`), stderr);
    }
  });

  test("devices cannot be listed without permission for the library", async () => {
    const { stderr } = await assertFailure(["devices"], /permit/, { permissions: [] });
    assert.ok(stderr.endsWith(`run with --allow-ffi=${library}\n`), stderr);
  });
}
