/**
 * What streams say of faults: each kind, with random amounts, moments and sizes, under each policy by
 * each path. At least 99 % of each get the right cause, and undisturbed streams tell nothing at all.
 * The table that is printed is the one in ARCHITECTURE.md, as long as all are right.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { XrunPolicy } from "../mod.ts";
import { policies } from "./faults/sizes.ts";
import { type Row, rows, trials, tryFault, type Verdict, verdicts } from "./faults/trial.ts";
import { accesses, test } from "./harness.ts";
import { replay, seed } from "./seed.ts";

const trialsPerPath = 40;
const leastRight = 0.99;

const counts = new Map<Row, Map<Verdict, number>>(rows.map((row) => [row, new Map()]));
const wrong: string[] = [];

async function tryAll(row: Row, policy: XrunPolicy, access: "mmap" | "write"): Promise<void> {
  const counted = counts.get(row)!;
  const samples = fc.sample(trials, { seed: seed + rows.indexOf(row), numRuns: trialsPerPath });
  for (const trial of samples) {
    const verdict = await tryFault(row, trial, policy, access);
    counted.set(verdict, (counted.get(verdict) ?? 0) + 1);
    if (verdict === row.right) continue;
    wrong.push(`${row.name}, ${policy}, ${access}: ${verdict}: ${JSON.stringify(trial)}`);
  }
}

for (const policy of policies) {
  for (const access of accesses) {
    test(`faults are told by ${access}, policy ${policy}`, async () => {
      for (const row of rows) await tryAll(row, policy, access);
    });
  }
}

const trialsPerRow = trialsPerPath * policies.length * accesses.length;
const shareOf = (row: Row): number => (counts.get(row)!.get(row.right) ?? 0) / trialsPerRow;

function tableLines(): string[] {
  const cells = (texts: readonly string[]): string => `| ${texts.join(" | ")} |`;
  const told = verdicts.filter((verdict) => [...counts.values()].some((row) => row.has(verdict)));
  const head = ["Fault", ...told, "right"];
  const body = rows.map((row) => {
    const numbers = told.map((verdict) => String(counts.get(row)!.get(verdict) ?? ""));
    return [row.name, ...numbers, `${(100 * shareOf(row)).toFixed(1)} %`];
  });
  return [
    cells(head),
    cells(head.map((_, column) => column === 0 ? "---" : "---:")),
    ...body.map(cells),
  ];
}

test("at least 99 % of the faults get the right cause, and no undisturbed stream tells one", () => {
  console.log(tableLines().join("\n"));
  const message = [...wrong.slice(0, 20), replay("fault_verdicts")].join("\n");
  for (const row of rows) {
    const least = row.name === "none" ? 1 : leastRight;
    assert.ok(shareOf(row) >= least, `${row.name}: ${shareOf(row)}\n${message}`);
  }
});
