/** Reads the JUnit reports that `deno test` and `bun test` write. */

const testCase = /<testcase((?:\s+[\w-]+="[^"]*")*)\s*(?:\/>|>([\s\S]*?)<\/testcase>)/g;
const entities = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function unescapeXml(text) {
  return text.replace(/&(?:#(\d+)|#x([\da-f]+)|(\w+));/gi, (whole, decimal, hex, name) => {
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    return entities[name] ?? whole;
  });
}

/** Counts the test cases of a report; `failedNames` in their order. */
export function parseJunit(xml) {
  const counts = { passed: 0, skipped: 0, failedNames: [] };
  for (const match of xml.matchAll(testCase)) {
    const [, attributes, content = ""] = match;
    if (/<(?:failure|error)\b/.test(content)) {
      const name = / name="([^"]*)"/.exec(attributes)?.[1] ?? "without a name";
      counts.failedNames.push(unescapeXml(name));
    } else if (/<skipped\b/.test(content)) {
      counts.skipped += 1;
    } else {
      counts.passed += 1;
    }
  }
  return counts;
}
