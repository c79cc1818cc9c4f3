/**
 * Plays one input or one tone on one device.
 *
 * @module
 */

import process from "node:process";
import { setTimeout } from "node:timers/promises";
import { HalflapError } from "../errors.ts";
import { FrameCarry } from "../frame_carry.ts";
import { bytesPerSample, type SampleFormat } from "../format.ts";
import { openPlayback } from "../open_playback.ts";
import type { CommonPlaybackOptions } from "../options.ts";
import type { Playback } from "../playback.ts";
import type { PlaybackQueue } from "../playback_queue.ts";
import { tone } from "../source.ts";
import { CommandError } from "./command_error.ts";
import { type Interrupt, Interrupted } from "./interrupt.ts";
import { openInput } from "./open_input.ts";
import { LevelMeter } from "./level_meter.ts";
import type { PcmInput } from "./pcm_input.ts";
import type { PlayOptions, ToneRequest } from "./play_options.ts";
import type { PlayRecord } from "./play_report.ts";
import { canDrawProgress, drawProgress } from "./progress_line.ts";
import type { Progress } from "./progress_text.ts";
import { withTap } from "./tap.ts";

/** Fade when a signal stops the sound: no click, and no wait that anybody notices. */
const STOP_FADE_MS = 30;
const TONE_FADE_MS = 10;
const TONE_POLL_MS = 100;
/** So much survives a slow disk; it adds no latency, since nothing here is live. */
const QUEUE_SECONDS = 0.5;

/** What the progress line is told about what plays. */
interface Course {
  readonly totalSeconds: number | undefined;
  peak(framesPlayed: number): number;
}

/** Plays what the options say, and notes in the record how it went. */
export class Player {
  readonly #options: PlayOptions;
  readonly #interrupt: Interrupt;
  readonly #record: PlayRecord;
  readonly #drawsProgress: boolean;

  /**
   * @param options What to play, and where.
   * @param interrupt Stops it.
   * @param record Takes what is found out.
   */
  constructor(options: PlayOptions, interrupt: Interrupt, record: PlayRecord) {
    this.#options = options;
    this.#interrupt = interrupt;
    this.#record = record;
    this.#drawsProgress = !options.quiet && canDrawProgress();
  }

  /** Plays; rejects with `Interrupted` after a signal. */
  async play(): Promise<void> {
    const { tone, input } = this.#options;
    if (tone !== undefined) return await this.#playTone(tone);
    const opened = await this.#interrupt.race(openInput(input!));
    try {
      await this.#playInput(opened.input);
    } finally {
      opened.close();
    }
  }

  async #playInput(input: PcmInput): Promise<void> {
    const { format, rate, channels, totalFrames } = input;
    const totalSeconds = totalFrames === undefined ? undefined : totalFrames / rate;
    const queueFrames = Math.ceil(rate * QUEUE_SECONDS);
    await this.#withDevice(async (device) => {
      const out = await openPlayback({ ...device, format, rate, channels, queueFrames });
      const meter = this.#drawsProgress ? new LevelMeter(input) : undefined;
      const peak = (framesPlayed: number): number => meter?.peakUntil(framesPlayed) ?? 0;
      await this.#measure(out, { totalSeconds, peak }, () => this.#pump(out, input, meter));
    });
  }

  async #playTone(request: ToneRequest): Promise<void> {
    const { frequencyHz, amplitude, seconds } = request;
    const { rate, channels, format } = this.#options.wanted;
    await this.#withDevice(async (device) => {
      const out = await openPlayback({
        ...device,
        ...(rate === undefined ? {} : { rate }),
        ...(channels === undefined ? {} : { channels }),
        ...(format === undefined ? {} : { format }),
        source: tone({ frequencyHz, amplitude }),
      });
      const course: Course = { totalSeconds: seconds, peak: () => amplitude };
      await this.#measure(out, course, () => this.#sound(out, request));
    });
  }

  async #withDevice(use: (device: CommonPlaybackOptions) => Promise<void>): Promise<void> {
    const { device, access, periodFrames, periods, tap } = this.#options;
    const common: CommonPlaybackOptions = {
      access,
      ...(periodFrames === undefined ? {} : { periodFrames }),
      ...(periods === undefined ? {} : { periods }),
    };
    if (tap === undefined) await use({ ...common, device });
    else await withTap(tap, (tapped) => use({ ...common, device: tapped }));
  }

  async #measure(out: Playback, course: Course, play: () => Promise<void>): Promise<void> {
    this.#record.granted = out.granted;
    const stopDrawing = this.#drawsProgress
      ? drawProgress(() => this.#progress(out, course))
      : undefined;
    const startedAt = performance.now();
    const cpuBefore = process.cpuUsage();
    try {
      await play();
    } catch (error) {
      if (error instanceof Interrupted) await out.drop({ fadeMs: STOP_FADE_MS });
      throw error;
    } finally {
      const { user, system } = process.cpuUsage(cpuBefore);
      this.#record.cpuMs = (user + system) / 1000;
      this.#record.wallMs = performance.now() - startedAt;
      this.#noteStats(out);
      stopDrawing?.();
      await out.close();
    }
  }

  async #pump(
    out: PlaybackQueue<SampleFormat>,
    input: PcmInput,
    meter: LevelMeter | undefined,
  ): Promise<void> {
    const carry = new FrameCarry(input.channels * bytesPerSample(input.format));
    const writer = out.writable.getWriter();
    const chunks = input.chunks[Symbol.asyncIterator]();
    let failure: unknown;
    for (;;) {
      const next = await this.#interrupt.race(chunks.next()).catch((error) => {
        if (error instanceof Interrupted) throw error;
        failure = error;
      });
      if (next === undefined || next.done) break;
      for (const frames of carry.push(next.value)) {
        meter?.measure(frames);
        await this.#interrupt.race(writer.write(frames));
        this.#noteStats(out);
      }
    }
    // What came before a failure of the input is worth hearing.
    await this.#interrupt.race(out.drain());
    if (failure !== undefined) throw failure;
    if (carry.carriedBytes === 0) return;
    throw new CommandError(`The last frame is incomplete: it has ${carry.carriedBytes} bytes`);
  }

  async #sound(out: Playback, { seconds }: ToneRequest): Promise<void> {
    const { rate } = out.granted;
    const fadeMs = Math.min(TONE_FADE_MS, seconds * 1000 / 4);
    const fadeOutAt = (seconds - fadeMs / 1000) * rate;
    await this.#interrupt.race(out.start({ fadeMs }));
    for (;;) {
      this.#noteStats(out);
      if (out.state === "closed") return await out.closed;
      const leftMs = (fadeOutAt - this.#record.stats!.framesWritten) / rate * 1000;
      if (leftMs <= 0) break;
      await this.#interrupt.race(setTimeout(Math.min(leftMs, TONE_POLL_MS)));
    }
    await this.#interrupt.race(out.drop({ fadeMs }));
  }

  #noteStats(out: Playback): void {
    try {
      this.#record.stats = out.stats();
    } catch (error) {
      // A stream whose device was lost closes itself; the latest counters are the ones noted before.
      if (!(error instanceof HalflapError && error.code === "ERR_HALFLAP_CLOSED")) throw error;
    }
  }

  #progress(out: Playback, { totalSeconds, peak }: Course): Progress {
    this.#noteStats(out);
    const { framesPlayed = 0, xruns } = this.#record.stats ?? {};
    const seconds = framesPlayed / out.granted.rate;
    return { seconds, totalSeconds, peak: peak(framesPlayed), xruns: xruns?.count ?? 0 };
  }
}
