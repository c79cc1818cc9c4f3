import assert from "node:assert/strict";
import { test } from "node:test";
import { examine, limitsText, statusText } from "../../../tests/invented_system.ts";
import { rtkit } from "./rtkit.ts";

const SERVICE = "/usr/share/dbus-1/system-services/org.freedesktop.RealtimeKit1.service";

function files(priority: string): Record<string, string> {
  return {
    "/proc/1/comm": "systemd\n",
    "/proc/self/limits": limitsText({ priority }),
    "/proc/self/status": statusText(),
  };
}

test("RealtimeKit runs, or is started when needed", async () => {
  const running = { ...files("0"), "/proc/77/comm": "rtkit-daemon\n" };
  assert.equal((await examine(rtkit, { files: running })).found, "running");
  const installed = { ...files("0"), [SERVICE]: "[D-BUS Service]\n" };
  assert.equal((await examine(rtkit, { files: installed })).found, "started when needed");
});

test("without RealtimeKit the limits have to suffice", async () => {
  assert.equal((await examine(rtkit, { files: files("95") })).status, "ok");
  const { status, mend } = await examine(rtkit, { files: files("0") });
  assert.equal(status, "advice");
  assert.match(mend!, /install/);
});
