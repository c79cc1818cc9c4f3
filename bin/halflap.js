#!/usr/bin/env node
/**
 * The `halflap` command. Deno and Bun run it in place; Node, which cannot load the engine, starts
 * one of them with the same arguments and only the permissions that the command needs.
 */
import { spawn, spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(import.meta.url);
const packageFolder = path.resolve(script, "../..");
const forwardedSignals = ["SIGINT", "SIGTERM", "SIGHUP"];
const cpuFolders = { x64: "x86_64-linux", arm64: "aarch64-linux" };

/** Where npm's platform packages keep the runtimes, and where their wrappers link them. */
const moduleFiles = [
  ["deno", "@deno/linux-x64-glibc/deno"],
  ["deno", "@deno/linux-arm64-glibc/deno"],
  ["deno", ".bin/deno"],
  ["bun", "@oven/bun-linux-x64/bin/bun"],
  ["bun", "@oven/bun-linux-aarch64/bin/bun"],
  ["bun", ".bin/bun"],
];

/** The sources are there in a checkout only, never in the package. */
function isCheckout() {
  try {
    return existsSync(path.join(packageFolder, "lib/cli/main.ts"));
  } catch {
    // Deno without permission to read: what is compiled can be imported all the same.
    return false;
  }
}

async function runHere() {
  const { main } = isCheckout()
    ? await import("../lib/cli/main.ts")
    : await import("../dist/lib/cli/main.js");
  process.exitCode = await main(process.argv.slice(2));
}

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A folder and all those above it. */
function ancestorsOf(folder) {
  const parent = path.dirname(folder);
  return parent === folder ? [folder] : [folder, ...ancestorsOf(parent)];
}

/** Runtimes on PATH, then in the node_modules of the user's project and of this package. */
function listRuntimes() {
  const searched = (process.env.PATH ?? "").split(":").filter(Boolean);
  const onPath = ["deno", "bun"].flatMap((name) =>
    searched.map((folder) => ({ name, file: path.join(folder, name) }))
  );
  const folders = new Set([...ancestorsOf(process.cwd()), ...ancestorsOf(packageFolder)]);
  const inModules = [...folders].flatMap((folder) =>
    moduleFiles.map(([name, file]) => ({ name, file: path.join(folder, "node_modules", file) }))
  );
  return [...onPath, ...inModules].filter(({ file }) => isExecutable(file));
}

const versionOf = (text) => text?.match(/\d+(?:\.\d+)+/)?.[0];

function isAtLeast(version, minimum) {
  return version.localeCompare(minimum, "en", { numeric: true }) >= 0;
}

/** The first runtime that is new enough, or a sentence for each one found that is not. */
function chooseRuntime() {
  const manifest = readFileSync(path.join(packageFolder, "package.json"), "utf8");
  const { engines } = JSON.parse(manifest);
  const refusals = [];
  for (const runtime of listRuntimes()) {
    const version = versionOf(spawnSync(runtime.file, ["--version"], { encoding: "utf8" }).stdout);
    const minimum = versionOf(engines[runtime.name]);
    if (version !== undefined && isAtLeast(version, minimum)) return { runtime, refusals };
    refusals.push(`"${runtime.file}" is ${version ?? "broken"}, at least ${minimum} is needed`);
  }
  return { refusals };
}

/** @param {string | undefined} command The subcommand. */
function denoPermissions(command) {
  // Deno guards /proc, /sys and /dev by all permissions together.
  if (["doctor", "inspect"].includes(command)) return ["--allow-all"];
  const cpuFolder = cpuFolders[process.arch];
  const packaged = cpuFolder && path.join(packageFolder, "native", cpuFolder, "libhalflap.so");
  const library = process.env.HALFLAP_LIBRARY
    ? path.resolve(process.env.HALFLAP_LIBRARY)
    : packaged;
  const searched = (process.env.PATH ?? "").split(":").filter(Boolean);
  const hasFfmpeg = searched.some((folder) => isExecutable(path.join(folder, "ffmpeg")));
  return [
    ...(library ? [`--allow-ffi=${library}`] : []),
    "--allow-read",
    "--allow-write",
    "--allow-env",
    // Deno warns about a permission to run what is not there.
    ...(hasFfmpeg ? ["--allow-run=ffmpeg"] : []),
  ];
}

function startIn({ name, file }) {
  const flags = name === "deno" ? ["run", "--no-prompt", ...denoPermissions(process.argv[2])] : [];
  const child = spawn(file, [...flags, script, ...process.argv.slice(2)], { stdio: "inherit" });
  for (const signal of forwardedSignals) {
    process.on(signal, () => {
      // Ctrl-C on a terminal reaches the whole process group, the child included.
      if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.on("error", (error) => {
    process.stderr.write(`Cannot start "${file}": ${error.message}\n`);
    process.exitCode = 1;
  });
  child.on("exit", (code, signal) => {
    for (const forwarded of forwardedSignals) process.removeAllListeners(forwarded);
    if (signal === null) process.exitCode = code;
    else process.kill(process.pid, signal);
  });
}

function runUnderNode() {
  const { runtime, refusals } = chooseRuntime();
  if (runtime !== undefined) return startIn(runtime);
  const found = refusals.map((refusal) => `  ${refusal}\n`).join("");
  process.stderr.write(`Cannot find Deno or Bun, one of which halflap runs in\n${found}`);
  process.stderr.write("Install one with: npm install deno, or: npm install bun\n");
  process.exitCode = 1;
}

if (process.versions.deno || process.versions.bun) await runHere();
else runUnderNode();
