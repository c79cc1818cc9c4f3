/** Runs the Zig tests, and counts them. */
import { runZigBuild } from "./artifacts.mjs";
import { describeEnd } from "./subprocess.mjs";

/** Zig's summary line has the counts; a leak fails the run without failing a test in it. */
export async function runZigTests() {
  const result = await runZigBuild(["test", "--summary", "line"]);
  const summary = /; (\d+)\/(\d+) tests passed(?: \((.*)\))?/.exec(result.output);
  if (summary === null) return { passed: 0, failedNames: ["ran no test"], output: result.output };
  const [, passed, total, rest = ""] = summary;
  const skipped = Number(/(\d+) skipped/.exec(rest)?.[1] ?? 0);
  const failedNames = [...result.output.matchAll(/^error: '(.*)' (?:failed|leaked|logged)/gm)];
  const failedCount = Number(total) - Number(passed) - skipped;
  const names = failedNames.map(([, name]) => name).slice(0, failedCount);
  while (names.length < failedCount) names.push("crashed or timed out");
  if (result.code !== 0 && names.length === 0) names.push(describeEnd(result));
  return { passed: Number(passed), skipped, failedNames: names, output: result.output };
}
