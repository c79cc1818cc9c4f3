/** The steps of the tests: each is told with its counts as it ends, and all are added up. */
import process from "node:process";
import { formatSeconds, startSpinner } from "./progress.mjs";
import { CommandError } from "./subprocess.mjs";

const nameColumns = 52;

const totals = { passed: 0, failed: 0, skipped: 0, failures: [], notRun: [] };

function printResult(name, { passed, failed, skipped = 0 }, startMs) {
  const verdict = failed > 0 ? "FAIL" : "ok  ";
  const counts = [
    `${passed} passed`,
    failed && `${failed} failed`,
    skipped && `${skipped} skipped`,
  ];
  const seconds = formatSeconds(performance.now() - startMs).padStart(8);
  const text = counts.filter(Boolean).join(", ");
  process.stdout.write(`${verdict}  ${name.padEnd(nameColumns)} ${seconds}  ${text}\n`);
}

/**
 * Runs one step and adds its counts to the totals. A step returns `passed`, `failedNames`,
 * `output`, and `skipped` where it can; its output is shown only when something failed, but for the
 * tables in it.
 */
export async function runStep(name, action) {
  const startMs = performance.now();
  const stopSpinner = startSpinner(name);
  const { passed, failedNames, skipped = 0, output } = await action().catch((error) => {
    if (!(error instanceof CommandError)) throw error;
    return { passed: 0, failedNames: [error.message], output: error.output };
  });
  stopSpinner();
  const failed = failedNames.length;
  printResult(name, { passed, failed, skipped }, startMs);
  const shown = failed > 0 ? output.trimEnd() : output.match(/^\|.*$/gm)?.join("\n") ?? "";
  if (shown !== "") process.stdout.write(`${shown.replace(/^/gm, "      ")}\n`);
  totals.passed += passed;
  totals.failed += failed;
  totals.skipped += skipped;
  totals.failures.push(...failedNames.map((failure) => `${name}: ${failure}`));
}

/** Steps that were begun side by side, told one after the other. */
export async function runSteps(steps) {
  for (const { name, result } of steps) await runStep(name, () => result);
}

/** The counts of a step that is one test; `failure` says what is wrong. */
export const asOneTest = (failure, output) => ({
  passed: failure === undefined ? 1 : 0,
  failedNames: failure === undefined ? [] : [failure],
  output,
});

/** Tells what was not run, and why. */
export function noteNotRun(what, why) {
  process.stdout.write(`NOT RUN  ${what}: ${why}\n`);
  totals.notRun.push(what);
}

/** Tells what failed and what was not run, and closes with the sums; returns whether all passed. */
export function printTotals() {
  const { passed, failed, skipped, failures, notRun } = totals;
  if (failures.length > 0) process.stdout.write(`\nFailed:\n  ${failures.join("\n  ")}\n`);
  if (notRun.length > 0) process.stdout.write(`\nNot run:\n  ${notRun.join("\n  ")}\n`);
  const tail = skipped > 0 ? `, ${skipped} skipped` : "";
  process.stdout.write(`\n${passed} passed, ${failed} failed${tail}\n`);
  return failed === 0;
}
