/**
 * Which devices are in use, and by whom.
 *
 * @module
 */

import { parsePcmStatus } from "../../procfs/pcm_status.ts";
import type { Examination, Finding } from "./check.ts";
import { Inaccessible } from "./inaccessible.ts";
import { describeOwner, isSoundServer } from "./processes.ts";
import type { System } from "./system.ts";

const FOLDER = "/proc/asound";

/** One substream that somebody has open. */
interface Holding {
  readonly pcm: string;
  readonly program: string;
  readonly state: string;
}

interface Pcm {
  /** As in "hw:0,3 for playback". */
  readonly name: string;
  readonly substreams: number;
  readonly holdings: readonly Holding[];
}

/** The names in a folder that match, and none where it cannot be read. */
function listMatching(system: System, folder: string, pattern: RegExp): string[] {
  const names = system.list(folder);
  return names instanceof Inaccessible ? [] : names.filter((name) => pattern.test(name));
}

/** Reads the text of a status file; undefined where the substream is closed. */
function readHolding(
  system: System,
  pcm: string,
  path: string,
): Holding | undefined | Inaccessible {
  const text = system.readText(path);
  if (text instanceof Inaccessible) return text.reason === "missing" ? undefined : text;
  const status = parsePcmStatus(text);
  if (status === undefined) return undefined;
  const { state, ownerPid } = status;
  if (state === undefined || ownerPid === undefined) {
    return new Inaccessible(path, "malformed", text);
  }
  return { pcm, program: describeOwner(system, ownerPid), state };
}

function readPcm(system: System, card: string, pcm: string): Pcm | Inaccessible {
  const [, device, direction] = /^pcm(\d+)([pc])$/.exec(pcm)!;
  const address = `hw:${card.slice("card".length)},${device}`;
  const name = `${address} for ${direction === "p" ? "playback" : "capture"}`;
  const substreams = listMatching(system, `${FOLDER}/${card}/${pcm}`, /^sub\d+$/);
  const holdings: Holding[] = [];
  for (const substream of substreams) {
    const path = `${FOLDER}/${card}/${pcm}/${substream}/status`;
    const holding = readHolding(system, name, path);
    if (holding instanceof Inaccessible) return holding;
    if (holding !== undefined) holdings.push(holding);
  }
  return { name, substreams: substreams.length, holdings };
}

function readPcms(system: System): Pcm[] | Inaccessible {
  const cards = system.list(FOLDER);
  if (cards instanceof Inaccessible) return cards.reason === "missing" ? [] : cards;
  const pcms: Pcm[] = [];
  for (const card of cards.filter((name) => /^card\d+$/.test(name))) {
    for (const name of listMatching(system, `${FOLDER}/${card}`, /^pcm\d+[pc]$/)) {
      const pcm = readPcm(system, card, name);
      if (pcm instanceof Inaccessible) return pcm;
      pcms.push(pcm);
    }
  }
  return pcms;
}

function describe({ name, substreams, holdings }: Pcm): string {
  const holders = holdings.map(({ program, state }) => `${program}, ${state}`);
  const free = substreams - holdings.length;
  return `${name}: ${[...new Set(holders)].join("; ")}${free > 0 ? `; ${free} more free` : ""}`;
}

function judge(used: readonly Pcm[]): Finding {
  const found = used.map(describe).join(". ");
  const busy = used.filter(({ substreams, holdings }) => holdings.length === substreams);
  if (busy.length === 0) return { status: "ok", found };
  const isServers = busy.every(({ holdings }) =>
    holdings.every(({ program }) => isSoundServer(program))
  );
  const mend = isServers
    ? 'play on "default", by way of the sound server; it lets go of a device that nothing plays on'
    : 'end the program that holds it, or play on "default" if that mixes';
  return { status: "advice", found, mend };
}

/** Which devices are in use, and by whom. */
export const busyDevices: Examination = {
  id: "busy-devices",
  title: "Busy devices",
  meaning:
    'What one program has open as "hw:", no other one can open (EBUSY), unless the card has ' +
    "more than one substream.",
  examine(system) {
    const pcms = readPcms(system);
    if (pcms instanceof Inaccessible) return pcms;
    const used = pcms.filter(({ holdings }) => holdings.length > 0);
    return used.length === 0 ? { status: "ok", found: "none" } : judge(used);
  },
};
