/**
 * What `halflap play --json` prints.
 *
 * @module
 */

import { HalflapError } from "../errors.ts";
import type { Granted } from "../granted.ts";
import type { PlaybackStats, XrunStats } from "../stats.ts";
import type { StopSignal } from "./exit_code.ts";
import type { PlayOptions, ToneRequest } from "./play_options.ts";

/** Why playing failed. */
export interface ReportedError {
  /** In words. */
  readonly message: string;
  /** As a fixed word: the code of a `HalflapError`, or null. */
  readonly code: string | null;
}

const NO_XRUNS: XrunStats = {
  count: 0,
  producer: 0,
  scheduling: 0,
  processing: 0,
  device: 0,
  recent: [],
};

/** The report. */
export interface PlayReport {
  /** The file that was to be played, `-` for standard input, or null. */
  readonly file: string | null;
  /** The tone that was to be played, or null. */
  readonly tone: ToneRequest | null;
  /** The device that was to be opened. */
  readonly device: string;
  /** The WAV file with what was played, or null. */
  readonly tap: string | null;
  /** What the device granted, or null where it was not opened. */
  readonly granted: Granted | null;
  /** Frames that were heard. */
  readonly framesPlayed: number;
  /** Frames that were thrown away by a stop. */
  readonly framesDropped: number;
  /** How often the device ran dry, for each cause and in all, and the last ones in detail. */
  readonly xruns: XrunStats;
  /** Processor time of the whole process while it played. */
  readonly cpuMs: number;
  /** Time from the first write to the last frame heard. */
  readonly wallMs: number;
  /** The signal that stopped it, or null. */
  readonly signal: StopSignal | null;
  /** What failed, or null. */
  readonly error: ReportedError | null;
}

/** What is found out while something plays. */
export class PlayRecord {
  /** What the device granted. */
  granted: Granted | undefined;
  /** The latest counters of the stream. */
  stats: PlaybackStats | undefined;
  /** Processor time of the whole process while it played. */
  cpuMs = 0;
  /** Time from the first write to the last frame heard. */
  wallMs = 0;
  /** The signal that stopped it. */
  signal: StopSignal | undefined;
  /** What failed. */
  error: Error | undefined;
}

/** Makes the report. */
export function makeReport(options: PlayOptions, record: PlayRecord): PlayReport {
  const { granted, stats, cpuMs, wallMs, signal, error } = record;
  return {
    file: options.input?.path ?? null,
    tone: options.tone ?? null,
    device: options.device,
    tap: options.tap ?? null,
    granted: granted ?? null,
    framesPlayed: stats?.framesPlayed ?? 0,
    framesDropped: stats?.framesDropped ?? 0,
    xruns: stats?.xruns ?? NO_XRUNS,
    cpuMs,
    wallMs,
    signal: signal ?? null,
    error: error === undefined ? null : reportedError(error),
  };
}

function reportedError(error: Error): ReportedError {
  return { message: error.message, code: error instanceof HalflapError ? error.code : null };
}
