/**
 * Runs programs, each in a process group of its own, so that a time limit or Ctrl-C ends all that
 * it started and nothing else.
 */
import { spawn } from "node:child_process";
import { constants } from "node:os";
import process from "node:process";
import { root } from "./toolchain.mjs";

const killDelayMs = 2000;
const toolEnvironment = {
  DENO_NO_UPDATE_CHECK: "1",
  DO_NOT_TRACK: "1",
  ...(process.stdout.isTTY ? {} : { NO_COLOR: "1" }),
};
const runningPids = new Set();

/** A program that did not do what it was started for; `output` is all it printed. */
export class CommandError extends Error {
  constructor(message, output) {
    super(message);
    this.name = "CommandError";
    this.output = output;
  }
}

function killGroup(pid, signal) {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // The group has ended by itself in the meantime.
    if (error.code !== "ESRCH") throw error;
  }
}

function stopOnSignal(signal) {
  process.once(signal, () => {
    for (const pid of runningPids) killGroup(pid, "SIGKILL");
    process.exit(128 + constants.signals[signal]);
  });
}
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) stopOnSignal(signal);

/** Says how a finished program ended: `exit code 1`, `signal SIGSEGV` or `no end within 300 s`. */
export function describeEnd({ code, signal, timedOut, timeoutMs }) {
  if (timedOut) return `no end within ${timeoutMs / 1000} s`;
  return signal === null ? `exit code ${code}` : `signal ${signal}`;
}

/**
 * Runs a program to its end, whatever that is.
 * `output` has what it wrote to both streams as it came; with `inherit` all is null.
 */
export function run(command, args, options = {}) {
  const { cwd = root, env = {}, timeoutMs = 600_000, inherit = false } = options;
  const stream = inherit ? "inherit" : "pipe";
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...toolEnvironment, ...env },
      stdio: ["ignore", stream, stream],
      detached: true,
    });
    const text = { output: "", stdout: "", stderr: "" };
    for (const name of inherit ? [] : ["stdout", "stderr"]) {
      child[name].setEncoding("utf8");
      child[name].on("data", (chunk) => {
        text[name] += chunk;
        text.output += chunk;
      });
    }
    let timedOut = false;
    let killTimer;
    const timer = setTimeout(() => {
      timedOut = true;
      killGroup(child.pid, "SIGTERM");
      killTimer = setTimeout(() => killGroup(child.pid, "SIGKILL"), killDelayMs);
    }, timeoutMs);
    child.on("spawn", () => runningPids.add(child.pid));
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(new CommandError(`Cannot start "${command}": ${error.message}`, ""));
    });
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      clearTimeout(killTimer);
      runningPids.delete(child.pid);
      resolve({ code, signal, timedOut, timeoutMs, ...text });
    });
  });
}

/** Runs a program that must succeed. */
export async function runOrThrow(command, args, options) {
  const result = await run(command, args, options);
  if (result.code === 0 && !result.timedOut) return result;
  throw new CommandError(
    `Cannot run "${[command, ...args].join(" ")}": ${describeEnd(result)}`,
    result.output,
  );
}

/** Runs a script's main function; a failure is one clear message and exit code 1. */
export async function runMain(main) {
  try {
    process.exitCode = await main(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    if (error.output) process.stderr.write(`${error.output.trimEnd()}\n`);
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
