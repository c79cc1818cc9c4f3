/**
 * The end of a process: native threads are still on their way out when a runtime unloads its
 * libraries.
 */
import assert from "node:assert/strict";
import { runModule, test } from "./harness.ts";

const processes = 8;
const timeoutMs = 30_000;

const endings: Readonly<Record<string, string>> = {
  "a failed open": `await openPlayback({ device: "nowhere" }).catch(() => {});`,
  "a close": `const out = await openPlayback({ device: "null", source: silence() });
    await out.close();`,
  "nothing closed": `const out = await openPlayback({ device: "null", source: silence() });
    out.unref();`,
};

for (const [name, code] of Object.entries(endings)) {
  test(`a process that ends right after ${name} ends cleanly`, async () => {
    for (let index = 0; index < processes; index++) {
      const { code: exitCode, signal, stderr } = await runModule(code, timeoutMs);
      assert.deepEqual({ exitCode, signal }, { exitCode: 0, signal: null }, stderr);
    }
  });
}
