import assert from "node:assert/strict";
import { test } from "node:test";
import { closedError, HalflapError, nativeError, WriteAbortedError } from "./errors.ts";
import { ErrorCode } from "./ffi/abi.generated.ts";

test("every error of the engine has a code of its own", () => {
  const codes = new Set<string>();
  for (const [name, result] of Object.entries(ErrorCode)) {
    if (name === "ok") continue;
    const error = nativeError({ result, text: "" });
    assert.equal(error.code, `ERR_HALFLAP_${name.toUpperCase()}`);
    assert.match(error.message, /^(?:[A-Z]|"|libasound)/);
    assert.doesNotMatch(error.message, /\.$/);
    codes.add(error.code);
  }
  assert.equal(codes.size, Object.keys(ErrorCode).length - 1);
});

test("an error carries what the engine said", () => {
  const error = nativeError({
    result: ErrorCode.device_busy,
    text: 'Cannot open "hw:0"',
    call: "snd_pcm_open",
    errno: 16,
  });
  assert.ok(error instanceof HalflapError && error instanceof Error);
  assert.equal(error.name, "HalflapError");
  assert.equal(error.errno, 16);
  assert.equal(error.call, "snd_pcm_open");
  assert.equal(error.message, `Cannot open "hw:0"; ${error.hint}`);
});

test("a server that does not run is to be started", () => {
  for (const errno of [111, 112]) {
    const { hint } = nativeError({ result: ErrorCode.device_not_found, text: "", errno });
    assert.match(hint ?? "", /^start the sound server/);
  }
  const { hint } = nativeError({ result: ErrorCode.device_not_found, text: "", errno: 2 });
  assert.doesNotMatch(hint ?? "", /server/);
});

test("what the engine did not say is undefined", () => {
  const error = nativeError({ result: ErrorCode.alsa, text: "", call: "", errno: 0 });
  assert.deepEqual([error.errno, error.call, error.hint, error.cause], Array(4).fill(undefined));
});

test("an unknown error of the engine is not hidden", () => {
  assert.throws(() => nativeError({ result: -999, text: "odd" }), /unknown error -999: odd/);
});

test("an aborted write is an AbortError with the signal's reason", () => {
  const error = new WriteAbortedError(12, "enough");
  assert.equal(error.name, "AbortError");
  assert.equal(error.framesWritten, 12);
  assert.equal(error.cause, "enough");
  assert.equal(error.code, "ERR_HALFLAP_ABORTED");
  assert.ok(error instanceof HalflapError);
});

test("the error of a closed stream names the failure that closed it", () => {
  const failure = new Error("gone");
  assert.equal(closedError("stream", failure).cause, failure);
  assert.equal(closedError("stream").code, "ERR_HALFLAP_CLOSED");
});
