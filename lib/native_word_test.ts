import assert from "node:assert/strict";
import { test } from "node:test";
import { wordOf } from "./native_word.ts";

const Fruit = { pear: 0, plum: 1, fig: -3 } as const;

test("each number of an enum has its word", () => {
  for (const [word, number] of Object.entries(Fruit)) assert.equal(wordOf(Fruit, number), word);
});

test("a number that the enum does not have is not hidden", () => {
  for (const number of [2, -1, 0.5, NaN]) {
    assert.throws(() => wordOf(Fruit, number), { message: new RegExp(`unknown value ${number}$`) });
  }
});
