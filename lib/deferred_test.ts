import assert from "node:assert/strict";
import { test } from "node:test";
import { Deferred } from "./deferred.ts";

const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0));

test("a deferred resolves, whether it was asked for before or after", async () => {
  const before = new Deferred();
  const { promise } = before;
  before.resolve();
  await promise;
  const after = new Deferred();
  after.resolve();
  await after.promise;
  assert.equal(after.promise, after.promise);
});

test("a deferred rejects, whether it was asked for before or after", async () => {
  const error = new Error("Wanted");
  const before = new Deferred();
  const rejected = assert.rejects(before.promise, error);
  before.reject(error);
  await rejected;
  const after = new Deferred();
  after.reject(error);
  await assert.rejects(after.promise, error);
});

test("the first outcome of a deferred counts", async () => {
  const deferred = new Deferred();
  deferred.resolve();
  deferred.reject(new Error("Too late"));
  await deferred.promise;
});

test("nobody has to handle the rejection of a deferred", async () => {
  const asked = new Deferred();
  assert.ok(asked.promise instanceof Promise);
  for (const deferred of [new Deferred(), asked]) deferred.reject(new Error("Nobody knows"));
  await tick();
});

test("a deferred that is not settled stays pending", async () => {
  const { promise } = new Deferred();
  assert.equal(await Promise.race([promise.then(() => "settled"), tick().then(() => "no")]), "no");
});
