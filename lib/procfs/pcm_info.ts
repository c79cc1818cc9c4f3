/**
 * `card0/pcm0p/info`: what a PCM is.
 *
 * @module
 */

import { FieldReader, type UnknownLines } from "./field_reader.ts";
import { parseCount, parseText } from "./values.ts";

/** What a PCM is. A value that the kernel does not tell is undefined. */
export interface PcmInfo extends UnknownLines {
  /** The driver's short name for it. */
  readonly id: string | undefined;
  /** Its name for people. */
  readonly name: string | undefined;
  /** What kind of device it is: 0 generic, 1 multichannel, 2 modem, 3 digitizer. */
  readonly deviceClass: number | undefined;
  /** The kind within that class: 0 generic mix, 1 multichannel mix. */
  readonly deviceSubclass: number | undefined;
  /** How many programs can have it open at a time. */
  readonly substreams: number | undefined;
  /** How many more can open it. */
  readonly substreamsAvailable: number | undefined;
}

// What says where the file is.
const PLACE = ["card", "device", "subdevice", "stream", "subname"];

/** Parses the file. */
export function parsePcmInfo(text: string): PcmInfo {
  const fields = new FieldReader(text);
  for (const name of PLACE) fields.take(name, (value) => value);
  return {
    id: fields.take("id", parseText),
    name: fields.take("name", parseText),
    deviceClass: fields.take("class", parseCount),
    deviceSubclass: fields.take("subclass", parseCount),
    substreams: fields.take("subdevices_count", parseCount),
    substreamsAvailable: fields.take("subdevices_avail", parseCount),
    unknown: fields.unknown,
  };
}
