/** Content stamps: an output is up to date when neither it nor its inputs have changed since. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { root } from "./toolchain.mjs";

const skippedNames = new Set([".zig-cache", "zig-out", "zig-pkg", "node_modules"]);

function listFiles(file) {
  const absolute = path.join(root, file);
  if (!existsSync(absolute)) return [];
  const entries = readdirSync(absolute, { withFileTypes: true });
  return entries.filter((entry) => !skippedNames.has(entry.name)).flatMap((entry) => {
    const name = path.join(file, entry.name);
    return entry.isDirectory() ? listFiles(name) : [name];
  });
}

/** All files below a folder, sorted, as paths from the project's root; none if it is missing. */
export function filesBelow(folder) {
  return listFiles(folder).sort();
}

/** A hash over the names and contents of files (paths from the root) and over `extra`. */
export function hashFiles(files, extra = "") {
  const hash = createHash("sha256").update(extra);
  for (const file of files) {
    const absolute = path.join(root, file);
    hash.update(`\0${file}\0`);
    hash.update(existsSync(absolute) ? readFileSync(absolute) : "missing");
  }
  return hash.digest("hex");
}

const stampPath = (name) => path.join(root, "native", `.${name}.stamp`);

/** Whether `writeStamp` was last called with just this content. */
export function isStamped(name, content) {
  return existsSync(stampPath(name)) && readFileSync(stampPath(name), "utf8") === content;
}

export function writeStamp(name, content) {
  mkdirSync(path.dirname(stampPath(name)), { recursive: true });
  writeFileSync(stampPath(name), content);
}
