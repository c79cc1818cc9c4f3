import assert from "node:assert/strict";
import { test } from "node:test";
import { examine } from "../../../tests/invented_system.ts";
import { busyDevices } from "./busy_devices.ts";

// As kernels 6.1 and 7.2 write it.
const running = `state: RUNNING
owner_pid   : 812
trigger_time: 1.602000000
tstamp      : 0.000000000
delay       : 15808
avail       : 576
avail_max   : 4080
-----
hw_ptr      : 62016
appl_ptr    : 77824
`;

const playback = "/proc/asound/card0/pcm3p";
const holder = (name: string): Record<string, string> => ({
  "/proc/812/status": "Name:\tdata-loop.0\nUmask:\t0022\nTgid:\t800\nPid:\t812\n",
  "/proc/800/comm": `${name}\n`,
});

test("devices that are closed are not busy", async () => {
  const closed = { [`${playback}/sub0/status`]: "closed\n", "/proc/asound/version": "x\n" };
  for (const files of [{}, closed]) {
    const finding = await examine(busyDevices, { files });
    assert.deepEqual(finding, { status: "ok", found: "none" });
  }
});

test("a busy device is named with the process that holds it", async () => {
  const files = { [`${playback}/sub0/status`]: running, ...holder("vlc") };
  const { status, found, mend } = await examine(busyDevices, { files });
  assert.deepEqual([status, found], ["advice", "hw:0,3 for playback: vlc (800), running"]);
  assert.match(mend!, /end the program/);
});

test("what a sound server holds is played on by way of it", async () => {
  const files = { [`${playback}/sub0/status`]: running, ...holder("pipewire") };
  const { status, mend } = await examine(busyDevices, { files });
  assert.equal(status, "advice");
  assert.match(mend!, /sound server/);
});

test("device with substreams to spare is not busy", async () => {
  const files = {
    "/proc/asound/card10/pcm0c/sub0/status": running,
    "/proc/asound/card10/pcm0c/sub1/status": "closed\n",
    ...holder("arecord"),
  };
  const finding = await examine(busyDevices, { files });
  const found = "hw:10,0 for capture: arecord (800), running; 1 more free";
  assert.deepEqual(finding, { status: "ok", found });
});

test("holder in another container, or gone, is said not to be seen", async () => {
  for (const owner of ["0", "999"]) {
    const files = { [`${playback}/sub0/status`]: running.replace("812", owner) };
    const { status, found } = await examine(busyDevices, { files });
    assert.equal(status, "advice");
    assert.match(found, /a process that cannot be seen from here, running$/);
  }
});

test("status that makes no sense is unknown", async () => {
  for (const text of ["", "state: RUNNING\n", "owner_pid : 812\n", "closed?\n"]) {
    const files = { [`${playback}/sub0/status`]: text };
    assert.equal((await examine(busyDevices, { files })).status, "unknown", text);
  }
});
