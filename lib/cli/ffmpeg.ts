/**
 * Decodes files by ffmpeg, where it is installed.
 *
 * @module
 */

import { type ChildProcess, spawn } from "node:child_process";
import type { SampleFormat } from "../format.ts";
import { ByteReader } from "./byte_reader.ts";
import { CommandError, UsageError } from "./command_error.ts";
import { isProgramMissing } from "./find_program.ts";
import { printNote } from "./output.ts";
import type { PcmInput } from "./pcm_input.ts";
import { isPermitted } from "../ffi/permission.ts";
import { openWav } from "./wav_input.ts";

const PROGRAM = "ffmpeg";
const MAX_MESSAGE_CHARACTERS = 2000;

/** ffmpeg's names of the formats that it can write into WAV. */
const ENCODERS: Readonly<Partial<Record<SampleFormat, string>>> = {
  u8: "pcm_u8",
  s16: "pcm_s16le",
  s24_3: "pcm_s24le",
  s32: "pcm_s32le",
  f32: "pcm_f32le",
  f64: "pcm_f64le",
};

/** A running decoder. */
export interface Decoder {
  /** What it decodes. */
  readonly input: PcmInput;
  /** Ends it. */
  close(): void;
}

/** Starts to decode a file; the reason says why it is not played as it is. */
export async function decode(path: string, format: SampleFormat, reason: string): Promise<Decoder> {
  const encoder = ENCODERS[format];
  if (encoder === undefined) {
    throw new UsageError(`"--format" of decoded files cannot be ${format}`);
  }
  requireFfmpeg(path, reason);
  const child = spawn(PROGRAM, ffmpegArguments(path, encoder), {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const running = new Ffmpeg(child, path, reason);
  try {
    return { input: await running.open(), close: () => running.kill() };
  } catch (error) {
    running.kill();
    throw error;
  }
}

function ffmpegArguments(path: string, encoder: string): string[] {
  const quiet = ["-nostdin", "-hide_banner", "-v", "error"];
  // "file:" keeps ffmpeg from taking a path for an option or for the address of something else.
  return [...quiet, "-i", `file:${path}`, "-map", "0:a:0", "-c:a", encoder, "-f", "wav", "-"];
}

function requireFfmpeg(path: string, reason: string): void {
  if (isProgramMissing(PROGRAM)) throw ffmpegMissing(path, reason);
  if (isPermitted({ name: "run", command: PROGRAM }) && isPermitted({ name: "env" })) return;
  throw new CommandError(
    `Cannot play "${path}": ${reason}, and Deno does not permit to run ffmpeg, which decodes it; ` +
      `install ffmpeg and run with --allow-run=ffmpeg --allow-env`,
  );
}

function ffmpegMissing(path: string, reason: string): CommandError {
  return new CommandError(
    `Cannot play "${path}": ${reason}, and ffmpeg, which would decode it, is not installed; ` +
      `install it: "apt-get install ffmpeg", "dnf install ffmpeg-free" or "pacman -S ffmpeg"`,
  );
}

class Ffmpeg {
  readonly #child: ChildProcess;
  readonly #path: string;
  readonly #reason: string;
  readonly #ended: Promise<number | null>;
  #messages = "";

  constructor(child: ChildProcess, path: string, reason: string) {
    this.#child = child;
    this.#path = path;
    this.#reason = reason;
    this.#ended = new Promise((resolve, reject) => {
      child.on("error", (error) => reject(this.#startError(error)));
      child.on("close", (code) => resolve(code));
    });
    // Looked at only when its output has ended.
    this.#ended.catch(() => {});
    child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.#messages = (this.#messages + text).slice(0, MAX_MESSAGE_CHARACTERS);
    });
  }

  async open(): Promise<PcmInput> {
    const source: AsyncIterator<Uint8Array> = this.#child.stdout![Symbol.asyncIterator]();
    const reader = new ByteReader(source);
    // Without a byte it has nothing to play, and its messages say why.
    if ((await reader.peek(1)).byteLength === 0) await this.#checkEnd();
    const input = await openWav(reader, `"${this.#path}" as decoded by ffmpeg`);
    if ("unsupported" in input) {
      throw new CommandError(`ffmpeg wrote another format than it was told: ${input.unsupported}`);
    }
    return { ...input, chunks: this.#untilEnd(input.chunks) };
  }

  kill(): void {
    this.#child.kill("SIGKILL");
    this.#child.stdout!.destroy();
  }

  async *#untilEnd(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, void> {
    yield* chunks;
    await this.#checkEnd();
  }

  async #checkEnd(): Promise<void> {
    const code = await this.#ended;
    const messages = this.#messages.trim().split("\n");
    if (code !== 0) {
      throw new CommandError(
        `Cannot play "${this.#path}": ${this.#reason}, and ffmpeg cannot decode it: ` +
          (messages[0] || `exit code ${code}`),
      );
    }
    if (messages[0]) await printNote(`ffmpeg: ${messages.join("\nffmpeg: ")}`);
  }

  #startError(error: NodeJS.ErrnoException): Error {
    if (error.code === "ENOENT") return ffmpegMissing(this.#path, this.#reason);
    return new CommandError(`Cannot start ffmpeg: ${error.message}`, { cause: error });
  }
}
