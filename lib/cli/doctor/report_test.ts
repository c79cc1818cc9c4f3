import assert from "node:assert/strict";
import { test } from "node:test";
import type { Check } from "./check.ts";
import { reportText } from "./report.ts";

const well: Check = {
  id: "a",
  area: "Sound",
  title: "Card",
  status: "ok",
  found: "0 PCH",
  meaning: "Plays.",
};
const bad: Check = {
  id: "b",
  area: "Kernel",
  title: "Preemption",
  status: "advice",
  found: "none",
  meaning: "Makes late.",
  mend: "boot another",
};

test("checks are grouped by area, and their columns are aligned", () => {
  assert.equal(
    reportText([well, bad]),
    `Sound
  ok       Card        0 PCH

Kernel
  advice   Preemption  none
                       Makes late.
                       Mend: boot another

2 checks: 1 with advice
`,
  );
});

test("lines end within 100 columns and no word is lost", () => {
  const found = Array.from({ length: 60 }, (_, index) => `word${index}`).join(" ");
  const text = reportText([{ ...bad, found, meaning: found, mend: found }]);
  for (const line of text.split("\n")) assert.ok(line.length <= 100, line);
  const words = text.split(/\s+/).filter((word) => word.startsWith("word"));
  assert.deepEqual(words, [found, found, found].join(" ").split(" "));
});

test("summary counts what is not well", () => {
  const last = (...checks: Check[]): string | undefined =>
    reportText(checks).trimEnd().split("\n").at(-1);
  assert.equal(last(well, well), "2 checks: all well");
  const problem: Check = { ...bad, status: "problem" };
  const unknown: Check = { ...well, status: "unknown" };
  assert.equal(
    last(well, bad, problem, problem, unknown),
    "5 checks: 2 problems, 1 with advice, 1 unknown",
  );
});
