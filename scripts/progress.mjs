/** Shows on stderr what takes long, and how long it takes; standard output stays for results. */
import process from "node:process";

const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const intervalMs = 100;

export function formatSeconds(milliseconds) {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

/** Shows a spinner with the time that has passed, on a terminal only; returns what ends it. */
export function startSpinner(label) {
  if (!process.stderr.isTTY) return () => {};
  const startMs = performance.now();
  let frame = 0;
  const draw = () => {
    const seconds = Math.floor((performance.now() - startMs) / 1000);
    process.stderr.write(`\r\x1b[K${frames[frame++ % frames.length]} ${label} (${seconds} s)`);
  };
  draw();
  const timer = setInterval(draw, intervalMs);
  return () => {
    clearInterval(timer);
    process.stderr.write("\r\x1b[K");
  };
}

/** Runs an action that makes people wait: says what it is before, and how long it took after. */
export async function showProgress(label, action) {
  const startMs = performance.now();
  if (!process.stderr.isTTY) process.stderr.write(`${label} ...\n`);
  const stop = startSpinner(label);
  try {
    const result = await action();
    stop();
    process.stderr.write(`${label}: done in ${formatSeconds(performance.now() - startMs)}\n`);
    return result;
  } finally {
    stop();
  }
}
