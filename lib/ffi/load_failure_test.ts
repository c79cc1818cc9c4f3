import assert from "node:assert/strict";
import { test } from "node:test";
import { loadFailure } from "./load_failure.ts";

const PATH = "/app/native/x86_64-linux/libhalflap.so";

function codeOf(text: string): string {
  const cause = new Error(text);
  const error = loadFailure(PATH, cause);
  assert.equal(error.cause, cause);
  return error.code;
}

test("a missing library is told apart, in the words of either runtime", () => {
  const reason = `${PATH}: cannot open shared object file: No such file or directory`;
  assert.equal(codeOf(`Could not open library: ${reason}`), "ERR_HALFLAP_ENGINE_NOT_FOUND");
  assert.equal(
    codeOf(`Failed to open library "${PATH}": ${reason}`),
    "ERR_HALFLAP_ENGINE_NOT_FOUND",
  );
});

test("a library that the library needs is not taken for the library", () => {
  const reason = "libfoo.so.1: cannot open shared object file: No such file or directory";
  assert.equal(codeOf(`Could not open library: ${reason}`), "ERR_HALFLAP_ENGINE_LOAD");
});

test("the words of musl's dynamic linker mean an unsupported system", () => {
  const words = [
    `Error loading shared library ld-linux-x86-64.so.2: No such file (needed by ${PATH})`,
    `Error relocating ${PATH}: __vsnprintf_chk: symbol not found`,
  ];
  for (const text of words) assert.equal(codeOf(text), "ERR_HALFLAP_UNSUPPORTED_PLATFORM");
});

test("any other failure keeps the linker's words", () => {
  const error = loadFailure(PATH, new Error(`${PATH}: invalid ELF header`));
  assert.equal(error.code, "ERR_HALFLAP_ENGINE_LOAD");
  assert.match(error.message, /invalid ELF header/);
});
