/**
 * What a period costs on the sound cards of this machine, by both paths.
 *
 * @module
 */

import { setTimeout } from "node:timers/promises";
import { type DeviceCapabilities, type DeviceRange, listDevices, silence } from "../../mod.ts";
import { type Figure, figureOf } from "../figure.ts";
import { type ProcessorUse, processorUse } from "../processor_use.ts";
import {
  comparePaths,
  type Feed,
  type PathComparison,
  playInRealtime,
  type Shape,
  type SignedFormat,
  type StreamUse,
} from "../realtime_use.ts";
import type { Scale } from "../scale.ts";
import { CannotMeasureError, ratio, short, type Suite } from "../suite.ts";

const FEEDS: readonly Feed[] = ["native", "queue", "render"];
const FORMATS: readonly SignedFormat[] = ["s16", "s32", "f32"];
const PERIOD_FRAMES = [32, 128, 512, 2048, 4096];
const CHANNELS = [2, 32];
const RATE = 48_000;
const PERIODS = 4;
const SILENCE = silence();

/** One device with one kind of stream. */
export interface HardwareRow extends PathComparison {
  /** Its name. */
  readonly device: string;
  /** Who makes the silence: `native` code, or JavaScript, which writes (`queue`) or renders. */
  readonly feed: Feed;
  /** Channels of a frame. */
  readonly channels: number;
  /** Frames of a period, of which the buffer has four. */
  readonly periodFrames: number;
  /** Microseconds that half of the transfers took at most, on the write path. */
  readonly writeFillUs: Figure;
  /** The same on the mmap path. */
  readonly mmapFillUs: Figure;
}

type Kind = Omit<Shape, "access"> & { readonly feed: Feed };

const isIn = ({ min, max }: DeviceRange, value: number): boolean => min <= value && value <= max;
const nearest = ({ min, max }: DeviceRange, value: number): number =>
  Math.min(Math.max(value, min), max);

function kindsOf(device: string, can: DeviceCapabilities): Kind[] {
  const format = FORMATS.find((format) => can.formats.includes(format));
  const has = (way: "mmap" | "write") => can.access.some((access) => access.startsWith(way));
  if (format === undefined || !has("mmap") || !has("write")) return [];
  const sizes = PERIOD_FRAMES.filter((frames) =>
    isIn(can.periodFrames, frames) && isIn(can.bufferFrames, PERIODS * frames)
  );
  const channelCounts = new Set(CHANNELS.map((channels) => nearest(can.channels, channels)));
  const shape = { device, format, rate: nearest(can.rate, RATE), periods: PERIODS };
  return [...channelCounts].flatMap((channels) =>
    sizes.flatMap((periodFrames) =>
      FEEDS.map((feed) => ({ ...shape, feed, channels, periodFrames }))
    )
  );
}

async function findKinds(): Promise<Kind[]> {
  const devices = await listDevices({ probe: true });
  return devices.flatMap((device) => {
    const capabilities = device.kind === "hardware" ? device.playback?.capabilities : undefined;
    return capabilities === undefined ? [] : kindsOf(device.device, capabilities);
  });
}

const fillUs = (uses: readonly StreamUse[]): Figure =>
  figureOf(uses.map(({ fillMs }) => 1000 * fillMs));

async function measureKind(
  { feed, ...shape }: Kind,
  { realtimeRounds, realtimeMs }: Scale,
  idle: readonly ProcessorUse[],
): Promise<HardwareRow> {
  const uses = { mmap: [] as StreamUse[], write: [] as StreamUse[] };
  for (let round = 0; round < realtimeRounds; round++) {
    const order = round % 2 === 0 ? ["write", "mmap"] as const : ["mmap", "write"] as const;
    for (const access of order) {
      const use = await playInRealtime(feed, { ...shape, access }, SILENCE, realtimeMs);
      uses[access].push(use);
    }
  }
  return {
    device: shape.device,
    feed,
    channels: shape.channels,
    periodFrames: shape.periodFrames,
    writeFillUs: fillUs(uses.write),
    mmapFillUs: fillUs(uses.mmap),
    ...comparePaths(uses, idle),
  };
}

async function measure(scale: Scale): Promise<HardwareRow[]> {
  const kinds = await findKinds();
  if (kinds.length === 0) {
    throw new CannotMeasureError("no sound card is free that plays by mmap and by write");
  }
  const idle: ProcessorUse[] = [];
  while (idle.length < scale.realtimeRounds) {
    idle.push(await processorUse(() => setTimeout(scale.realtimeMs)));
  }
  const rows: HardwareRow[] = [];
  for (const kind of kinds) rows.push(await measureKind(kind, scale, idle));
  return rows;
}

/** What a period costs on sound cards. */
export const suite: Suite<HardwareRow> = {
  title: "A period on this machine's sound cards, which play silence (4 periods, 48 kHz)",
  columns: [
    { heading: "device", text: ({ device }) => device },
    { heading: "feed", text: ({ feed }) => feed },
    { heading: "channels", text: ({ channels }) => `${channels}` },
    { heading: "frames", text: ({ periodFrames }) => `${periodFrames}` },
    {
      heading: "mmap : write",
      text: ({ mmapToWrite }) => mmapToWrite ? ratio(mmapToWrite) : "below idle",
    },
    { heading: "write us", text: ({ writeFillUs }) => short(writeFillUs) },
    { heading: "mmap us", text: ({ mmapFillUs }) => short(mmapFillUs) },
    { heading: "write CPU %", text: ({ writeCpuPercent }) => short(writeCpuPercent) },
    { heading: "mmap CPU %", text: ({ mmapCpuPercent }) => short(mmapCpuPercent) },
    { heading: "xruns", text: ({ xruns }) => `${xruns}` },
  ],
  measure,
};
