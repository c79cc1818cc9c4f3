/**
 * Runs a module in a process of its own, under the runtime of this one.
 *
 * @module
 */

import { execFile } from "node:child_process";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describeMachine } from "./machine.ts";

const FOLDER = path.resolve(fileURLToPath(import.meta.url), "..");

/** How a module is run. */
export interface ModuleProcessOptions {
  /** What it gets as its arguments. */
  readonly args?: readonly (string | number)[];
  /** When it is killed. */
  readonly timeoutMs: number;
  /** Most file descriptors that it may have open. */
  readonly maxDescriptors?: number;
}

/** The command that runs a module of this folder. */
export function moduleCommand(file: string): readonly [string, ...string[]] {
  const flags = describeMachine().runtime === "deno" ? ["run", "--no-prompt", "--allow-all"] : [];
  return [process.execPath, ...flags, path.join(FOLDER, file)];
}

/** Runs a module of this folder; returns the object that it prints. */
export async function runModule(
  file: string,
  { args = [], timeoutMs, maxDescriptors }: ModuleProcessOptions,
): Promise<unknown> {
  const command = [...moduleCommand(file), ...args.map(String)] as [string, ...string[]];
  const limited = ["/bin/sh", "-c", `ulimit -n ${maxDescriptors}; exec "$0" "$@"`, ...command];
  const [program, ...rest] = maxDescriptors === undefined ? command : limited;
  const { stdout } = await promisify(execFile)(program!, rest, { timeout: timeoutMs });
  return JSON.parse(stdout);
}
