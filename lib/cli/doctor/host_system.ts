/**
 * The system this process runs on.
 *
 * @module
 */

import { closeSync, constants, openSync, readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { engine } from "../../ffi/engine.ts";
import { isPermissionError, isPermitted } from "../../ffi/permission.ts";
import { readText as readNativeText } from "../../native_call.ts";
import { openPlayback } from "../../open_playback.ts";
import type { GrantedRealtime } from "../../realtime.ts";
import { silence } from "../../source.ts";
import { Inaccessible, type InaccessibleReason } from "./inaccessible.ts";
import type { System } from "./system.ts";

const REASONS: Readonly<Record<string, InaccessibleReason>> = {
  EACCES: "denied",
  ENOENT: "missing",
  ENOTDIR: "missing",
  EPERM: "denied",
  // A process that ended meanwhile.
  ESRCH: "missing",
};

/** The system this process runs on. */
export class HostSystem implements System {
  #isRestricted = false;

  /** Whether the runtime has kept anything back so far. */
  get isRestricted(): boolean {
    return this.#isRestricted;
  }

  readText(path: string): string | Inaccessible {
    return this.#access(["read"], path, () => {
      const bytes = readFileSync(path);
      return (path.endsWith(".gz") ? gunzipSync(bytes) : bytes).toString("utf8");
    });
  }

  list(path: string): readonly string[] | Inaccessible {
    return this.#access(["read"], path, () => readdirSync(path));
  }

  tryOpen(path: string): Inaccessible | undefined {
    return this.#access(["read", "write"], path, () => {
      closeSync(openSync(path, constants.O_RDWR | constants.O_NONBLOCK));
      return undefined;
    });
  }

  libasoundVersion(): string {
    const { native } = engine();
    return readNativeText((buffer, bytes) => native.halflap_libasound_version(buffer, bytes));
  }

  async tryRealtime(priority: number): Promise<GrantedRealtime> {
    await using out = await openPlayback({
      device: "virtual",
      realtime: { priority },
      source: silence(),
    });
    return out.granted.realtime;
  }

  #access<Value>(
    permissions: readonly ("read" | "write")[],
    path: string,
    act: () => Value,
  ): Value | Inaccessible {
    try {
      if (permissions.every((name) => isPermitted({ name, path }))) return act();
    } catch (error) {
      // It asks for more than that permission where it comes to /proc, /sys and /dev.
      if (!isPermissionError(error)) return inaccessible(path, error);
    }
    this.#isRestricted = true;
    return new Inaccessible(path, "not permitted");
  }
}

function inaccessible(path: string, error: unknown): Inaccessible {
  const { code = "", message } = error as NodeJS.ErrnoException;
  return new Inaccessible(path, REASONS[code] ?? "failed", message);
}
