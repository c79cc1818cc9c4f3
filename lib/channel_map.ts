/**
 * Channel maps: which loudspeaker each channel of a frame is for.
 *
 * @module
 */

import { checkWord } from "./check.ts";
import { ChannelPosition as Native } from "./ffi/abi.generated.ts";

/**
 * What a channel is for, by ALSA's names (`SND_CHMAP_` in `<alsa/pcm.h>`): `FL` and `FR` are front
 * left and right, `RL` and `RR` rear, `SL` and `SR` side, `FC` front center, `LFE` the subwoofer;
 * `MONO`, `NA` (silent) and `UNKNOWN` stand for themselves. A `T` in front is top, a `C` behind is
 * center, a `W` wide, an `H` high, a `B` bottom.
 */
export type ChannelPosition =
  | "UNKNOWN"
  | "NA"
  | "MONO"
  | "FL"
  | "FR"
  | "RL"
  | "RR"
  | "FC"
  | "LFE"
  | "SL"
  | "SR"
  | "RC"
  | "FLC"
  | "FRC"
  | "RLC"
  | "RRC"
  | "FLW"
  | "FRW"
  | "FLH"
  | "FCH"
  | "FRH"
  | "TC"
  | "TFL"
  | "TFR"
  | "TFC"
  | "TRL"
  | "TRR"
  | "TRC"
  | "TFLC"
  | "TFRC"
  | "TSL"
  | "TSR"
  | "LLFE"
  | "RLFE"
  | "BC"
  | "BLC"
  | "BRC";

/** A channel map that a device offers. */
export interface OfferedChannelMap {
  /**
   * Whether the positions are fixed, or can be swapped: freely (`variable`), or in pairs (`paired`).
   */
  readonly kind: "fixed" | "variable" | "paired";
  /** What each channel is for. */
  readonly positions: readonly ChannelPosition[];
}

const POSITIONS = Object.keys(Native) as readonly ChannelPosition[];
// Nobody can want a channel to be for something unknown.
const WANTED_POSITIONS = POSITIONS.filter((position) => position !== "UNKNOWN");
const MAX_CHANNELS = 32;
const KINDS: readonly OfferedChannelMap["kind"][] = ["fixed", "variable", "paired"];

/** Returns the positions, if they are some that can be asked for. */
export function checkChannelMap(value: unknown): ChannelPosition[] {
  if (!Array.isArray(value)) {
    throw new TypeError(`"channelMap" must be an array of positions, as in ["FL", "FR"]`);
  }
  const { length } = value;
  if (length === 0 || length > MAX_CHANNELS) {
    throw new RangeError(
      `"channelMap" must have 1 to ${MAX_CHANNELS} positions: current value has ${length}`,
    );
  }
  return Array.from(value, (position) => checkWord("channelMap", position, WANTED_POSITIONS));
}

/** Writes positions into the fields of a record that begin at an index, four a field. */
export function packChannelMap(
  record: Float64Array,
  index: number,
  positions: readonly ChannelPosition[],
): void {
  for (const [channel, position] of positions.entries()) {
    record[index + Math.floor(channel / 4)]! += Native[position] * 2 ** (8 * (channel % 4));
  }
}

/** The positions in the engine's text; undefined where there are none. */
export function parseChannelMap(text: string): readonly ChannelPosition[] | undefined {
  return text === "" ? undefined : Object.freeze(text.split(" ").map(positionOf));
}

/** The maps in the engine's lines. */
export function parseOfferedChannelMaps(text: string): readonly OfferedChannelMap[] {
  const lines = text.split("\n").filter((line) => line !== "");
  return Object.freeze(lines.map((line) => {
    const [kind, ...positions] = line.split(" ");
    return Object.freeze({
      kind: checkWord("kind", kind, KINDS),
      positions: Object.freeze(positions.map(positionOf)),
    });
  }));
}

function positionOf(name: string): ChannelPosition {
  return checkWord("position", name, POSITIONS);
}
