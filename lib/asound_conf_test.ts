import assert from "node:assert/strict";
import { test } from "node:test";
import { asoundrcSnippet, TAP_VARIABLE } from "./asound_conf.ts";

test("the snippet names the library and the variable of the tap", () => {
  const snippet = asoundrcSnippet("/opt/libhalflap.so");
  assert.match(snippet, /^pcm_type\.halflap \{\n {2}lib "\/opt\/libhalflap\.so"\n\}$/m);
  assert.match(snippet, new RegExp(`vars \\[ ${TAP_VARIABLE} \\]`));
});

test("a path cannot end its string", () => {
  assert.match(asoundrcSnippet('/a"b\\c/lib.so'), /lib "\/a\\"b\\\\c\/lib\.so"/);
});

test("without an argument it is the library of this module", () => {
  assert.match(asoundrcSnippet(), /lib "\/.+\/native\/[a-z0-9_]+-linux\/libhalflap\.so"/);
});
