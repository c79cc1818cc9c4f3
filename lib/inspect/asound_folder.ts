/**
 * Reads and writes the files of /proc/asound. Files come and go with cards, so one that is not
 * there is no error here.
 *
 * @module
 */

import { readdir, readFile, writeFile } from "node:fs/promises";
import { constants } from "node:os";
import path from "node:path";
import { HalflapError, type HalflapErrorCode } from "../errors.ts";
import { isPermissionError, isPermitted } from "../ffi/permission.ts";

const FOLDER = "/proc/asound";
// ENODEV, ENXIO: the card went away while its file was open.
const GONE = ["ENOENT", "ENOTDIR", "ENODEV", "ENXIO"];
const DENIED = ["EACCES", "EPERM", "EROFS"];

/** The folder /proc/asound. */
export class AsoundFolder {
  readonly #path: string;

  /** @param path Where it is: anywhere but in /proc for tests alone. */
  constructor(path: string = FOLDER) {
    this.#path = path;
  }

  /** Where it is. */
  get path(): string {
    return this.#path;
  }

  /** The text of a file; undefined if there is no such file. */
  readText(name: string): Promise<string | undefined> {
    return this.#access("read", name, (file) => readFile(file, "utf8"));
  }

  /** The names in a folder, or in this one; undefined if there is no such folder. */
  list(name = "."): Promise<readonly string[] | undefined> {
    return this.#access("read", name, (folder) => readdir(folder));
  }

  /** Writes a file; resolves with false if there is no such file. */
  async writeText(name: string, text: string): Promise<boolean> {
    const written = await this.#access("write", name, async (file) => {
      // Never creates a file: there is none to be created in /proc.
      await writeFile(file, text, { flag: "r+" });
      return true;
    });
    return written ?? false;
  }

  async #access<Value>(
    name: "read" | "write",
    file: string,
    act: (path: string) => Promise<Value>,
  ): Promise<Value | undefined> {
    const place = path.join(this.#path, file);
    if (!isPermitted({ name, path: place })) throw notPermitted(name, place);
    try {
      return await act(place);
    } catch (error) {
      // Deno asks for more than permission to read or write where it comes to /proc.
      if (isPermissionError(error)) throw notPermitted(name, place);
      if (GONE.includes((error as NodeJS.ErrnoException).code ?? "")) return undefined;
      throw systemError(name, place, error as NodeJS.ErrnoException);
    }
  }
}

function notPermitted(action: "read" | "write", place: string): HalflapError {
  return new HalflapError(`Deno does not permit to ${action} "${place}"`, {
    code: "ERR_HALFLAP_PERMISSION_DENIED",
    hint: "run with --allow-all, by which Deno guards /proc",
  });
}

function systemError(
  action: "read" | "write",
  place: string,
  cause: NodeJS.ErrnoException,
): HalflapError {
  const name = cause.code ?? "";
  const isDenied = DENIED.includes(name);
  const code: HalflapErrorCode = isDenied ? "ERR_HALFLAP_PERMISSION_DENIED" : "ERR_HALFLAP_IO";
  const hint = !isDenied
    ? undefined
    : action === "write"
    ? "only root may write there, and not in a container that shows /proc read-only"
    : "run as root";
  const reason = isDenied ? "permission denied" : cause.message;
  return new HalflapError(`Cannot ${action} "${place}": ${reason}`, {
    code,
    errno: (constants.errno as Readonly<Record<string, number>>)[name],
    hint,
    cause,
  });
}
