/**
 * Other programs play into the virtual card, through ALSA's configuration alone: what they played
 * must be what they were given, bit for bit, and must have taken as long as it sounds.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { asoundrcSnippet, type SampleFormat } from "../mod.ts";
import { findDifference, readWav } from "../scripts/wav.mjs";
import {
  assertSameBits,
  bytesIn,
  countingSamples,
  eventually,
  noise,
  root,
  sleep,
  test,
} from "./harness.ts";
import {
  deno,
  finish,
  run,
  type RunOptions,
  runOrFail,
  signal,
  start,
  temporaryFolder,
} from "./programs.ts";

const speech = path.join(root, "assets/speech.wav");
const alsaSounds = ["Front_Center", "Noise", "Rear_Left", "Side_Right"]
  .map((name) => `/usr/share/sounds/alsa/${name}.wav`);
const playingMs = 300;

interface Sound {
  readonly format: SampleFormat;
  readonly channels: number;
  readonly rate: number;
}

const sounds: readonly Sound[] = [
  { format: "u8", channels: 1, rate: 8000 },
  { format: "s16", channels: 2, rate: 44_100 },
  { format: "s24_3", channels: 6, rate: 48_000 },
  { format: "s32", channels: 8, rate: 48_000 },
  { format: "f32", channels: 2, rate: 96_000 },
  { format: "s24_3", channels: 1, rate: 22_050 },
  { format: "s16", channels: 4, rate: 16_000 },
];
const ofFormats = (...formats: readonly SampleFormat[]): readonly Sound[] =>
  sounds.filter(({ format }) => formats.includes(format));

const describe = ({ format, channels, rate }: Sound): string => `${format}-${channels}-${rate}`;

/** Noise that fills every bit, in an odd number of frames. */
function makeSamples({ format, channels, rate }: Sound): Uint8Array {
  const frames = Math.round(rate * playingMs / 1000) + 17;
  if (format !== "f32") return bytesIn(noise(format, frames, channels));
  // Programs need not keep the bits of what is not a number.
  return bytesIn(Float32Array.from(noise("s16", frames, channels), (sample) => sample / 32_768));
}

const bitsOf: Readonly<Record<SampleFormat, number>> = {
  u8: 8,
  s16: 16,
  s24: 32,
  s24_3: 24,
  s32: 32,
  f32: 32,
  f64: 64,
};
const pcmTag = 1;
const floatTag = 3;
const headerBytes = 44;

function writeWav(file: string, { format, channels, rate }: Sound, samples: Uint8Array): void {
  const header = new DataView(new ArrayBuffer(headerBytes));
  const text = (offset: number, letters: string) =>
    [...letters].forEach((letter, at) => header.setUint8(offset + at, letter.charCodeAt(0)));
  const frameBytes = channels * bitsOf[format] / 8;
  text(0, "RIFF");
  header.setUint32(4, headerBytes - 8 + samples.length, true);
  text(8, "WAVEfmt ");
  header.setUint32(16, 16, true);
  header.setUint16(20, format.startsWith("f") ? floatTag : pcmTag, true);
  header.setUint16(22, channels, true);
  header.setUint32(24, rate, true);
  header.setUint32(28, rate * frameBytes, true);
  header.setUint16(32, frameBytes, true);
  header.setUint16(34, bitsOf[format], true);
  text(36, "data");
  header.setUint32(40, samples.length, true);
  writeFileSync(file, new Uint8Array([...bytesIn(header), ...samples]));
}

/** A home whose ALSA configuration has the virtual card, and files in it. */
async function openHome(snippet: string = asoundrcSnippet()) {
  const folder = await temporaryFolder();
  const inHome = (name: string): string => path.join(folder.path, name);
  writeFileSync(inHome(".asoundrc"), snippet);
  let taps = 0;
  return {
    [Symbol.asyncDispose]: folder[Symbol.asyncDispose],
    inHome,
    /** Noise as a WAV file. */
    noiseFile(sound: Sound): string {
      const file = inHome(`${describe(sound)}.wav`);
      if (!existsSync(file)) writeWav(file, sound, makeSamples(sound));
      return file;
    },
    /** Options of a program that plays in this home, and the file that it records to. */
    playing(): { tap: string; options: RunOptions } {
      const tap = inHome(`tap-${++taps}.wav`);
      const env = { HOME: folder.path, HALFLAP_TAP: tap, ALSA_CONFIG_PATH: undefined };
      return { tap, options: { env, cwd: folder.path } };
    },
  };
}

type Home = Awaited<ReturnType<typeof openHome>>;

function assertPlayedAs(tap: string, given: string): void {
  assert.ok(existsSync(tap), `Nothing was recorded of "${given}"`);
  const difference = findDifference(readWav(given), readWav(tap));
  assert.equal(difference, undefined, `"${given}" was not played as it is`);
}

/** Plays a file in real time, and compares. */
async function playExactly(
  home: Home,
  file: string,
  command: string,
  args: readonly string[],
): Promise<void> {
  const { tap, options } = home.playing();
  const { elapsedMs } = await runOrFail(command, args, options);
  assertPlayedAs(tap, file);
  const { frames, rate } = readWav(file);
  const soundMs = 1000 * frames / rate;
  assert.ok(elapsedMs >= soundMs, `${soundMs} ms of "${file}" were played in ${elapsedMs} ms`);
}

async function playAllExactly(
  files: (home: Home) => readonly string[],
  command: string,
  args: (file: string) => readonly string[],
): Promise<void> {
  await using home = await openHome();
  await Promise.all(files(home).map((file) => playExactly(home, file, command, args(file))));
}

const noiseFiles = (sounds: readonly Sound[]) => (home: Home): readonly string[] =>
  sounds.map((sound) => home.noiseFile(sound));
const speechFiles = (): readonly string[] => [speech, ...alsaSounds];

const aplay = (file: string): readonly string[] => ["-q", "-D", "halflap", file];
const aplayByMmap = (file: string): readonly string[] => ["-q", "-M", "-D", "halflap", file];
const sox = (file: string): readonly string[] => ["-q", file, "-t", "alsa", "halflap"];
const ffmpeg = (file: string): readonly string[] => {
  const { tag, bits } = readWav(file);
  const codec = bits === 8 ? "pcm_u8" : `pcm_${tag === floatTag ? "f" : "s"}${bits}le`;
  const quiet = ["-nostdin", "-loglevel", "error"];
  return [...quiet, "-i", file, "-c:a", codec, "-f", "alsa", "halflap"];
};

test("aplay plays every format and number of channels bit for bit", async () => {
  await playAllExactly(noiseFiles(sounds), "aplay", aplay);
});

test("aplay by mmap plays every format and number of channels bit for bit", async () => {
  await playAllExactly(noiseFiles(sounds), "aplay", aplayByMmap);
});

test("aplay plays speech bit for bit", async () => {
  await playAllExactly(speechFiles, "aplay", aplay);
});

test("aplay by mmap plays speech bit for bit", async () => {
  await playAllExactly(speechFiles, "aplay", aplayByMmap);
});

test("aplay plays through the converting PCM bit for bit", async () => {
  const plugged = (file: string) => ["-q", "-D", "plughalflap", file];
  await playAllExactly(noiseFiles(sounds), "aplay", plugged);
});

test("sox plays integer formats bit for bit", async () => {
  await playAllExactly(noiseFiles(ofFormats("u8", "s16", "s24_3", "s32")), "sox", sox);
});

test("sox plays speech bit for bit, also as play", async () => {
  await playAllExactly(speechFiles, "sox", sox);
  await using home = await openHome();
  const { tap, options } = home.playing();
  const env = { ...options.env, AUDIODRIVER: "alsa", AUDIODEV: "halflap" };
  await runOrFail("play", ["-q", speech], { ...options, env });
  assertPlayedAs(tap, speech);
});

test("ffmpeg plays every format bit for bit", async () => {
  // It reorders the channels of 5.1 and 7.1 as ALSA's convention wants them.
  const unordered = sounds.filter(({ channels }) => channels <= 4);
  await playAllExactly(noiseFiles(unordered), "ffmpeg", ffmpeg);
});

test("ffmpeg plays speech bit for bit", async () => {
  await playAllExactly(speechFiles, "ffmpeg", ffmpeg);
});

test("formats that WAV files seldom have are played as raw samples, bit for bit", async () => {
  await using home = await openHome();
  const raw = [
    { format: "s24", name: "S24_LE", bits: 24 },
    { format: "f64", name: "FLOAT64_LE", bits: 64 },
    { format: "s24_3", name: "S24_3LE", bits: 24 },
  ] as const;
  for (const { format, name, bits } of raw) {
    const samples = makeSamples({ format, channels: 2, rate: 48_000 });
    const file = home.inHome(`${format}.raw`);
    writeFileSync(file, samples);
    const { tap, options } = home.playing();
    const described = ["-t", "raw", "-f", name, "-c", "2", "-r", "48000"];
    await runOrFail("aplay", [...described, ...aplay(file)], options);
    const played = readWav(tap);
    assert.deepEqual([played.channels, played.rate, played.bits], [2, 48_000, bits]);
    const expected = format === "s24" ? samples.filter((_, at) => at % 4 !== 3) : samples;
    assertSameBits(played.samples.subarray(0, expected.length), expected);
    const rest: Uint8Array = played.samples.subarray(expected.length);
    assert.ok(rest.every((byte) => byte === 0), `${format} is followed by noise`);
  }
});

test("the configuration of the command is as good as that of the module", async () => {
  const main = path.join(root, "lib/cli/main.ts");
  const { stdout } = await runOrFail(deno, ["run", "--allow-all", main, "asoundrc"]);
  await using home = await openHome(stdout);
  await playExactly(home, speech, "aplay", aplay(speech));
});

test("two programs play at once, each on a card of its own", async () => {
  await using home = await openHome();
  await Promise.all([
    playExactly(home, speech, "aplay", aplay(speech)),
    ...alsaSounds.map((file) => playExactly(home, file, "aplay", aplayByMmap(file))),
    playExactly(home, speech, "sox", sox(speech)),
  ]);
});

test("without a tap the card plays in real time and records nothing", async () => {
  await using home = await openHome();
  const file = home.noiseFile({ format: "s16", channels: 2, rate: 48_000 });
  for (const tap of [undefined, ""]) {
    const { options } = home.playing();
    const env = { ...options.env, HALFLAP_TAP: tap };
    const { elapsedMs } = await runOrFail("aplay", aplay(file), { ...options, env });
    assert.ok(elapsedMs >= playingMs, `${elapsedMs} ms`);
  }
});

test("a tap that cannot be written is an error that names it", async () => {
  await using home = await openHome();
  const { options } = home.playing();
  const tap = "/nonexistent/folder/tap.wav";
  const env = { ...options.env, HALFLAP_TAP: tap };
  const { code, signal: killedBy, stderr } = await run("aplay", aplay(speech), { ...options, env });
  assert.equal(killedBy, null, stderr);
  assert.notEqual(code, 0);
  assert.ok(stderr.includes(tap), stderr);
});

test("recording from the card is refused with an error", async () => {
  await using home = await openHome();
  const { tap, options } = home.playing();
  for (const device of ["halflap", "plughalflap"]) {
    const args = ["-q", "-d", "1", "-D", device, home.inHome("recorded.wav")];
    const { code, signal: killedBy, stderr } = await run("arecord", args, options);
    assert.equal(killedBy, null, stderr);
    assert.notEqual(code, 0);
    assert.match(stderr, /virtual card "halflap" plays only/);
  }
  assert.equal(existsSync(tap), false);
});

/** Bytes recorded so far; a file is written in blocks, behind what is heard. */
const sizeOf = (file: string): number => statSync(file, { throwIfNoEntry: false })?.size ?? 0;

/** What an interrupted program played must be a valid file with the beginning of what was given. */
function assertPlayedStartOf(tap: string, given: string): void {
  const bytes = readFileSync(tap);
  const played = readWav(tap);
  const whole = readWav(given);
  assert.equal(bytes.readUInt32LE(4), bytes.length - 8, "the length in the RIFF header is wrong");
  assert.equal(played.frames % 1, 0, "there is a part of a frame");
  assert.ok(played.frames > 0, "nothing was recorded");
  assert.ok(played.frames < whole.frames, "it was not interrupted");
  const { length } = played.samples;
  assert.ok(played.samples.equals(whole.samples.subarray(0, length)), "other samples were played");
}

/** Ten seconds of which every sample is another one, and none is silence. */
function longFile(home: Home): string {
  const file = home.inHome("long.wav");
  const sound = { format: "s32", channels: 1, rate: 48_000 } as const;
  writeWav(file, sound, bytesIn(countingSamples(10 * sound.rate)));
  return file;
}

for (const name of ["SIGINT", "SIGTERM", "SIGKILL"] as const) {
  test(`aplay that ${name} interrupts leaves a valid file of what was heard`, async () => {
    await using home = await openHome();
    const file = longFile(home);
    for (const args of [aplay(file), aplayByMmap(file)]) {
      const { tap, options } = home.playing();
      const child = start("aplay", args, options);
      const finished = finish(child);
      await eventually("the recording", () => sizeOf(tap) > 10_000);
      signal(child, name);
      await finished;
      assertPlayedStartOf(tap, file);
    }
  });
}

test("aplay that is interrupted while it pauses leaves a valid file", async () => {
  await using home = await openHome();
  const file = longFile(home);
  const { tap, options } = home.playing();
  // Only a terminal makes it interactive; while it pauses, it takes two Ctrl-C to end it.
  const command = `exec aplay -i -D halflap ${file}`;
  const terminal = start("script", ["-qec", command, "/dev/null"], { ...options, input: null });
  let shown = "";
  terminal.stdout?.on("data", (text: string) => shown += text);
  const finished = finish(terminal);
  await eventually("the recording", () => sizeOf(tap) > 10_000);
  terminal.stdin?.write(" ");
  await eventually("the pause", () => shown.includes("PAUSE"));
  terminal.stdin?.write("\x03");
  await eventually("the interrupt", () => shown.includes("Aborted"));
  terminal.stdin?.write("\x03");
  await finished;
  assertPlayedStartOf(tap, file);
});

test("aplay that stops and continues loses nothing", async () => {
  await using home = await openHome();
  const file = home.inHome("counting.wav");
  const sound = { format: "s32", channels: 1, rate: 48_000 } as const;
  const samples = countingSamples(2 * sound.rate);
  writeWav(file, sound, bytesIn(samples));
  const { tap, options } = home.playing();
  const child = start("aplay", ["-D", "halflap", "--buffer-time=100000", file], options);
  const finished = finish(child);
  await eventually("the recording", () => sizeOf(tap) > 10_000);
  signal(child, "SIGSTOP");
  await sleep(500);
  signal(child, "SIGCONT");
  const { code, stderr } = await finished;
  assert.equal(code, 0, stderr);
  assert.match(stderr, /underrun/);
  const played = new Int32Array(Uint8Array.from(readWav(tap).samples).buffer);
  assertSameBits(played.filter((sample) => sample !== 0), samples);
});
