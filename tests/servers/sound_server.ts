/** A sound server with a null sink, for the length of a test, and what its monitor hears. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import process from "node:process";
import { eventually, sleep } from "../harness.ts";
import { run, runOrFail, signal } from "../programs.ts";

function variable(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error("These tests need servers: npm run test:servers");
  return value;
}
/** The folder of this test's configuration and logs. */
export const world: string = variable("HALFLAP_SERVERS");
const pulseModules = variable("HALFLAP_PULSE_MODULES");

/** The servers, and the ALSA PCM of each. */
export const serverNames = ["pipewire", "pulseaudio"] as const;
export type ServerName = typeof serverNames[number];
export const pcmOf = { pipewire: "pipewire", pulseaudio: "pulse" } as const;
/** What the plug-in of each grants; that of PulseAudio has no ring to map. */
export const accessesOf = {
  pipewire: ["mmap", "write"],
  pulseaudio: ["write"],
} as const;

const startLimitMs = 20_000;
const pollMs = 20;
const sink = "null-sink";
/** PulseAudio's null sink sleeps for up to two seconds while nobody listens closely. */
const closely = ["--latency-msec=10", `--device=${sink}.monitor`];

/** Raw samples on standard output. */
const rawFloats = ["--rate=48000", "--channels=2"];
const recorders: Readonly<Record<ServerName, readonly [string, readonly string[]]>> = {
  pipewire: [
    "pw-record",
    ["--target", sink, "-P", "{ stream.capture.sink=true }", "--format=f32", ...rawFloats, "-"],
  ],
  pulseaudio: ["parec", ["--raw", ...closely, "--format=float32le", ...rawFloats]],
};
const recordingTailMs = 500;

/** Starts a program whose output is a file, and which says the rest in another one. */
function startInto(file: string, program: string, args: readonly string[]): ChildProcess {
  const output = openSync(file, "w");
  const log = openSync(path.join(world, `${program}.log`), "a");
  const child = spawn(program, args, { stdio: ["ignore", output, log] });
  for (const descriptor of [output, log]) closeSync(descriptor);
  return child;
}

/** Starts a program that writes what it says into a file of its own. */
const startLogged = (program: string, args: readonly string[] = []): ChildProcess =>
  startInto("/dev/null", program, args);

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  signal(child, "SIGKILL");
  await exited;
}

/** Waits until a command succeeds, with which a server shows that it is ready. */
async function untilReady(
  server: ServerName,
  program: string,
  args: readonly string[],
): Promise<void> {
  const deadlineMs = performance.now() + startLimitMs;
  do {
    if ((await run(program, args)).code === 0) return;
    await sleep(pollMs);
  } while (performance.now() < deadlineMs);
  const log = await readFile(path.join(world, `${server}.log`), "utf8");
  assert.fail(`"${[program, ...args].join(" ")}" did not succeed in time\n${log}`);
}

/** How a server is started. */
interface StartOptions {
  /**
   * Whether clients of PulseAudio talk to it through memory that they share. If it dies while a client
   * of version 16.1 sets that up, the client spins for ever in `pa_pstream_set_srbchannel`: three
   * times in some 1700.
   */
  readonly sharedRing?: boolean;
}

/** A running server. */
export class SoundServer implements AsyncDisposable {
  /** Which one it is. */
  readonly name: ServerName;
  /** Its ALSA PCM. */
  readonly device: string;
  #children: ChildProcess[] = [];
  #recordings = 0;

  private constructor(name: ServerName) {
    this.name = name;
    this.device = pcmOf[name];
  }

  /** Starts a server, and returns when streams can play on it. */
  static async start(name: ServerName, options?: StartOptions): Promise<SoundServer> {
    const server = new SoundServer(name);
    try {
      await (name === "pipewire" ? server.#startPipewire() : server.#startPulseaudio(options));
      return server;
    } catch (error) {
      await server.kill();
      throw error;
    }
  }

  async #startPipewire(): Promise<void> {
    this.#children.push(startLogged("pipewire"));
    await untilReady(this.name, "pw-cli", ["info", "0"]);
    this.#children.push(startLogged("wireplumber"));
    await untilReady(this.name, "wpctl", ["inspect", "@DEFAULT_AUDIO_SINK@"]);
  }

  async #startPulseaudio({ sharedRing = true }: StartOptions = {}): Promise<void> {
    const modules = [
      ["-L", `module-native-protocol-unix srbchannel=${sharedRing}`],
      ["-L", `module-null-sink sink_name=${sink} rate=48000 channels=2 format=float32le`],
    ].flat();
    const options = ["-n", "-p", pulseModules, "--daemonize=no", "--use-pid-file=no"];
    this.#children.push(
      startLogged("pulseaudio", [...options, "--exit-idle-time=-1", ...modules]),
    );
    await untilReady(this.name, "pactl", ["info"]);
    this.#children.push(startLogged("parec", [...closely, "/dev/null"]));
    await untilReady(this.name, "sh", ["-c", "pactl list short source-outputs | grep -q ."]);
    // It has played silence two seconds ahead already; only its suspension forgets that.
    for (const suspended of ["1", "0"]) {
      await runOrFail("pactl", ["suspend-sink", sink, suspended]);
    }
  }

  /** The process that clients talk to. */
  get pid(): number {
    const [child] = this.#children;
    assert.ok(child?.pid !== undefined);
    return child.pid;
  }

  /** Kills the server and what belongs to it, as a crash would. */
  async kill(): Promise<void> {
    await Promise.all(this.#children.map(end));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  /** What the sink's monitor hears while something is done: stereo at 48 kHz. */
  async record(action: () => Promise<void>): Promise<Float32Array> {
    const file = path.join(world, `recording-${this.#recordings++}.raw`);
    const recorder = startInto(file, ...recorders[this.name]);
    const exited = once(recorder, "exit");
    try {
      await eventually("The recording", () => statSync(file).size > 0);
      await action();
      await sleep(recordingTailMs);
    } finally {
      signal(recorder, "SIGINT");
      await exited;
    }
    const { buffer, byteLength } = new Uint8Array(await readFile(file));
    return new Float32Array(buffer, 0, Math.floor(byteLength / 4));
  }
}
