/**
 * The border between TypeScript and the library: that the generated file and the library are of the
 * same sources, that another library is refused, and what the library asks of a system.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { test as nodeTest } from "node:test";
import { ABI_HASH, SYMBOLS } from "../lib/ffi/abi.generated.ts";
import { machines, readSharedLibrary, type SharedLibrary } from "./elf.ts";
import { root, test } from "./harness.ts";
import { type Finished, runOrFail, temporaryFolder, zig } from "./programs.ts";
import { openRawLibrary } from "./raw_library.ts";

const maximumBytes = 600 * 1024;
const newestGlibc = [2, 28] as const;
/** A build that nothing is cached for. */
const buildMs = 280_000;

/** What libasound looks for in the library of a PCM of the type "halflap". */
const pluginSymbols = ["_snd_pcm_halflap_open", "__snd_pcm_halflap_open_dlsym_pcm_001"];

type Target = keyof typeof machines;
const targets = Object.keys(machines) as readonly Target[];
const libraryOf = (target: Target): string => path.join(root, "native", target, "libhalflap.so");
const hostLibrary = libraryOf("x86_64-linux");

function readLibrary(target: Target): SharedLibrary {
  const file = libraryOf(target);
  assert.ok(existsSync(file), `There is no "${file}": run "npm run build -- --all"`);
  return readSharedLibrary(readFileSync(file));
}

nodeTest("the generated file is what the sources give", { timeout: buildMs }, async () => {
  await using folder = await temporaryFolder();
  const file = path.join(folder.path, "abi.generated.ts");
  const options = { cwd: path.join(root, "zig"), killAfterMs: buildMs };
  await runOrFail(zig, ["build", "abi", "--", file], options);
  const generated = readFileSync(file, "utf8");
  const committed = readFileSync(path.join(root, "lib/ffi/abi.generated.ts"), "utf8");
  assert.ok(generated === committed, 'run "npm run build" and commit "lib/ffi/abi.generated.ts"');
});

test("the library answers the hash of the generated file, and has all of its functions", async () => {
  const library = await openRawLibrary(hostLibrary);
  assert.equal(library.halflap_abi_hash(), ABI_HASH);
});

for (const target of targets) {
  test(`the library of ${target} exports its functions and those of an ALSA plug-in alone`, () => {
    const { exported, machine } = readLibrary(target);
    assert.equal(machine, machines[target]);
    assert.deepEqual(exported, [...Object.keys(SYMBOLS), ...pluginSymbols].sort());
  });

  test(`the library of ${target} needs the C library alone, of an old glibc`, () => {
    const { needed, neededVersions, imported } = readLibrary(target);
    const allowed = /^(?:lib(?:c|m|dl|pthread)\.so\.\d+|ld-linux-(?:x86-64|aarch64)\.so\.\d)$/;
    assert.deepEqual(needed.filter((name) => !allowed.test(name)), []);
    assert.deepEqual(imported.filter((name) => name.startsWith("snd_")), []);
    assert.ok(neededVersions.length > 0);
    for (const version of neededVersions) {
      const [, major, minor] = /^GLIBC_(\d+)\.(\d+)/.exec(version)?.map(Number) ?? [];
      assert.ok(major !== undefined && minor !== undefined, version);
      const isOld = major < newestGlibc[0] || major === newestGlibc[0] && minor <= newestGlibc[1];
      assert.ok(isOld, `${version} is newer than ${newestGlibc.join(".")}`);
    }
  });

  test(`the library of ${target} is stripped and small`, () => {
    const { sections } = readLibrary(target);
    const debugging = sections.filter((name) => /^\.(?:debug|symtab|strtab|zdebug)/.test(name));
    assert.deepEqual(debugging, []);
    const { size } = statSync(libraryOf(target));
    assert.ok(size <= maximumBytes, `${size} bytes are more than ${maximumBytes}`);
  });
}

/** Opens a stream, prints the error, and what the second attempt says. */
const openingProgram = `
import { HalflapError, openPlayback } from ${JSON.stringify(`${root}/mod.ts`)};
const errors = [];
for (let attempt = 0; attempt < 2; attempt++) {
  await openPlayback({ device: "virtual" }).catch((error) => {
    const { name, code, message, hint } = error;
    errors.push({ name, code, message, hint, typed: error instanceof HalflapError });
  });
}
console.log(JSON.stringify(errors));
`;

/** Opens a stream with another library, which must be refused; both attempts alike. */
async function assertRefused(folder: string, file: string, code: RegExp): Promise<void> {
  const program = path.join(folder, "program.mjs");
  writeFileSync(program, openingProgram);
  const flags = process.versions.bun === undefined ? ["run", "--allow-all"] : [];
  const env = { HALFLAP_LIBRARY: file };
  const finished: Finished = await runOrFail(process.execPath, [...flags, program], { env });
  const errors = JSON.parse(finished.stdout);
  assert.equal(errors.length, 2, finished.stdout);
  for (const { name, code: found, message, hint, typed } of errors) {
    assert.deepEqual([name, typed], ["HalflapError", true]);
    assert.match(found, code, message);
    assert.ok(message.includes(`"${file}"`), message);
    assert.ok(hint === undefined || message.endsWith(hint), message);
  }
}

const returnTypes: Readonly<Record<string, string>> = {
  u32: "unsigned",
  i32: "int",
  f64: "double",
};

/** A library with functions of these names that do nothing, and with a hash. */
async function buildLibrary(
  folder: string,
  names: readonly (keyof typeof SYMBOLS)[],
  hash: number,
): Promise<string> {
  const source = path.join(folder, "other.c");
  const file = path.join(folder, "other.so");
  const functions = names.filter((name) => name !== "halflap_abi_hash")
    .map((name) => `${returnTypes[SYMBOLS[name].result]} ${name}(void) { return 0; }`);
  functions.push(`unsigned halflap_abi_hash(void) { return ${hash >>> 0}u; }`);
  writeFileSync(source, functions.join("\n"));
  await runOrFail(zig, ["cc", "-shared", "-o", file, source], { killAfterMs: buildMs });
  return file;
}

const allNames = Object.keys(SYMBOLS) as readonly (keyof typeof SYMBOLS)[];

nodeTest("a library of another ABI is refused by its hash", { timeout: buildMs }, async () => {
  await using folder = await temporaryFolder();
  const file = await buildLibrary(folder.path, allNames, ABI_HASH ^ 1);
  await assertRefused(folder.path, file, /^ERR_HALFLAP_ENGINE_MISMATCH$/);
});

nodeTest("a library that lacks functions is refused as well", { timeout: buildMs }, async () => {
  await using folder = await temporaryFolder();
  const file = await buildLibrary(folder.path, allNames.slice(0, 3), ABI_HASH ^ 1);
  await assertRefused(folder.path, file, /^ERR_HALFLAP_ENGINE_MISMATCH$/);
});

test("what is no library of halflap at all is refused", async () => {
  await using folder = await temporaryFolder();
  const garbage = path.join(folder.path, "garbage.so");
  writeFileSync(garbage, "This is no library");
  await assertRefused(folder.path, garbage, /^ERR_HALFLAP_ENGINE_LOAD$/);
  const empty = path.join(folder.path, "empty.so");
  writeFileSync(empty, "");
  await assertRefused(folder.path, empty, /^ERR_HALFLAP_ENGINE_LOAD$/);
  await assertRefused(folder.path, folder.path, /^ERR_HALFLAP_ENGINE_LOAD$/);
  const missing = path.join(folder.path, "missing.so");
  await assertRefused(folder.path, missing, /^ERR_HALFLAP_ENGINE_NOT_FOUND$/);
  const foreign = path.join(folder.path, "foreign.so");
  writeFileSync(foreign, readFileSync(libraryOf("aarch64-linux")));
  // The dynamic linker takes a file for another processor for none.
  await assertRefused(folder.path, foreign, /^ERR_HALFLAP_ENGINE_(?:LOAD|NOT_FOUND)$/);
});
