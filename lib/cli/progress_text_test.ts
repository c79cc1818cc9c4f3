import assert from "node:assert/strict";
import { test } from "node:test";
import { progressText } from "./progress_text.ts";

const playing = { seconds: 65.34, totalSeconds: 130, peak: 0.5, xruns: 1 };

test("line has a bar, the time, the level and the xruns", () => {
  const line = progressText(playing, 80);
  assert.match(line, /^\[=+ +\] {2}1:05\.3 \/ 2:10\.0 {4}-6\.0 dBFS {2}1 xrun$/);
});

test("bar is filled as far as the time has come", () => {
  const filled = [0, 32.5, 65, 130, 200].map((seconds) => {
    const [, bar = ""] = /\[(=* *)\]/.exec(progressText({ ...playing, seconds }, 200)) ?? [];
    return bar.trim().length / bar.length;
  });
  assert.deepEqual(filled, [0, 0.25, 0.5, 1, 1]);
});

test("line stays on one row of any terminal", () => {
  for (let columns = 1; columns < 200; columns++) {
    assert.ok(progressText(playing, columns).length < columns, `${columns} columns`);
  }
});

test("input of unknown length has no bar, silence no level", () => {
  const line = progressText({ seconds: 0, totalSeconds: undefined, peak: 0, xruns: 0 }, 80);
  assert.equal(line, "0:00.0    -inf dBFS  0 xruns");
});
