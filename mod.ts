/**
 * An embeddable Linux audio engine for Deno and Bun: plays through ALSA with low and known latency,
 * by writing into the sound card's ring buffer or by a realtime write thread.
 *
 * @example Playing
 * ```ts
 * import { openPlayback } from "halflap";
 *
 * await using out = await openPlayback({ rate: 48_000, channels: 2, format: "f32" });
 * out.addEventListener("xrun", (xrun) => console.warn(xrun.cause, xrun.durationMs, xrun.advice));
 *
 * const samples = new Float32Array(2 * 48_000);
 * for (let frame = 0; frame < 48_000; frame++) {
 *   const sample = 0.25 * Math.sin(2 * Math.PI * 440 * frame / out.granted.rate);
 *   samples[2 * frame] = samples[2 * frame + 1] = sample;
 * }
 * await out.write(samples);
 * await out.drain({ timeoutMs: 5000 });
 * ```
 *
 * @example Watching all streams of a program, whoever opened them
 * ```ts
 * import { subscribe } from "node:diagnostics_channel";
 * import { type CloseMessage, openPlayback, type OpenMessage, type XrunMessage } from "halflap";
 *
 * subscribe("halflap:open", (message) => {
 *   console.log("open", (message as OpenMessage).granted.device);
 * });
 * subscribe("halflap:xrun", (message) => console.warn((message as XrunMessage).xrun.advice));
 * subscribe("halflap:close", (message) => {
 *   console.log("close", (message as CloseMessage).stats.framesPlayed);
 * });
 * await using out = await openPlayback();
 * ```
 *
 * In Deno playing takes `--allow-ffi` for one path, which `halflap path` prints. Importing the module
 * takes nothing, and never fails: opening a stream does where it cannot work, and says why.
 *
 * @module
 */

/// <reference lib="esnext.disposable" preserve="true" />

export { asoundrcSnippet } from "./lib/asound_conf.ts";
export { attachPlayback } from "./lib/attach_playback.ts";
export type { AttachRenderOptions } from "./lib/attach_playback.ts";
export type { ChannelPosition, OfferedChannelMap } from "./lib/channel_map.ts";
export type { DeviceAccess, DeviceCapabilities, DeviceRange } from "./lib/devices/capabilities.ts";
export type { DeviceChange } from "./lib/devices/changes.ts";
export type {
  Device,
  DeviceDirection,
  DeviceHolder,
  HardwareDevice,
  NamedDevice,
} from "./lib/devices/device.ts";
export { listDevices } from "./lib/devices/list_devices.ts";
export type { ListDevicesOptions } from "./lib/devices/list_devices.ts";
export { probeDevice } from "./lib/devices/probe_device.ts";
export type { ProbeDeviceOptions } from "./lib/devices/probe_device.ts";
export { watchDevices } from "./lib/devices/watch_devices.ts";
export type { DeviceWatch, WatchDevicesOptions } from "./lib/devices/watch_devices.ts";
export type { CloseMessage, OpenMessage, XrunMessage } from "./lib/diagnostics.ts";
export { HalflapError, WriteAbortedError } from "./lib/errors.ts";
export type { HalflapErrorCode, HalflapErrorOptions } from "./lib/errors.ts";
export { StateChangeEvent, XrunEvent } from "./lib/events.ts";
export type { ListenerOptions, PlaybackEventMap, PlaybackListener } from "./lib/events.ts";
export type { SampleArrays, SampleFormat, SamplesOf } from "./lib/format.ts";
export type { Granted, GrantedXrunPolicy, GrantedZeroCopy } from "./lib/granted.ts";
export { inspectCards } from "./lib/inspect/inspect_cards.ts";
export type { CardInspection, CardsInspection } from "./lib/inspect/inspect_cards.ts";
export { inspectPcm } from "./lib/inspect/inspect_pcm.ts";
export type {
  InspectPcmOptions,
  PcmAddress,
  PcmInspection,
  SubstreamInspection,
} from "./lib/inspect/inspect_pcm.ts";
export type { PcmMeanings } from "./lib/inspect/meanings.ts";
export type { PcmDirection } from "./lib/inspect/pcm_place.ts";
export type { PcmRing } from "./lib/inspect/ring.ts";
export { setXrunDebug } from "./lib/inspect/set_xrun_debug.ts";
export type { SetXrunDebugOptions } from "./lib/inspect/set_xrun_debug.ts";
export { mix } from "./lib/mix.ts";
export type {
  MixClipOptions,
  MixInputOptions,
  MixQueueOptions,
  MixSource,
  MixToneOptions,
} from "./lib/mix.ts";
export { MixClip, MixInput, MixQueue, MixTone } from "./lib/mix_input.ts";
export type { MixInputOf, MixInputsOf, MixInputStats, MixQueueStats } from "./lib/mix_input.ts";
export { openPlayback } from "./lib/open_playback.ts";
export type {
  Access,
  CommonPlaybackOptions,
  MixPlaybackOptions,
  PlaybackOptions,
  QueuePlaybackOptions,
  RenderPlaybackOptions,
  SourcePlaybackOptions,
} from "./lib/options.ts";
export type { OutputTimestamp } from "./lib/output_timestamp.ts";
export { Playback } from "./lib/playback.ts";
export type { DrainOptions, FadeOptions, GainOptions } from "./lib/playback.ts";
export { PlaybackMapped } from "./lib/playback_mapped.ts";
export type { MappedBlock } from "./lib/playback_mapped.ts";
export { PlaybackMix } from "./lib/playback_mix.ts";
export { PlaybackRender } from "./lib/playback_render.ts";
export { PlaybackQueue } from "./lib/playback_queue.ts";
export type { WriteOptions } from "./lib/sample_writer.ts";
export type { PlaybackToken } from "./lib/playback_token.ts";
export type { SoundCard } from "./lib/procfs/cards.ts";
export type { SoundDevice } from "./lib/procfs/devices.ts";
export type { UnknownLines } from "./lib/procfs/field_reader.ts";
export type { PcmHwParams } from "./lib/procfs/hw_params.ts";
export type { PcmInfo } from "./lib/procfs/pcm_info.ts";
export type { PcmState, PcmStatus } from "./lib/procfs/pcm_status.ts";
export type { PcmSwParams } from "./lib/procfs/sw_params.ts";
export type { SoundTimer, SoundTimerClient } from "./lib/procfs/timers.ts";
export type { XrunDebug, XrunDebugFlag } from "./lib/procfs/xrun_debug.ts";
export type { GrantedRealtime, RealtimeOption, RealtimeOptions } from "./lib/realtime.ts";
export { mapped, render } from "./lib/render.ts";
export type { MappedSource, RenderBlock, RenderCallback, RenderSource } from "./lib/render.ts";
export { clip, silence, tone } from "./lib/source.ts";
export type {
  ClipOptions,
  ClipSource,
  SilenceSource,
  Source,
  ToneOptions,
  ToneSource,
} from "./lib/source.ts";
export type { PlaybackState } from "./lib/state.ts";
export type { Distribution } from "./lib/distribution.ts";
export type { GroupStats, PlaybackDistributions, PlaybackStats, XrunStats } from "./lib/stats.ts";
export type { WritableChunk } from "./lib/writable.ts";
export type { Xrun, XrunCause, XrunEvidence, XrunPolicy } from "./lib/xrun.ts";
