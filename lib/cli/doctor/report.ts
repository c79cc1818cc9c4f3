/**
 * The doctor's report for people.
 *
 * @module
 */

import type { Check, Status } from "./check.ts";

const COLUMNS = 100;
const MARGIN = "  ";

const SUMMARY: Readonly<Record<Exclude<Status, "ok">, string>> = {
  problem: "problems",
  advice: "with advice",
  unknown: "unknown",
};

/** Breaks a text into lines, the later ones of which begin with the indent. */
function wrap(text: string, indent: number): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && indent + line.length + 1 + word.length > COLUMNS) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].join(`\n${" ".repeat(indent)}`);
}

function describe({ status, title, found, meaning, mend }: Check, titleColumns: number): string {
  const head = `${MARGIN}${status.padEnd(7)}  ${title.padEnd(titleColumns)}  `;
  const indent = head.length;
  const lines = [head + wrap(found, indent)];
  if (status === "problem" || status === "advice") {
    lines.push(" ".repeat(indent) + wrap(meaning, indent));
  }
  if (mend !== undefined) lines.push(`${" ".repeat(indent)}Mend: ${wrap(mend, indent + 6)}`);
  return lines.join("\n");
}

function summarize(checks: readonly Check[]): string {
  const parts = Object.entries(SUMMARY).flatMap(([status, words]) => {
    const count = checks.filter((check) => check.status === status).length;
    return count === 0 ? [] : [`${count} ${words}`];
  });
  return `${checks.length} checks: ${parts.length === 0 ? "all well" : parts.join(", ")}`;
}

/** Makes the report. */
export function reportText(checks: readonly Check[]): string {
  const titleColumns = Math.max(...checks.map(({ title }) => title.length));
  const areas = [...new Set(checks.map(({ area }) => area))].map((area) => {
    const lines = checks.filter((check) => check.area === area)
      .map((check) => describe(check, titleColumns));
    return `${area}\n${lines.join("\n")}\n`;
  });
  return `${areas.join("\n")}\n${summarize(checks)}\n`;
}
