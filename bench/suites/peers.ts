/**
 * halflap beside other programs that play on the same card.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import process from "node:process";
import { setTimeout } from "node:timers/promises";
import { asoundrcSnippet } from "../../mod.ts";
import { endWithParent } from "../child.ts";
import { type Figure, figureOf, ratioOf } from "../figure.ts";
import { type Command, idleCommand, type Peer, PEERS, SLEEPER } from "../peers/programs.ts";
import { type ProcessUse, processUse } from "../process_use.ts";
import type { Scale } from "../scale.ts";
import { ratio, short, type Suite } from "../suite.ts";

const PERIOD_FRAMES = 240;
const RATE = 48_000;
const PERIODS = [2, 4];
const DEVICE = "halflap";
const SYSTEM_CONFIGURATION = "/usr/share/alsa/alsa.conf";
const BASE = "aplay -M";
const UNDERRUN = /underrun|under-run|xrun/gi;
const MAX_ERROR_TEXT = 100;

/** One program with one number of periods. */
export interface PeersRow {
  /** Which program. */
  readonly program: string;
  /** Periods of 240 frames that it was asked for. */
  readonly periods: number;
  /** Milliseconds of its device buffer; null where it takes one of its own choice. */
  readonly bufferMs: number | null;
  /** Its processor time, divided by that of `aplay -M`; null where either did not play. */
  readonly toAplayMmap: Figure | null;
  /** The same, without what a thread takes that only sleeps from period to period. */
  readonly toAplayMmapAboveSleep: Figure | null;
  /** Percent of one processor, without that of the idle runtime; null where it did not play. */
  readonly cpuPercent: Figure | null;
  /** Wake-ups per second of all of its threads. */
  readonly wakeUpsPerSecond: Figure | null;
  /** Involuntary context switches per second. */
  readonly preemptionsPerSecond: Figure | null;
  /** MiB of resident memory. */
  readonly memoryMib: Figure | null;
  /** Xruns that it told of; null where it tells none. */
  readonly xruns: number | null;
  /** Why it did not play; null where it did. */
  readonly error: string | null;
}

interface Slice {
  readonly cpuPercent: number;
  readonly wakeUpsPerSecond: number;
  readonly preemptionsPerSecond: number;
  readonly memoryMib: number;
}

/** A program that has been started, unless it could not be. */
class RunningPeer implements AsyncDisposable {
  readonly slices: Slice[] = [];
  /** What it says on standard error. */
  output = "";
  #child: ChildProcess | undefined;
  #failure: string | undefined;
  #before: { readonly use: ProcessUse; readonly atMs: number } | undefined;

  constructor(command: () => Command, environment: NodeJS.ProcessEnv, giveUp?: RegExp) {
    try {
      const [program, ...args] = command();
      const child = spawn(program, args, { env: environment, stdio: ["ignore", "ignore", "pipe"] });
      endWithParent(child);
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
        if (giveUp === undefined) return;
        this.#failure ??= giveUp.exec(text)?.[0];
        if (this.#failure !== undefined) child.kill("SIGKILL");
      });
      child.on("error", (error) => this.#failure = error.message);
      child.on("exit", () => this.#failure ??= this.#lastWords());
      this.#child = child;
    } catch (error) {
      this.#failure = (error as Error).message.split("\n")[0]!;
    }
  }

  /** Why it does not play. */
  get failure(): string | undefined {
    return this.#failure?.slice(0, MAX_ERROR_TEXT);
  }

  /** Looks at it; two looks make a slice. */
  look(): void {
    if (this.#failure !== undefined) return;
    const before = this.#before;
    try {
      this.#before = { use: processUse(this.#child!.pid!), atMs: performance.now() };
    } catch {
      this.#failure = "it ended";
      return;
    }
    if (before === undefined) return;
    const { use, atMs } = this.#before;
    const ms = atMs - before.atMs;
    this.slices.push({
      cpuPercent: (use.cpuNs - before.use.cpuNs) / ms / 1e4,
      wakeUpsPerSecond: 1000 * (use.sleeps - before.use.sleeps) / ms,
      preemptionsPerSecond: 1000 * (use.preemptions - before.use.preemptions) / ms,
      memoryMib: use.memoryKib / 1024,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const child = this.#child;
    if (child?.pid === undefined || this.#failure !== undefined) return;
    this.#failure = "killed";
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }

  // The line that names an error, or the first one; libasound complains of much that is no error.
  #lastWords(): string {
    const lines = this.output.split("\n").map((line) => line.trim())
      .filter((line) => line !== "" && !line.startsWith("ALSA lib"));
    return lines.find((line) => /error|cannot|invalid/i.test(line)) ?? lines[0] ?? "it ended";
  }
}

/** Writes a configuration in which the virtual card is everybody's default, too. */
async function writeConfiguration(folder: string): Promise<NodeJS.ProcessEnv> {
  const file = path.join(folder, "asound.conf");
  const whole = `<${SYSTEM_CONFIGURATION}>\n${asoundrcSnippet()}
pcm.!default {
  type plug
  slave.pcm "${DEVICE}"
}
`;
  await writeFile(file, whole);
  return { ...process.env, ALSA_CONFIG_PATH: file, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" };
}

function rowOf(
  peer: Peer,
  periods: number,
  running: RunningPeer,
  { idle, base, sleeper }: Readonly<Record<"idle" | "base" | "sleeper", RunningPeer>>,
): PeersRow {
  const { slices, failure } = running;
  const played = failure === undefined;
  const cpu = slices.map(({ cpuPercent }, slice) =>
    cpuPercent - (peer.needsRuntime ? idle.slices[slice]!.cpuPercent : 0)
  );
  const figure = (value: (slice: Slice) => number) => played ? figureOf(slices.map(value)) : null;
  const basePercents = base.slices.map(({ cpuPercent }) => cpuPercent);
  const toBase = (without: readonly number[]) => {
    const above = (percents: readonly number[]) =>
      percents.map((percent, slice) => percent - without[slice]!);
    return played && base.failure === undefined ? ratioOf(above(cpu), above(basePercents)) : null;
  };
  const sleepPercents = sleeper.slices.map(({ cpuPercent }) => cpuPercent);
  return {
    program: peer.name,
    periods,
    bufferMs: peer.takesShape ? 1000 * periods * PERIOD_FRAMES / RATE : null,
    toAplayMmap: toBase(cpu.map(() => 0)),
    toAplayMmapAboveSleep: sleeper.failure === undefined ? toBase(sleepPercents) : null,
    cpuPercent: played ? figureOf(cpu) : null,
    wakeUpsPerSecond: figure(({ wakeUpsPerSecond }) => wakeUpsPerSecond),
    preemptionsPerSecond: figure(({ preemptionsPerSecond }) => preemptionsPerSecond),
    memoryMib: figure(({ memoryMib }) => memoryMib),
    xruns: played && peer.tellsXruns ? running.output.match(UNDERRUN)?.length ?? 0 : null,
    error: failure ?? null,
  };
}

/** All programs at the same time, so that all meet the same machine. */
async function measurePeriods(
  periods: number,
  { realtimeRounds, peerMs, peerStartMs }: Scale,
  folder: string,
): Promise<PeersRow[]> {
  const environment = await writeConfiguration(folder);
  const shape = { device: DEVICE, periodFrames: PERIOD_FRAMES, periods };
  await using all = new AsyncDisposableStack();
  const idle = all.use(new RunningPeer(idleCommand, environment));
  const start = (peer: Peer) =>
    all.use(new RunningPeer(() => peer.command(shape, folder), environment, peer.giveUp));
  const peers = new Map([...PEERS, SLEEPER].map((peer) => [peer, start(peer)]));
  const base = peers.get(PEERS.find(({ name }) => name === BASE)!)!;
  const sleeper = peers.get(SLEEPER)!;
  await setTimeout(peerStartMs);
  for (let slice = 0; slice <= realtimeRounds; slice++) {
    if (slice > 0) await setTimeout(peerMs);
    for (const peer of [idle, ...peers.values()]) peer.look();
  }
  return Array.from(
    peers,
    ([peer, running]) => rowOf(peer, periods, running, { idle, base, sleeper }),
  );
}

async function measure(scale: Scale): Promise<PeersRow[]> {
  const folder = await mkdtemp(path.join(tmpdir(), "halflap-peers-"));
  try {
    const rows: PeersRow[] = [];
    for (const periods of PERIODS) rows.push(...await measurePeriods(periods, scale, folder));
    return rows;
  } finally {
    await rm(folder, { recursive: true });
  }
}

const ratioOrNone = (figure: Figure | null): string => figure === null ? "-" : ratio(figure);
const orNone = (figure: Figure | null): string => figure === null ? "-" : short(figure);

/** halflap beside others. */
export const suite: Suite<PeersRow> = {
  title: "halflap beside other programs (48 kHz, 2 channels, s16, periods of 240 frames)",
  columns: [
    { heading: "program", text: ({ program }) => program },
    { heading: "periods", text: ({ periods }) => `${periods}` },
    { heading: ": aplay -M", text: ({ toAplayMmap }) => ratioOrNone(toAplayMmap) },
    { heading: "above sleep", text: (row) => ratioOrNone(row.toAplayMmapAboveSleep) },
    { heading: "CPU %", text: ({ cpuPercent }) => orNone(cpuPercent) },
    { heading: "wake-ups/s", text: ({ wakeUpsPerSecond }) => orNone(wakeUpsPerSecond) },
    { heading: "preemptions/s", text: (row) => orNone(row.preemptionsPerSecond) },
    { heading: "MiB", text: ({ memoryMib }) => orNone(memoryMib) },
    { heading: "buffer ms", text: ({ bufferMs }) => `${bufferMs ?? "-"}` },
    { heading: "xruns", text: ({ xruns }) => `${xruns ?? "-"}` },
    { heading: "error", text: ({ error }) => error ?? "" },
  ],
  measure,
};
