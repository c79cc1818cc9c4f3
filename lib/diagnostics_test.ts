import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { test } from "node:test";
import { isCloseAwaited } from "./diagnostics.ts";

test("last statistics are made for those alone who subscribed to closes", () => {
  const listener = (): void => {};
  assert.equal(isCloseAwaited(), false);
  subscribe("halflap:open", listener);
  assert.equal(isCloseAwaited(), false);
  subscribe("halflap:close", listener);
  assert.equal(isCloseAwaited(), true);
  unsubscribe("halflap:close", listener);
  unsubscribe("halflap:open", listener);
  assert.equal(isCloseAwaited(), false);
});
