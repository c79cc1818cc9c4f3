/** What `npm run demo` tells a new user. */
import assert from "node:assert/strict";
import { root, test } from "./harness.ts";
import { runOrFail } from "./programs.ts";

test("the demo plays in both runtimes by both paths, and tells what came of it in numbers", async () => {
  const { stdout } = await runOrFail("node", [`${root}/scripts/demo.mjs`], { cwd: root });
  const rows = stdout.split("\n").filter((line) => /^(Deno|Bun) +virtual /.test(line));
  assert.equal(rows.length, 4, stdout);
  for (const row of rows) {
    // Runtime, device, access, frames, seconds, xruns, CPU ms and whether the tap was the same.
    assert.match(row, /^\w+ +virtual +(mmap|write) +\d+ +\d+\.\d+ +\d+ +\d+\.\d+ +yes$/);
  }
});
