/**
 * Reads the engine's statistics of a stream.
 *
 * @module
 */

import { type Distribution, distributionFromNative } from "./distribution.ts";
import { DISTRIBUTION_LENGTH, GROUP_LENGTH, Quantity, Stats } from "./ffi/abi.generated.ts";
import type { NativeStream } from "./native_stream.ts";
import { type PlaybackStats, statsFromNative } from "./stats.ts";

const NS_PER_MS = 1e6;

// Written and read at once: one is enough for all streams.
const distributionRecord = new Float64Array(DISTRIBUTION_LENGTH);

/** The statistics of a stream, as they are now. */
export function readNativeStats(stream: NativeStream): PlaybackStats {
  const group = new Float64Array(GROUP_LENGTH);
  stream.check(stream.native.halflap_stream_group(stream.handle, group, GROUP_LENGTH));
  const stats = stream.readStats();
  return statsFromNative(stats, {
    recent: stream.xruns.recent(stats[Stats.xruns]!),
    distributions: {
      wakeLatenessMs: readDistribution(stream, Quantity.wake_lateness_ns, NS_PER_MS),
      fillMs: readDistribution(stream, Quantity.fill_ns, NS_PER_MS),
      queueFrames: readDistribution(stream, Quantity.queue_frames, 1),
      availFrames: readDistribution(stream, Quantity.avail_frames, 1),
      delayFrames: readDistribution(stream, Quantity.delay_frames, 1),
    },
    group,
    groupWakeLatenessMs: readDistribution(stream, Quantity.group_wake_lateness_ns, NS_PER_MS),
    groupRoundMs: readDistribution(stream, Quantity.group_round_ns, NS_PER_MS),
  });
}

function readDistribution(stream: NativeStream, quantity: number, unit: number): Distribution {
  const record = distributionRecord;
  const { native, handle } = stream;
  stream.check(native.halflap_stream_distribution(handle, quantity, record, record.length));
  return distributionFromNative(record, unit);
}
