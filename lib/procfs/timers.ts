/**
 * `timers`: ALSA's timers, and who uses them.
 *
 * @module
 */

import { splitLines, type UnknownLines } from "./field_reader.ts";

/** A timer of ALSA. */
export interface SoundTimer {
  /** Its address, as in `G0` (global), `C0-1` (card) or `P0-3-1` (PCM). */
  readonly address: string;
  /** Its name. */
  readonly name: string;
  /** Time of a tick in microseconds; undefined where a PCM's periods are the ticks. */
  readonly resolutionUs: number | undefined;
  /** The most ticks that it counts at a time. */
  readonly maxTicks: number | undefined;
  /** Whether it only runs while what it belongs to does. */
  readonly isSlave: boolean;
  /** Who has it open. */
  readonly clients: readonly SoundTimerClient[];
}

/** Who has a timer open. */
export interface SoundTimerClient {
  /** Its name, as in `application 4711` with the number of the thread. */
  readonly name: string;
  /** Whether the timer runs for it. */
  readonly isRunning: boolean;
}

/** ALSA's timers. */
export interface SoundTimerList extends UnknownLines {
  /** The timers. */
  readonly timers: readonly SoundTimer[];
}

// "G0: system timer : 4000.000us (10000000 ticks)" or "P0-0-1: PCM capture 0-0-1 : SLAVE"
const TIMER_LINE =
  /^([GCP?]-?\d[\d-]*): (.*?) :(?: (\d{1,10}\.\d{3})us \((\d{1,20}) ticks\))?( SLAVE)?$/;
// "  Client application 43 : stopped", below its timer
const CLIENT_LINE = /^ {2}Client (.*) : (running|stopped)$/;

type Client = SoundTimerClient;

/** Parses the file. */
export function parseTimers(text: string): SoundTimerList {
  const timers: (SoundTimer & { readonly clients: Client[] })[] = [];
  const unknown: string[] = [];
  const { whole, cut } = splitLines(text);
  for (const line of whole) {
    const [, address, name, resolution, ticks, slave] = TIMER_LINE.exec(line) ?? [];
    const [, client, state] = CLIENT_LINE.exec(line) ?? [];
    const owner = timers.at(-1);
    if (address !== undefined) {
      timers.push({
        address,
        name: name!,
        resolutionUs: resolution === undefined ? undefined : Number(resolution),
        maxTicks: ticks === undefined ? undefined : Number(ticks),
        isSlave: slave !== undefined,
        clients: [],
      });
    } else if (client !== undefined && owner !== undefined) {
      owner.clients.push({ name: client, isRunning: state === "running" });
    } else unknown.push(line);
  }
  return { timers, unknown: [...unknown, ...cut] };
}
