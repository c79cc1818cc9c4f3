/**
 * The package as users get it: packed, installed into an empty project, and played from there,
 * under the runtime that runs this file.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The package, packed and installed. */
interface Installation {
  /** A temporary folder, which has all else in it. */
  readonly folder: string;
  /** The project that the package is installed in. */
  readonly project: string;
  readonly tarball: string;
  readonly packedFiles: readonly string[];
}

const root = path.resolve(fileURLToPath(import.meta.url), "../..");
const cpuFolders: Readonly<Record<string, string>> = {
  x64: "x86_64-linux",
  arm64: "aarch64-linux",
};
const commandTimeoutMs = 110_000;
const playedFrames = 4800;
const playScript = `
import { openPlayback } from "halflap";
import { openVirtualCard } from "halflap/testing";

const frames = ${playedFrames};
const samples = new Float32Array(2 * frames);
for (let index = 0; index < samples.length; index++) {
  samples[index] = 0.5 * Math.sin((2 * Math.PI * 440 * (index >> 1)) / 48_000);
}
const out = await openPlayback({ device: "virtual", rate: 48_000, channels: 2, format: "f32" });
await out.write(samples);
await out.drain({ timeoutMs: 5000 });
const { framesAccepted, framesPlayed } = out.stats();
await out.close();
console.log(JSON.stringify({
  framesAccepted,
  framesPlayed,
  openVirtualCard: typeof openVirtualCard,
}));
`;

/** The environment without what an outer `npm run` put there for itself. */
function plainEnvironment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(([name]) => !name.startsWith("npm_"));
  return { ...Object.fromEntries(entries), DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" };
}

function run(
  command: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = plainEnvironment(),
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    // By "env": Deno starts itself with all permissions, whatever the arguments say.
    const words = [command, ...args];
    execFile(
      "/usr/bin/env",
      words,
      { cwd, env, timeout: commandTimeoutMs },
      (error, stdout, stderr) => {
        if (error === null) return resolve({ code: 0, stdout, stderr });
        if (typeof error.code === "number") return resolve({ code: error.code, stdout, stderr });
        reject(error);
      },
    );
  });
}

async function runOrFail(command: string, args: readonly string[], cwd: string): Promise<string> {
  const { code, stdout, stderr } = await run(command, args, cwd);
  assert.equal(code, 0, `"${command} ${args.join(" ")}" exited with ${code}\n${stdout}${stderr}`);
  return stdout;
}

/** Node by its path, so that it can be started where PATH leads nowhere. */
function findNode(): string {
  const candidates = (process.env.PATH ?? "").split(":").map((name) => path.join(name, "node"));
  const found = candidates.find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  assert.ok(found, "Node is not on PATH: install it");
  return found;
}

const fromModules = (file: string): string => path.join(root, "node_modules", file);

function libraryIn(project: string): string {
  const cpuFolder = cpuFolders[process.arch];
  assert.ok(cpuFolder, `There is no library for "${process.arch}"`);
  return path.join(project, "node_modules/halflap/native", cpuFolder, "libhalflap.so");
}

async function install(): Promise<Installation> {
  const folder = await realpath(await mkdtemp(path.join(tmpdir(), "halflap-package-")));
  const project = path.join(folder, "project");
  await mkdir(project);
  const packed = await runOrFail("npm", ["pack", "--json", "--pack-destination", folder], root);
  // Scripts that npm runs before it packs may write to the same stream.
  const [report] = JSON.parse(packed.slice(packed.search(/^\[/m)));
  const tarball = path.join(folder, report.filename);
  const packedFiles = report.files.map((file: { path: string }) => file.path);
  await writeFile(path.join(project, "package.json"), '{ "private": true, "type": "module" }\n');
  await writeFile(path.join(project, "play.js"), playScript);
  const flags = ["--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts"];
  await runOrFail("npm", ["install", ...flags, tarball], project);
  return { folder, project, tarball, packedFiles };
}

let installation: Promise<Installation> | undefined;

/** Installs once for all tests. A failure fails each: runners go on after a failed `before`. */
function installed(): Promise<Installation> {
  return installation ??= install();
}

after(async () => {
  const { folder } = await installed();
  await rm(folder, { recursive: true });
});

test("package has the compiled module, both libraries, and no sources", async () => {
  const { packedFiles } = await installed();
  for (
    const file of [
      "dist/mod.js",
      "dist/mod.d.ts",
      "dist/lib/testing/mod.js",
      "dist/lib/testing/mod.d.ts",
      "dist/lib/cli/main.js",
      "bin/halflap.js",
      "native/x86_64-linux/libhalflap.so",
      "native/aarch64-linux/libhalflap.so",
      "LICENSE",
      "README.md",
      "CHANGELOG.md",
    ]
  ) {
    assert.ok(packedFiles.includes(file), `"${file}" is not packed`);
  }
  const sources = packedFiles.filter((file) => /(?<!\.d)\.ts$|\.zig$|_test\./.test(file));
  assert.deepEqual(sources, []);
});

test("installed package plays with permission for its library alone", async () => {
  const { project } = await installed();
  const denoFlags = ["run", "--no-prompt", `--allow-ffi=${libraryIn(project)}`];
  const flags = process.versions.deno === undefined ? [] : denoFlags;
  const stdout = await runOrFail(process.execPath, [...flags, "play.js"], project);
  assert.deepEqual(JSON.parse(stdout), {
    framesAccepted: playedFrames,
    framesPlayed: playedFrames,
    openVirtualCard: "function",
  });
});

test("installed command starts a runtime under Node", async () => {
  const { project } = await installed();
  const command = path.join(project, "node_modules/.bin/halflap");
  const env = plainEnvironment();
  env.PATH = `${path.dirname(process.execPath)}:${env.PATH}`;
  const { code, stdout, stderr } = await run(findNode(), [command, "path"], project, env);
  assert.equal(code, 0, stderr);
  assert.equal(stdout.trim(), libraryIn(project));
});

test("installed command says how to get a runtime where there is none", async () => {
  const { project } = await installed();
  const command = path.join(project, "node_modules/.bin/halflap");
  const env = { ...plainEnvironment(), PATH: project };
  const { code, stdout, stderr } = await run(findNode(), [command, "path"], project, env);
  assert.equal(code, 1);
  assert.equal(stdout, "");
  assert.match(stderr, /^Cannot find Deno or Bun/);
  assert.match(stderr, /npm install/);
});

test("publint finds nothing wrong", async () => {
  const { tarball } = await installed();
  await runOrFail(findNode(), [fromModules("publint/src/cli.js"), tarball, "--strict"], root);
});

test("attw resolves the types of every entry point", async () => {
  const { tarball } = await installed();
  const attw = fromModules("@arethetypeswrong/cli/dist/index.js");
  const flags = ["--profile", "esm-only", "--no-emoji", "--format", "ascii"];
  const stdout = await runOrFail(findNode(), [attw, tarball, ...flags], root);
  // A package without any types passes attw.
  assert.match(stdout, /"halflap\/testing"/);
});
