import assert from "node:assert/strict";
import { test } from "node:test";
import { type LibraryLocation, libraryPath, libraryPaths } from "./library.ts";

const CHECKOUT: LibraryLocation = {
  platform: "linux",
  arch: "x64",
  moduleUrl: "file:///home/u/half%20lap/lib/ffi/library.ts",
  cwd: "/work",
  override: undefined,
};

test("in a checkout the library is in native/", () => {
  const [path] = libraryPaths(CHECKOUT);
  assert.equal(path, "/home/u/half lap/native/x86_64-linux/libhalflap.so");
});

test("in a package the library is in native/ beside dist/", () => {
  const moduleUrl = "file:///app/node_modules/halflap/dist/lib/ffi/library.js";
  const [path] = libraryPaths({ ...CHECKOUT, moduleUrl, arch: "arm64" });
  assert.equal(path, "/app/node_modules/halflap/native/aarch64-linux/libhalflap.so");
});

test("the path through node_modules of the working directory is the second choice", () => {
  const [, path] = libraryPaths(CHECKOUT);
  assert.equal(path, "/work/node_modules/halflap/native/x86_64-linux/libhalflap.so");
});

test("HALFLAP_LIBRARY is the only choice where it is set, on any system", () => {
  const location = { ...CHECKOUT, platform: "freebsd", arch: "mips" };
  assert.deepEqual(libraryPaths({ ...location, override: "/opt/x.so" }), ["/opt/x.so"]);
  assert.deepEqual(libraryPaths({ ...location, override: "x.so" }), ["/work/x.so"]);
});

test("other systems, processors and remote modules are clear errors", () => {
  const wrong: [Partial<LibraryLocation>, string, RegExp][] = [
    [{ platform: "darwin" }, "ERR_HALFLAP_UNSUPPORTED_PLATFORM", /"darwin".*Linux/],
    [{ arch: "riscv64" }, "ERR_HALFLAP_UNSUPPORTED_PLATFORM", /"riscv64".*HALFLAP_LIBRARY/],
    [{ moduleUrl: "https://x.test/lib/ffi/library.ts" }, "ERR_HALFLAP_ENGINE_NOT_FOUND", /npm/],
  ];
  for (const [change, code, message] of wrong) {
    assert.throws(() => libraryPaths({ ...CHECKOUT, ...change }), {
      name: "HalflapError",
      code,
      message,
    });
  }
});

const backend = {
  viewPermission: () => "granted" as const,
  isMusl: () => false,
  abiHash: () => 0,
  load: () => assert.fail("nothing is to be loaded"),
};

test("of the paths the one that may be loaded is taken", () => {
  const path = libraryPath({
    ...backend,
    env: () => undefined,
    loadPermission: (path) => path.includes("/node_modules/halflap/") ? "granted" : "prompt",
  });
  assert.match(path, /\/node_modules\/halflap\/native\//);
});

test("without any permission the preferred path is named", () => {
  const preferred = libraryPath({
    ...backend,
    env: () => undefined,
    loadPermission: () => "granted",
  });
  for (const state of ["prompt", "denied"] as const) {
    const path = libraryPath({ ...backend, env: () => undefined, loadPermission: () => state });
    assert.equal(path, preferred);
  }
  assert.doesNotMatch(preferred, /node_modules/);
});

test("a path that is forbidden is not replaced by another", () => {
  const path = libraryPath({
    ...backend,
    env: () => undefined,
    loadPermission: (path) => path.includes("node_modules") ? "granted" : "denied",
  });
  assert.doesNotMatch(path, /node_modules/);
});
