/** The benchmark of sound cards runs on the kernel's own. */
import assert from "node:assert/strict";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { test } from "../harness.ts";
import { finish, start } from "../programs.ts";
import { loadDriver } from "./guest.ts";

type Row = Readonly<Record<string, string | number | { readonly median: number } | null>>;

const main = path.resolve(fileURLToPath(import.meta.url), "../../../bench/main.ts");
const runtimeArgs = process.versions["bun"] === undefined ? ["run", "--allow-all"] : [];

test("each period that a sound card can have is measured by both paths", async () => {
  await loadDriver("snd-dummy");
  const args = [...runtimeArgs, main, "hardware", "--quick", "--json"];
  const { code, stdout, stderr } = await finish(start(process.execPath, args));
  assert.equal(code, 0, stderr);
  const rows: readonly Row[] = JSON.parse(stdout).suites.hardware;
  assert.ok(rows.length > 0);
  for (const row of rows) {
    assert.equal(row["device"], "hw:CARD=Dummy,DEV=0");
    for (const name of ["writeFillUs", "mmapFillUs", "writeCpuPercent", "mmapCpuPercent"]) {
      const figure = row[name] as { readonly median: number };
      assert.ok(Number.isFinite(figure.median), name);
    }
    assert.equal(typeof row["xruns"], "number");
  }
  for (const feed of ["native", "queue", "render"]) {
    const sizes = rows.filter((row) => row["feed"] === feed).map((row) => row["periodFrames"]);
    assert.ok(new Set(sizes).size > 2, `${feed}: ${sizes}`);
  }
});
