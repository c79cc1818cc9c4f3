/** A folder for the length of an action; gone afterwards, also when Ctrl-C ends the script. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";

/** Calls `action` with the path of an empty folder. */
export async function withTemporaryFolder(action) {
  const folder = mkdtempSync(path.join(tmpdir(), "halflap-"));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.once("exit", remove);
  try {
    return await action(folder);
  } finally {
    process.off("exit", remove);
    remove();
  }
}
