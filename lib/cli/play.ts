/**
 * `halflap play`.
 *
 * @module
 */

import { HalflapError } from "../errors.ts";
import type { Command } from "./command.ts";
import { CommandError } from "./command_error.ts";
import { EXIT_FAILURE, EXIT_OK, signalExitCode } from "./exit_code.ts";
import { Interrupt, Interrupted } from "./interrupt.ts";
import { printNote, printResult } from "./output.ts";
import { parsePlayOptions, type PlayOptions } from "./play_options.ts";
import { makeReport, PlayRecord } from "./play_report.ts";
import { Player } from "./player.ts";
import { xrunSummary } from "./xrun_summary.ts";

const HELP = `Plays a file, standard input or a tone.

Usage: halflap play [OPTIONS] FILE
       halflap play [OPTIONS] -
       halflap play [OPTIONS] --tone HZ --seconds S

FILE is WAV, played as it is: in its own format, at its own rate, with its own channels. Other
formats are decoded by ffmpeg, where it is installed. "-" is standard input: WAV, or PCM with --raw.
If the input turns out to be cut short or damaged, what could be read is played and the exit code
is 1.

What to play:
  --tone HZ          a sine wave on all channels
  --seconds S        its length, from 0.001 to 86400
  --amplitude A      its peak amplitude, from 0 to 1 (default 0.25)
  --raw              the input is PCM without a header, little endian, channels interleaved
  --rate HZ          frames per second, from 4000 to 768000 (default 48000)
  --channels N       from 1 to 32 (default 2)
  --format FORMAT    u8, s16, s24, s24_3 (packed), s32, f32 or f64
                     (default s16 with --raw, f32 for tones and for what ffmpeg decodes)
  WAV has its own rate, channels and format, and decoded files their own rate and channels:
  nothing is converted, so that another value is an error there.

Where to play it:
  --device NAME      an ALSA PCM, such as "default" (which is the default) or "hw:0,0"; "virtual"
                     is a virtual card, which needs no hardware. "halflap devices" lists more
  --access WORD      auto, mmap or write (default auto: mmap where the device grants it)
  --period FRAMES    frames per period, from 16 to 1048576 (default about 5 ms)
  --periods N        periods per buffer, from 2 to 1024 (default 4)
  --tap OUT.wav      record what the device played; needs "--device virtual"

What to tell:
  --json             print one object at the end: granted (with access), framesPlayed, xruns,
                     cpuMs and wallMs (of the playback alone), signal, error...
  --quiet            draw no progress, which otherwise is drawn on terminals, and say nothing
                     about xruns, which otherwise are summed up at the end
  -h, --help         print this

Ctrl-C fades out and stops; the exit code is then 130. Deno needs --allow-ffi for what
"halflap path" prints and --allow-read for FILE; for ffmpeg also --allow-run=ffmpeg --allow-env.
`;

async function play(options: PlayOptions): Promise<number> {
  const record = new PlayRecord();
  const interrupt = new Interrupt();
  let exitCode = EXIT_OK;
  try {
    await new Player(options, interrupt, record).play();
  } catch (error) {
    exitCode = await noteEnd(error, record);
  } finally {
    interrupt.stop();
  }
  if (options.json) await printResult(`${JSON.stringify(makeReport(options, record))}\n`);
  else if (!options.quiet) await printXruns(record);
  return exitCode;
}

async function printXruns({ stats }: PlayRecord): Promise<void> {
  const summary = stats && xrunSummary(stats.xruns);
  if (summary !== undefined) await printNote(summary);
}

/** Takes the reason why playing ended early; returns the exit code. */
async function noteEnd(error: unknown, record: PlayRecord): Promise<number> {
  if (error instanceof Interrupted) {
    record.signal = error.signal;
    return signalExitCode(error.signal);
  }
  if (!(error instanceof CommandError || error instanceof HalflapError)) throw error;
  record.error = error;
  await printNote(error.message);
  return EXIT_FAILURE;
}

/** `halflap play`. */
export const playCommand: Command = {
  summary: "play a file, standard input or a tone",
  async run(args) {
    const options = parsePlayOptions(args);
    if (options !== undefined) return await play(options);
    await printResult(HELP);
    return EXIT_OK;
  },
};
