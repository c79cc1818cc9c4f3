/**
 * Opens a stream of the engine: the options as its record.
 *
 * @module
 */

import { packChannelMap } from "./channel_map.ts";
import {
  Access,
  SourceKind,
  STREAM_OPTIONS_LENGTH,
  StreamOptions,
  XrunPolicy,
} from "./ffi/abi.generated.ts";
import { nativeFormat } from "./format.ts";
import { openNativeMix } from "./native_mix.ts";
import type { CheckedPlaybackOptions } from "./options.ts";
import type { Realm } from "./realm.ts";
import { recordRealtime } from "./realtime.ts";

const NO_BYTES = new Uint8Array(0);
const encoder = new TextEncoder();
// Written and read at once: one is enough for all streams.
const record = new Float64Array(STREAM_OPTIONS_LENGTH);

/** Opens a stream; returns the engine's handle or error. */
export function openNative(realm: Realm, options: CheckedPlaybackOptions): number {
  const device = encoder.encode(options.device);
  const { source } = options;
  if (source?.kind === "mix") {
    return openNativeMix(realm, openRecord(options), device, source.inputs);
  }
  const clip = source?.kind === "clip" ? source.samples : NO_BYTES;
  return realm.native.halflap_stream_open(
    realm.handle,
    openRecord(options),
    STREAM_OPTIONS_LENGTH,
    device,
    device.byteLength,
    clip,
    clip.byteLength,
  );
}

function openRecord(options: CheckedPlaybackOptions): Float64Array {
  const { source, startThreshold } = options;
  record.fill(0);
  record[StreamOptions.access] = Access[options.access];
  record[StreamOptions.format] = nativeFormat(options.format);
  record[StreamOptions.channels] = options.channels;
  record[StreamOptions.rate] = options.rate;
  record[StreamOptions.rate_exact] = options.rateExact ? 1 : 0;
  record[StreamOptions.period_frames] = options.periodFrames ?? 0;
  record[StreamOptions.periods] = options.periods ?? 0;
  record[StreamOptions.queue_frames] = options.queueFrames ?? 0;
  const threshold = startThreshold === Infinity ? -1 : startThreshold ?? 0;
  record[StreamOptions.start_threshold_frames] = threshold;
  record[StreamOptions.source] = SourceKind[source?.kind ?? "queue"];
  record[StreamOptions.gain] = options.gain;
  record[StreamOptions.xrun_policy] = XrunPolicy[options.xrunPolicy];
  packChannelMap(record, StreamOptions.channel_map_0, options.channelMap);
  recordRealtime(record, options.realtime);
  if (source?.kind === "tone") {
    record[StreamOptions.tone_frequency_hz] = source.frequencyHz;
    record[StreamOptions.tone_amplitude] = source.amplitude;
  } else if (source?.kind === "clip") {
    record[StreamOptions.clip_loop] = source.loop ? 1 : 0;
  }
  return record;
}
