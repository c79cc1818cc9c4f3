/**
 * Boots a machine with a sound card, emulated by QEMU, runs a command in it, and waits for its end.
 * What the card plays is recorded.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { run } from "../../scripts/subprocess.mjs";
import { commandScript } from "../kernel/command_script.mjs";
import { packRamDisk } from "./ram_disk.mjs";

/**
 * The machine's clock counts instructions, a nanosecond each, and jumps to the next timer when all
 * sleep: how busy the host is makes no difference, and the card keeps time with the processor.
 */
const clock = ["-icount", "shift=0,sleep=off", "-rtc", "clock=vm"];

/** A codec without a mixer changes no sample, nor does QEMU at the rate of the recording. */
const soundCard = (recording) => [
  ...["-audiodev", `wav,id=recording,path=${recording},out.frequency=48000`],
  ...["-device", "intel-hda", "-device", "hda-output,audiodev=recording,mixer=off"],
];

const kernelArguments = [
  ...["console=ttyS0", "quiet", "loglevel=3", "panic=-1", "mitigations=off", "tsc=reliable"],
  ...["no_timer_check", "random.trust_cpu=on"],
];

/**
 * Runs a command, an array of its words of which the first is a runtime, in a fresh machine. What it
 * writes into the folder `out` is there afterwards, and nothing else. It finds the recording in
 * `HALFLAP_RECORDING`.
 *
 * The result is as that of `run()`; `code` is the command's exit code, or null where the machine did
 * not come to its end.
 */
export async function bootMachine({ kernel, out, command, timeoutMs }) {
  const recording = path.join(out, "recording.wav");
  const variables = { HALFLAP_RECORDING: recording };
  writeFileSync(path.join(out, "command.sh"), commandScript(command, variables));
  const work = path.join(out, "root");
  const ramDisk = path.join(out, "ram_disk.cpio");
  mkdirSync(work);
  await packRamDisk({ kernel, runtime: command[0], work, file: ramDisk });
  rmSync(work, { recursive: true });
  const args = [
    ...["-accel", "tcg", "-cpu", "max", "-m", "1G", ...clock],
    ...["-nodefaults", "-no-reboot", "-display", "none", "-serial", "stdio"],
    ...["-kernel", path.join(kernel, "vmlinuz"), "-initrd", ramDisk],
    ...["-append", [...kernelArguments, `OUT=${out}`].join(" ")],
    ...["-virtfs", `local,path=${out},mount_tag=out,security_model=none`],
    ...soundCard(recording),
  ];
  const result = await run("qemu-system-x86_64", args, { timeoutMs });
  const exitCode = path.join(out, "exit_code");
  const code = existsSync(exitCode) ? Number(readFileSync(exitCode, "utf8")) : null;
  // A serial line ends its lines with both.
  return { ...result, code, output: result.output.replaceAll("\r", "") };
}
