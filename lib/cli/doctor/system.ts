/**
 * What the doctor asks of the system it examines.
 *
 * @module
 */

import type { GrantedRealtime } from "../../realtime.ts";
import type { Inaccessible } from "./inaccessible.ts";

/** A system. Nothing here changes it, and nothing throws unless it says so. */
export interface System {
  /** Reads a text file; one whose name ends in `.gz` is unpacked. */
  readText(path: string): string | Inaccessible;
  /** The names in a folder. */
  list(path: string): readonly string[] | Inaccessible;
  /**
   * Opens a device for reading and writing, and closes it: the only way to learn whether that is
   * allowed, since access control lists and control groups decide as well.
   *
   * @returns Why it cannot be opened; undefined if it can.
   */
  tryOpen(path: string): Inaccessible | undefined;
  /**
   * The version of libasound.
   *
   * @throws HalflapError if libasound or the engine cannot be loaded.
   */
  libasoundVersion(): string;
  /**
   * Plays silence on the virtual card with that priority of SCHED_FIFO.
   *
   * @returns What was granted of it. Rejects with a HalflapError if nothing can be played.
   */
  tryRealtime(priority: number): Promise<GrantedRealtime>;
}
