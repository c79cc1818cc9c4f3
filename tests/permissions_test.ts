/**
 * What Deno must permit: the library's path and nothing else, wherever the module is imported from.
 * Under Bun the same programs are run, by the pinned Deno.
 */
import assert from "node:assert/strict";
import { cpSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { root, test } from "./harness.ts";
import { deno, type Finished, run, runOrFail, temporaryFolder } from "./programs.ts";

const libraryFile = "native/x86_64-linux/libhalflap.so";

interface Modules {
  readonly main: string;
  readonly testing: string;
}

const modulesOf = (checkout: string): Modules => ({
  main: `${checkout}/mod.ts`,
  testing: `${checkout}/lib/testing/mod.ts`,
});
const packageModules: Modules = { main: "halflap", testing: "halflap/testing" };

/** Does all that needs no view of native memory, and prints what came of it. */
const everything = ({ main, testing }: Modules): string => `
import {
  asoundrcSnippet, clip, listDevices, openPlayback, probeDevice, silence, tone, watchDevices,
} from ${JSON.stringify(main)};
import { engineCounters, openVirtualCard } from ${JSON.stringify(testing)};

const samples = Int16Array.from({ length: 5000 }, (_, n) => n + 1);
const states = [];
const result = {};
{
  await using card = await openVirtualCard();
  await using out = await openPlayback({ device: card.device, format: "s16", channels: 1 });
  out.addEventListener("statechange", ({ state }) => states.push(state));
  const written = out.write(samples).then(() => out.drain());
  await card.advance(6000);
  await written;
  let isPiping = true;
  const piped = new Blob([samples]).stream().pipeTo(out.writable).finally(() => isPiping = false);
  while (isPiping) await card.advance(480);
  await piped;
  const given = [...samples, ...samples];
  const played = card.played().filter((sample) => sample !== 0);
  result.exact = played.length === given.length && given.every((sample, n) => sample === played[n]);
  const { framesPlayed, xruns } = out.stats();
  Object.assign(result, { framesPlayed, xruns: xruns.count, contextTime: out.getOutputTimestamp().contextTime });
  result.device = out.granted.device;
  await out.write(samples.subarray(0, 1000));
  out.addEventListener("xrun", ({ number }) => result.xrunEvent = number);
  await card.advance(6000);
}
for (const source of [tone({ frequencyHz: 440 }), clip(new Float32Array(9600), { loop: true }), silence()]) {
  await using out = await openPlayback({ device: "virtual", source });
  while (out.stats().framesPlayed === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  out.setGain(0.5, { rampMs: 1 });
  await out.pause();
  await out.resume();
}
const watch = watchDevices();
const change = watch.next();
result.listed = (await listDevices({ probe: true })).at(-1).device;
result.probed = (await probeDevice("null")).pcmType;
await watch.return();
result.watched = (await change).done;
result.states = [...new Set(states)];
result.counters = engineCounters();
result.snippet = asoundrcSnippet();
console.log(JSON.stringify(result));
`;

function assertEverythingWorked({ code, stdout, stderr }: Finished, library: string): void {
  assert.equal(code, 0, stderr);
  const result = JSON.parse(stdout);
  assert.equal(result.exact, true, "other samples were played");
  assert.equal(result.framesPlayed, 10_000);
  assert.equal(result.contextTime, 10_000 / 48_000);
  assert.deepEqual([result.xruns, result.xrunEvent], [0, 1]);
  for (const state of ["running", "draining", "prepared"]) {
    assert.ok(result.states.includes(state), `${result.states} lacks "${state}"`);
  }
  assert.deepEqual([result.listed, result.probed, result.watched], ["virtual", "null", true]);
  const { streams, cards, pcms } = result.counters;
  assert.deepEqual([streams, cards, pcms], [0, 0, 0]);
  assert.ok(result.snippet.includes(`"${library}"`), result.snippet);
}

/** Another name of Deno: one that starts itself adds --allow-all, unless it is not recognised. */
function linkDeno(folder: string): string {
  const link = path.join(folder, "deno");
  if (!existsSync(link)) symlinkSync(deno, link);
  return link;
}

/** Writes a program and runs it in its folder under Deno, which has no standard input to ask at. */
function runDeno(
  folder: string,
  flags: readonly string[],
  code: string,
): Promise<Finished> {
  writeFileSync(path.join(folder, "program.mjs"), code);
  const env = { HALFLAP_LIBRARY: undefined };
  return run(linkDeno(folder), ["run", ...flags, "program.mjs"], { cwd: folder, env });
}

/** A project that depends on the package, and the package as npm installs it. */
async function installPackage(project: string, folder: string): Promise<void> {
  writeFileSync(path.join(project, "package.json"), '{ "dependencies": { "halflap": "*" } }');
  for (const file of ["package.json", libraryFile]) {
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    cpSync(path.join(root, file), path.join(folder, file));
  }
  const tsc = path.join(root, "node_modules/typescript/bin/tsc");
  const config = path.join(root, "tsconfig.dist.json");
  const dist = path.join(folder, "dist");
  await runOrFail(deno, ["run", "--allow-all", tsc, "--project", config, "--outDir", dist]);
}

const paths = (folder: string, name: string) => {
  const checkout = path.join(folder, name);
  return { checkout, library: path.join(checkout, libraryFile) };
};

test("from a checkout the library is all that must be permitted", async () => {
  await using folder = await temporaryFolder();
  const library = path.join(root, libraryFile);
  const flags = [`--allow-ffi=${library}`];
  const finished = await runDeno(folder.path, flags, everything(modulesOf(root)));
  assertEverythingWorked(finished, library);
});

test("through a symlinked checkout the library is all that must be permitted", async () => {
  await using folder = await temporaryFolder();
  const { checkout, library } = paths(folder.path, "link");
  symlinkSync(root, checkout);
  for (
    const permitted of [library, `.${library.slice(folder.path.length)}`, `${checkout}/native`]
  ) {
    const flags = [`--allow-ffi=${permitted}`];
    const finished = await runDeno(folder.path, flags, everything(modulesOf(checkout)));
    assertEverythingWorked(finished, library);
  }
});

test("from node_modules the library is all that must be permitted", async () => {
  await using folder = await temporaryFolder();
  const { checkout, library } = paths(folder.path, "node_modules/halflap");
  await installPackage(folder.path, checkout);
  for (const permitted of [library, `./node_modules/halflap/${libraryFile}`]) {
    const flags = [`--allow-ffi=${permitted}`];
    const finished = await runDeno(folder.path, flags, everything(packageModules));
    assertEverythingWorked(finished, library);
  }
});

test("through a link in node_modules either path of the library may be permitted", async () => {
  await using folder = await temporaryFolder();
  const store = paths(folder.path, "store/halflap");
  await installPackage(folder.path, store.checkout);
  const linked = paths(folder.path, "node_modules/halflap");
  mkdirSync(path.dirname(linked.checkout));
  symlinkSync("../store/halflap", linked.checkout);
  for (const { library } of [store, linked]) {
    const flags = [`--allow-ffi=${library}`];
    const finished = await runDeno(folder.path, flags, everything(packageModules));
    assertEverythingWorked(finished, library);
  }
});

test("HALFLAP_LIBRARY counts where it may be read, and is passed over in silence elsewhere", async () => {
  await using folder = await temporaryFolder();
  const copy = path.join(folder.path, "copy.so");
  const library = path.join(root, libraryFile);
  cpSync(library, copy);
  const env = { HALFLAP_LIBRARY: copy };
  writeFileSync(path.join(folder.path, "program.mjs"), everything(modulesOf(root)));
  for (
    const [flags, loaded] of [
      [["--allow-env=HALFLAP_LIBRARY", `--allow-ffi=${copy}`], copy],
      [[`--allow-ffi=${library}`], library],
      [["--deny-env", `--allow-ffi=${library}`], library],
    ] as const
  ) {
    const args = ["run", ...flags, "program.mjs"];
    const finished = await run(linkDeno(folder.path), args, { cwd: folder.path, env });
    assertEverythingWorked(finished, loaded);
  }
});

const importing = ({ main, testing }: Modules): string => `
import * as halflap from ${JSON.stringify(main)};
import * as testing from ${JSON.stringify(testing)};
const source = halflap.tone({ frequencyHz: 440 });
console.log(typeof halflap.openPlayback, typeof testing.openVirtualCard, source.kind);
`;

/** Tries to open a stream and a card, and prints the errors. */
const failing = ({ main, testing }: Modules): string => `
import { HalflapError, openPlayback } from ${JSON.stringify(main)};
import { engineCounters, openVirtualCard } from ${JSON.stringify(testing)};
const errors = [];
for (const open of [() => openPlayback({ device: "virtual" }), openVirtualCard, engineCounters]) {
  try {
    await open();
  } catch (error) {
    const { name, code, message, hint } = error;
    errors.push({ name, code, message, hint, typed: error instanceof HalflapError });
  }
}
console.log(JSON.stringify(errors));
`;

interface Failure {
  readonly name: string;
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly typed: boolean;
}

function failuresIn(stdout: string): readonly Failure[] {
  const failures = JSON.parse(stdout);
  assert.equal(failures.length, 3, stdout);
  return failures;
}

/** All three failures must name the flag; returns it. */
function assertFlagIsNamed(stdout: string, library: string): string {
  for (const { name, code, message, hint, typed } of failuresIn(stdout)) {
    assert.deepEqual([name, code, typed], ["HalflapError", "ERR_HALFLAP_FFI_PERMISSION", true]);
    assert.ok(hint.includes(`--allow-ffi=${library}`), hint);
    assert.ok(message.includes(hint) && message.includes(`"${library}"`), message);
  }
  return failuresIn(stdout)[0]?.hint.replace(/^.*?--allow-ffi/, "--allow-ffi") ?? "";
}

test("importing takes no permission, and works where nothing else does", async () => {
  await using folder = await temporaryFolder();
  for (
    const flags of [["--no-prompt"], [], ["--deny-ffi", "--deny-read", "--deny-env", "--deny-sys"]]
  ) {
    const { code, stdout, stderr } = await runDeno(folder.path, flags, importing(modulesOf(root)));
    assert.equal(code, 0, stderr);
    assert.equal(stdout, "function function tone\n");
    assert.equal(stderr, "");
  }
});

test("what is not permitted is a typed error with the very flag that mends it", async () => {
  await using folder = await temporaryFolder();
  const { checkout, library } = paths(folder.path, "link");
  symlinkSync(root, checkout);
  const modules = modulesOf(checkout);
  const insufficient = [
    ["--no-prompt"],
    [],
    ["--allow-ffi=/tmp/other.so"],
    ["--allow-read", "--allow-env", "--allow-sys"],
    ["--deny-ffi"],
    ["--allow-ffi", "--deny-ffi"],
  ];
  for (const flags of insufficient) {
    const { code, stdout, stderr } = await runDeno(folder.path, flags, failing(modules));
    assert.deepEqual([code, stderr], [0, ""], flags.join(" "));
    const flag = assertFlagIsNamed(stdout, library);
    const mended = await runDeno(folder.path, [flag], everything(modules));
    assertEverythingWorked(mended, library);
  }
});

test("from node_modules the error names the path that mends it", async () => {
  await using folder = await temporaryFolder();
  const { checkout, library } = paths(folder.path, "node_modules/halflap");
  await installPackage(folder.path, checkout);
  const { stdout } = await runDeno(folder.path, ["--no-prompt"], failing(packageModules));
  const flag = assertFlagIsNamed(stdout, library);
  assertEverythingWorked(await runDeno(folder.path, [flag], everything(packageModules)), library);
});

test("the flag of the error can be pasted into a shell", async () => {
  await using folder = await temporaryFolder();
  const { checkout, library } = paths(folder.path, "with $pace's");
  symlinkSync(root, checkout);
  const modules = modulesOf(checkout);
  const { stdout } = await runDeno(folder.path, ["--no-prompt"], failing(modules));
  const [failure] = failuresIn(stdout);
  const flag = failure?.hint.replace(/^.*?--allow-ffi/, "--allow-ffi");
  writeFileSync(path.join(folder.path, "program.mjs"), everything(modules));
  const command = `${linkDeno(folder.path)} run --no-prompt ${flag} program.mjs`;
  assertEverythingWorked(await run("sh", ["-c", command], { cwd: folder.path }), library);
});

test("at a terminal nobody is asked for permission", async () => {
  await using folder = await temporaryFolder();
  const modules = modulesOf(root);
  const library = path.join(root, libraryFile);
  for (
    const [flags, code] of [["", failing(modules)], [`--allow-ffi=${library}`, everything(modules)]]
  ) {
    writeFileSync(path.join(folder.path, "program.mjs"), code ?? "");
    const command = `exec ${linkDeno(folder.path)} run ${flags} program.mjs`;
    // Its standard input stays open, as somebody's who could answer.
    const options = { cwd: folder.path, input: null };
    const finished = await run("script", ["-qec", command, "/dev/null"], options);
    assert.equal(finished.code, 0, finished.stdout);
    assert.doesNotMatch(finished.stdout, /Allow\?|requests|prompt/i);
    if (flags === "") assertFlagIsNamed(finished.stdout, library);
    else assertEverythingWorked(finished, library);
  }
});
