/**
 * `npm run demo`: plays a recording through the engine, by the mmap path and by the write path, in
 * Deno and in Bun: on the sound card where there is one, and on the virtual card, whose tap proves
 * that what was played is bit for bit what was given.
 */
import { accessSync, constants, existsSync, readdirSync } from "node:fs";
import path from "node:path";
import process from "node:process";
import { buildAbi, buildLibrary } from "./artifacts.mjs";
import { startSpinner } from "./progress.mjs";
import { installDebianPackages, installNodeModules, playbackPackages } from "./setup.mjs";
import { describeEnd, run, runMain } from "./subprocess.mjs";
import { withTemporaryFolder } from "./temporary_folder.mjs";
import { bun, deno, hostTarget, libraryPath, root } from "./toolchain.mjs";
import { findDifference, readWav } from "./wav.mjs";

const recordings = [
  "/usr/share/sounds/alsa/Front_Center.wav",
  path.join(root, "assets/speech.wav"),
];
const soundFolder = "/dev/snd";
const command = "lib/cli/main.ts";
const runtimes = ["Deno", "Bun"];
const accesses = ["mmap", "write"];
const timeoutMs = 60_000;
const columns = [
  ["runtime", 9],
  ["device", 9],
  ["access", 8],
  ["frames", 9],
  ["seconds", 9],
  ["xruns", 7],
  ["CPU ms", 8],
  ["bit-exact", 9],
];

function commandLine(runtime, playArgs, tapFolder) {
  if (runtime === "Bun") return [bun, [command, ...playArgs]];
  const permissions = [
    `--allow-ffi=${libraryPath(hostTarget)}`,
    "--allow-read",
    "--allow-env",
    `--allow-write=${tapFolder}`,
  ];
  return [deno, ["run", "--no-prompt", ...permissions, command, ...playArgs]];
}

/** Plays the recording once; returns the report that the command prints. */
async function play(runtime, playArgs, tapFolder) {
  const [program, args] = commandLine(runtime, playArgs, tapFolder);
  const stopSpinner = startSpinner(`Playing in ${runtime}`);
  const result = await run(program, args, { timeoutMs });
  stopSpinner();
  if (result.code !== 0) return { failure: `${describeEnd(result)}\n${result.output.trimEnd()}` };
  return { report: JSON.parse(result.stdout) };
}

function printRow(cells) {
  const padded = cells.map((cell, index) => String(cell).padEnd(columns[index][1]));
  process.stdout.write(`${padded.join(" ").trimEnd()}\n`);
}

function printReport(runtime, device, report, bitExact) {
  const { granted, framesPlayed, cpuMs, wallMs } = report;
  const seconds = (wallMs / 1000).toFixed(2);
  printRow([
    runtime,
    device,
    granted.access,
    framesPlayed,
    seconds,
    report.xruns.count,
    cpuMs.toFixed(1),
    bitExact,
  ]);
}

/** Says what keeps a play from being the proof of its path, or undefined. */
function findFlaw({ granted, framesPlayed }, access, given, played) {
  if (granted.access !== access) {
    return `access "${granted.access}" was granted instead of "${access}"`;
  }
  if (framesPlayed < given.frames) {
    return `the engine reports ${framesPlayed} of ${given.frames} frames as played`;
  }
  return findDifference(given, played);
}

/** Plays on the virtual card and compares its tap; returns what is wrong, or undefined. */
async function prove(runtime, access, file, tapFolder) {
  const tap = path.join(tapFolder, `${runtime}-${access}.wav`);
  const playArgs = [
    "play",
    file,
    "--device",
    "virtual",
    "--access",
    access,
    "--tap",
    tap,
    "--json",
  ];
  const { report, failure } = await play(runtime, playArgs, tapFolder);
  if (failure !== undefined) {
    printRow([runtime, "virtual", access, "-", "-", "-", "-", "no"]);
    return failure;
  }
  const difference = findFlaw(report, access, readWav(file), readWav(tap));
  printReport(runtime, "virtual", report, difference === undefined ? "yes" : "no");
  return difference;
}

/** The playback devices of real sound cards, told apart by whether this user may open them. */
function findSoundCard() {
  const names = existsSync(soundFolder) ? readdirSync(soundFolder) : [];
  const playback = names.filter((name) => /^pcm.*p$/.test(name));
  if (playback.length === 0) return "none";
  try {
    accessSync(path.join(soundFolder, playback[0]), constants.R_OK | constants.W_OK);
    return "usable";
  } catch {
    return "refused";
  }
}

/** Plays to be heard; the sound card keeps no record, so this proves no samples. */
async function playAloud(file, tapFolder) {
  const failures = [];
  for (const runtime of runtimes) {
    for (const access of ["auto", "write"]) {
      const playArgs = ["play", file, "--device", "default", "--access", access, "--json"];
      const { report, failure } = await play(runtime, playArgs, tapFolder);
      if (failure === undefined) {
        printReport(runtime, "default", report, "no tap");
        continue;
      }
      printRow([runtime, "default", access, "-", "-", "-", "-", "-"]);
      failures.push(`${runtime}, ${access}, on the sound card: ${failure}`);
    }
  }
  return failures;
}

async function proveAll(file, tapFolder) {
  const failures = [];
  for (const runtime of runtimes) {
    for (const access of accesses) {
      const difference = await prove(runtime, access, file, tapFolder);
      if (difference !== undefined) failures.push(`${runtime}, ${access}: ${difference}`);
    }
  }
  return failures;
}

const cardNotes = {
  none: "No sound card here: the virtual card plays, in real time.",
  usable:
    "Playing aloud on the sound card first; the proof is on the virtual card, which keeps a tap.",
  refused: 'The sound card refuses this user (join the group "audio"): the virtual card plays.',
};

async function playEverywhere(file) {
  const card = findSoundCard();
  const given = readWav(file);
  process.stdout.write(`Recording: ${file}\n`);
  const layout = given.channels === 1 ? "mono" : `${given.channels} channels`;
  process.stdout.write(`  ${given.rate} Hz, ${layout}, ${given.bits} bits, `);
  process.stdout.write(`${given.frames} frames\n${cardNotes[card]}\n\n`);
  printRow(columns.map(([name]) => name));
  return await withTemporaryFolder(async (tapFolder) => {
    const heard = card === "usable" ? await playAloud(file, tapFolder) : [];
    return [...heard, ...await proveAll(file, tapFolder)];
  });
}

async function main() {
  await installNodeModules();
  if (!await installDebianPackages(playbackPackages)) return 1;
  await buildLibrary(hostTarget);
  await buildAbi();
  const failures = await playEverywhere(recordings.find((file) => existsSync(file)));
  for (const failure of failures) process.stdout.write(`\nFailed: ${failure}\n`);
  if (failures.length > 0) return 1;
  process.stdout.write("\nEvery sample that was given was played, bit for bit.\n");
  return 0;
}

await runMain(main);
