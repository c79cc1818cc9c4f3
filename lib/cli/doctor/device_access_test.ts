import assert from "node:assert/strict";
import { test } from "node:test";
import { examine, type Invention, statusText } from "../../../tests/invented_system.ts";
import { deviceAccess } from "./device_access.ts";
import { soundCards } from "./sound_cards.ts";

const CARDS = "/proc/asound/cards";

// As kernel 6.1 writes it.
const cards = ` 0 [Intel          ]: HDA-Intel - HDA Intel
                      HDA Intel at 0xfebe4000 irq 35
 2 [Audio          ]: USB-Audio - QEMU USB Audio
                      QEMU QEMU USB Audio at usb-0000:00:08.0-1, full speed
`;
const files = {
  [CARDS]: cards,
  "/proc/asound/version": "Advanced Linux Sound Architecture Driver Version k6.1.0-56-amd64.\n",
  "/dev/snd/controlC0": "",
  "/dev/snd/controlC2": "",
  "/dev/snd/pcmC0D0p": "",
  "/dev/snd/timer": "",
  "/etc/group": "root:x:0:\naudio:x:29:alice\nvideo:x:44:\n",
  "/proc/self/status": statusText(),
};
const denied = { "/dev/snd/controlC0": "denied", "/dev/snd/controlC2": "denied" } as const;

test("cards are listed with the version of the driver", async () => {
  const finding = await examine(soundCards, { files });
  assert.deepEqual(finding, { status: "ok", found: "0 Intel, 2 Audio (ALSA k6.1.0-56-amd64)" });
});

test("without a card it is said that the virtual one works", async () => {
  for (const text of [undefined, "", "--- no soundcards ---\n"]) {
    const invention: Invention = { files: text === undefined ? {} : { [CARDS]: text } };
    const { status, found } = await examine(soundCards, invention);
    assert.deepEqual([status, found], ["advice", 'none; the card "virtual" works without']);
    assert.equal((await examine(deviceAccess, invention)).status, "ok");
  }
  const { mend } = await examine(soundCards, { files: { "/.dockerenv": "" } });
  assert.match(mend!, /--device \/dev\/snd/);
});

test("list of cards that makes no sense is unknown", async () => {
  const broken = { files: { ...files, [CARDS]: "[Intel]\n" } };
  assert.equal((await examine(soundCards, broken)).status, "unknown");
  assert.equal((await examine(deviceAccess, broken)).status, "unknown");
});

test("cards that may all be opened are well", async () => {
  const finding = await examine(deviceAccess, { files });
  assert.deepEqual(finding, { status: "ok", found: "2 of 2 may be opened" });
});

test("no card that may be opened is a problem, and the group mends it", async () => {
  const outside = await examine(deviceAccess, { files, refusals: denied });
  assert.equal(outside.status, "problem");
  assert.match(outside.found, /^0 of 2 may be opened: access to \/dev\/snd\/controlC0 is denied/);
  assert.match(outside.mend!, /usermod -aG audio/);
  const member = { ...files, "/proc/self/status": statusText({ groups: [24, 29] }) };
  const inside = await examine(deviceAccess, { files: member, refusals: denied });
  assert.doesNotMatch(inside.mend!, /usermod/);
});

test("one card of two is better than nothing", async () => {
  const refusals = { "/dev/snd/controlC2": "failed" } as const;
  const { status, found } = await examine(deviceAccess, { files, refusals });
  assert.equal(status, "advice");
  assert.match(found, /^1 of 2 may be opened: \/dev\/snd\/controlC2 cannot be opened: invented$/);
});

test("a container that sees the cards but not their devices is told how to get them", async () => {
  const contained = { [CARDS]: cards, "/.dockerenv": "", "/proc/self/status": statusText() };
  const { status, mend } = await examine(deviceAccess, { files: contained });
  assert.equal(status, "problem");
  assert.match(mend!, /--device \/dev\/snd/);
});

test("a container that hides /proc/asound is judged by its devices", async () => {
  const contained = { "/.dockerenv": "", "/dev/snd/controlC0": "" };
  const finding = await examine(deviceAccess, { files: contained });
  assert.deepEqual(finding, { status: "ok", found: "1 of 1 may be opened" });
});

test("what the runtime does not permit is unknown, not denied", async () => {
  const refusals = { "/dev/snd/controlC0": "not permitted" } as const;
  const { status, found } = await examine(deviceAccess, { files, refusals });
  assert.equal(status, "unknown");
  assert.match(found, /--allow-all/);
});
