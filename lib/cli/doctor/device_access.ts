/**
 * Whether this user may open the sound cards.
 *
 * @module
 */

import type { Examination } from "./check.ts";
import { isContainer } from "./container.ts";
import { readCredentials } from "./credentials.ts";
import { Inaccessible } from "./inaccessible.ts";
import { readCards } from "./sound_cards.ts";
import type { System } from "./system.ts";

const FOLDER = "/dev/snd";
const GROUPS_FILE = "/etc/group";
const AUDIO_GROUP = /^audio:[^:]*:(\d+):/m;

/** The control devices, of cards that the kernel lists or that are there all the same. */
function controlDevices(system: System): string[] | Inaccessible {
  const cards = readCards(system);
  if (cards instanceof Inaccessible) return cards;
  const names = system.list(FOLDER);
  if (names instanceof Inaccessible && names.reason !== "missing") return names;
  const nodes = names instanceof Inaccessible ? [] : names;
  const controls = nodes.filter((name) => /^controlC\d+$/.test(name));
  const expected = cards.map(({ number }) => `controlC${number}`);
  return [...new Set([...expected, ...controls])].map((name) => `${FOLDER}/${name}`);
}

function isInAudioGroup(system: System): boolean {
  const groups = system.readText(GROUPS_FILE);
  const credentials = readCredentials(system);
  if (groups instanceof Inaccessible || credentials instanceof Inaccessible) return false;
  const audio = AUDIO_GROUP.exec(groups)?.[1];
  return audio !== undefined && credentials.groups.has(Number(audio));
}

function mendRefusals(system: System, refusals: readonly Inaccessible[]): string {
  if (isContainer(system)) {
    return 'start the container with "--device /dev/snd", for another user than root with ' +
      '"--group-add" and the number of the host\'s group "audio" as well';
  }
  if (refusals.every(({ reason }) => reason === "denied") && !isInAudioGroup(system)) {
    return 'sudo usermod -aG audio "$USER", then log in again';
  }
  return `see "ls -l ${FOLDER}", and "dmesg" for what the driver says`;
}

/** Whether this user may open the sound cards. */
export const deviceAccess: Examination = {
  id: "device-access",
  title: "Device access",
  meaning:
    `A program opens a card by its devices in ${FOLDER}, for which it needs the permission ` +
    "to read and write; tried with the control device, which disturbs nobody.",
  examine(system) {
    const devices = controlDevices(system);
    if (devices instanceof Inaccessible) return devices;
    if (devices.length === 0) return { status: "ok", found: "no sound card to open" };
    const refusals = devices.flatMap((device) => system.tryOpen(device) ?? []);
    const [restricted] = refusals.filter(({ reason }) => reason === "not permitted");
    if (restricted !== undefined) return restricted;
    const opened = devices.length - refusals.length;
    const count = `${opened} of ${devices.length} may be opened`;
    if (refusals.length === 0) return { status: "ok", found: count };
    return {
      status: opened > 0 ? "advice" : "problem",
      found: `${count}: ${refusals.map(({ why }) => why).join(", ")}`,
      mend: mendRefusals(system, refusals),
    };
  },
};
