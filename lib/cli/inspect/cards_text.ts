/**
 * Describes all sound cards for people.
 *
 * @module
 */

import type { CardInspection, CardsInspection } from "../../inspect/inspect_cards.ts";
import type { PcmInspection, SubstreamInspection } from "../../inspect/inspect_pcm.ts";
import type { SoundTimer } from "../../procfs/timers.ts";
import { type DescribeOwner, formatText, stateText, untilXrunText } from "./pcm_text.ts";
import { printable } from "./printable.ts";

function substreamLine(
  { direction }: PcmInspection,
  substream: SubstreamInspection,
  owner: DescribeOwner,
): string {
  const { hwParams, ring } = substream;
  const parts = [
    stateText(substream, owner),
    hwParams && formatText(hwParams),
    ring?.filledPercent === undefined ? undefined : `${ring.filledPercent.toFixed(0)} % full`,
    untilXrunText(direction, ring?.untilXrunMs),
  ];
  const text = parts.filter((part) => part !== undefined).join(", ");
  return `    substream ${substream.substream}: ${text}`;
}

function pcmLines(pcm: PcmInspection, owner: DescribeOwner): string[] {
  const { name, direction, info, substreams } = pcm;
  const open = substreams.filter(({ state }) => state !== "closed");
  const count = `${open.length} of ${substreams.length} open`;
  const head = `  ${name} ${direction.padEnd("playback".length)}  ${info?.name ?? "?"}, ${count}`;
  return [head, ...open.map((substream) => substreamLine(pcm, substream, owner))];
}

function cardLines(
  { number, id, driver, name, longName, pcms }: CardInspection,
  owner: DescribeOwner,
) {
  const where = longName === "" || longName === name ? "" : `, ${longName}`;
  const head = `${number} "${id}": ${name}${where} (driver ${driver})`;
  return [head, ...pcms.flatMap((pcm) => pcmLines(pcm, owner)), ""];
}

/** A timer that is no PCM's, or is used. */
function timerLines({ address, name, resolutionUs, clients }: SoundTimer): string[] {
  if (address.startsWith("P") && clients.length === 0) return [];
  const resolution = resolutionUs === undefined ? "" : `, a tick is ${resolutionUs} us`;
  const users = clients.map((client) =>
    `${client.name} (${client.isRunning ? "runs" : "stopped"})`
  );
  const use = users.length === 0 ? "" : `, used by ${users.join(", ")}`;
  return [`timer ${address}: ${name}${resolution}${use}`];
}

/** Describes all cards. */
export function cardsText(inspection: CardsInspection, owner: DescribeOwner): string {
  const { driverVersion, cards, timers, unknown } = inspection;
  const lines = [
    `ALSA ${driverVersion ?? "of unknown version"} in the kernel`,
    "",
    ...(cards.length === 0
      ? ["no sound card", ""]
      : cards.flatMap((card) => cardLines(card, owner))),
    ...timers.flatMap(timerLines),
    ...unknown.map((line) => `unknown ${line}`),
  ];
  return lines.map((line) => `${printable(line)}\n`).join("");
}
