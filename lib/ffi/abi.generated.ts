// Generated from zig/src/abi.zig and zig/src/exports/ by `npm run build`; do not edit.

/** What the library answers if it speaks this very ABI. */
export const ABI_HASH: number = 1829197447;

/** The exported functions, in the shape of `Deno.dlopen`. */
export const SYMBOLS = {
  halflap_abi_hash: { parameters: [], result: "u32" },
  halflap_now_ms: { parameters: [], result: "f64" },
  halflap_error_text: { parameters: ["buffer", "u32"], result: "i32" },
  halflap_libasound_version: { parameters: ["buffer", "u32"], result: "i32" },
  halflap_counters: { parameters: ["buffer", "u32"], result: "i32" },
  halflap_realm_open: { parameters: [], result: "i32" },
  halflap_realm_silence_ms: { parameters: [], result: "i32" },
  halflap_realm_wait: { parameters: ["u32", "u32"], result: "i32", nonblocking: true },
  halflap_realm_ring: { parameters: ["u32"], result: "i32" },
  halflap_realm_pipe_open: { parameters: ["u32"], result: "i32" },
  halflap_realm_pipe_shut: { parameters: ["u32"], result: "i32" },
  halflap_realm_pipe_close: { parameters: ["u32"], result: "i32" },
  halflap_realm_events: { parameters: ["u32", "buffer", "u32"], result: "i32" },
  halflap_realm_close: { parameters: ["u32"], result: "i32" },
  halflap_stream_open: { parameters: ["u32", "buffer", "u32", "buffer", "u32", "buffer", "u32"], result: "i32" },
  halflap_stream_granted: { parameters: ["u32", "buffer", "u32"], result: "i32" },
  halflap_stream_text: { parameters: ["u32", "u32", "buffer", "u32"], result: "i32" },
  halflap_stream_stats: { parameters: ["u32", "buffer", "u32"], result: "i32" },
  halflap_stream_xrun: { parameters: ["u32", "u32", "buffer", "u32"], result: "i32" },
  halflap_stream_distribution: { parameters: ["u32", "u32", "buffer", "u32"], result: "i32" },
  halflap_stream_group: { parameters: ["u32", "buffer", "u32"], result: "i32" },
  halflap_stream_completions: { parameters: ["u32", "buffer", "u32"], result: "i32" },
  halflap_stream_write: { parameters: ["u32", "buffer", "u32", "u32", "u32"], result: "i32" },
  halflap_stream_events: { parameters: ["u32"], result: "i32" },
  halflap_stream_await_room: { parameters: ["u32", "u32"], result: "i32" },
  halflap_stream_wait_room: { parameters: ["u32", "u32", "u32"], result: "i32" },
  halflap_stream_begin: { parameters: ["u32", "u32", "buffer", "u32"], result: "i32" },
  halflap_stream_commit: { parameters: ["u32", "u32"], result: "i32" },
  halflap_stream_view: { parameters: ["u32", "buffer", "u32"], result: "i32" },
  halflap_stream_unview: { parameters: ["u32"], result: "i32" },
  halflap_stream_command: { parameters: ["u32", "u32", "f64", "f64"], result: "i32" },
  halflap_stream_set_gain: { parameters: ["u32", "f64", "f64"], result: "i32" },
  halflap_stream_close: { parameters: ["u32"], result: "i32" },
  halflap_stream_release: { parameters: ["u32"], result: "i32" },
  halflap_stream_detach: { parameters: ["u32"], result: "i32" },
  halflap_stream_token: { parameters: ["u32", "buffer", "u32"], result: "f64" },
  halflap_stream_attach: { parameters: ["u32", "f64"], result: "i32" },
  halflap_stream_handover: { parameters: ["u32", "buffer", "u32"], result: "i32" },
  halflap_mix_open: { parameters: ["u32", "buffer", "u32", "buffer", "u32", "buffer", "u32", "buffer", "u32"], result: "i32" },
  halflap_mix_write: { parameters: ["u32", "u32", "buffer", "u32", "u32", "u32"], result: "i32" },
  halflap_mix_await_room: { parameters: ["u32", "u32", "u32"], result: "i32" },
  halflap_mix_set_gain: { parameters: ["u32", "u32", "f64", "f64"], result: "i32" },
  halflap_mix_set_playing: { parameters: ["u32", "u32", "u32", "f64"], result: "i32" },
  halflap_mix_drop: { parameters: ["u32", "u32"], result: "i32" },
  halflap_mix_drain: { parameters: ["u32", "u32"], result: "i32" },
  halflap_mix_stats: { parameters: ["u32", "u32", "buffer", "u32"], result: "i32" },
  halflap_mix_events: { parameters: ["u32", "buffer", "u32"], result: "i32" },
  halflap_card_open: { parameters: ["u32", "buffer", "u32", "buffer", "u32"], result: "i32" },
  halflap_card_advance: { parameters: ["u32", "f64"], result: "i32" },
  halflap_card_advance_frames: { parameters: ["u32", "f64", "f64"], result: "i32" },
  halflap_card_played: { parameters: ["u32", "u32", "f64", "buffer", "u32"], result: "i32" },
  halflap_card_status: { parameters: ["u32", "u32", "buffer", "u32"], result: "i32" },
  halflap_card_fault: { parameters: ["u32", "u32", "u32", "f64"], result: "i32" },
  halflap_card_flush: { parameters: ["u32"], result: "i32" },
  halflap_card_close: { parameters: ["u32"], result: "i32" },
  halflap_query_devices: { parameters: ["u32", "u32", "u32"], result: "i32" },
  halflap_query_capabilities: { parameters: ["u32", "u32", "buffer", "u32"], result: "i32" },
  halflap_query_status: { parameters: ["u32", "buffer", "u32"], result: "i32" },
  halflap_query_answer: { parameters: ["u32", "u32", "buffer", "u32"], result: "i32" },
  halflap_query_answer_capabilities: { parameters: ["u32", "u32", "buffer", "u32"], result: "i32" },
  halflap_query_text: { parameters: ["u32", "u32", "u32", "buffer", "u32"], result: "i32" },
  halflap_query_close: { parameters: ["u32"], result: "i32" },
  halflap_watch_open: { parameters: ["u32"], result: "i32" },
  halflap_watch_close: { parameters: ["u32"], result: "i32" },
} as const;

export const ErrorCode = {
  ok: 0,
  invalid_argument: -1,
  invalid_handle: -2,
  invalid_state: -3,
  out_of_memory: -4,
  too_many_handles: -5,
  library_missing: -6,
  library_too_old: -7,
  device_not_found: -8,
  device_busy: -9,
  permission_denied: -10,
  device_lost: -11,
  unsupported_format: -12,
  unsupported_rate: -13,
  unsupported_channels: -14,
  unsupported_access: -15,
  unsupported_buffer: -16,
  alsa: -17,
  thread: -18,
  io: -19,
  timeout: -20,
  cancelled: -21,
  unsupported_channel_map: -22,
  abandoned: -23,
  unknown_token: -24,
} as const;

export const Format = {
  u8: 0,
  s16: 1,
  s24: 2,
  s24_3: 3,
  s32: 4,
  f32: 5,
  f64: 6,
} as const;

export const Access = {
  auto: 0,
  mmap: 1,
  write: 2,
} as const;

export const Layout = {
  interleaved: 0,
  noninterleaved: 1,
} as const;

export const SourceKind = {
  queue: 0,
  tone: 1,
  clip: 2,
  silence: 3,
  render: 4,
  mapped: 5,
  mix: 6,
} as const;

export const ZeroCopy = {
  none: 0,
  dma: 1,
  card: 2,
  queue: 3,
} as const;

export const ZeroCopyReason = {
  possible: 0,
  write_access: 1,
  plug_in: 2,
  noninterleaved: 3,
  runs_on: 4,
  uneven_ring: 5,
  refused: 6,
} as const;

export const Direction = {
  playback: 0,
  capture: 1,
} as const;

export const ChannelPosition = {
  UNKNOWN: 0,
  NA: 1,
  MONO: 2,
  FL: 3,
  FR: 4,
  RL: 5,
  RR: 6,
  FC: 7,
  LFE: 8,
  SL: 9,
  SR: 10,
  RC: 11,
  FLC: 12,
  FRC: 13,
  RLC: 14,
  RRC: 15,
  FLW: 16,
  FRW: 17,
  FLH: 18,
  FCH: 19,
  FRH: 20,
  TC: 21,
  TFL: 22,
  TFR: 23,
  TFC: 24,
  TRL: 25,
  TRR: 26,
  TRC: 27,
  TFLC: 28,
  TFRC: 29,
  TSL: 30,
  TSR: 31,
  LLFE: 32,
  RLFE: 33,
  BC: 34,
  BLC: 35,
  BRC: 36,
} as const;

export const State = {
  open: 0,
  setup: 1,
  prepared: 2,
  running: 3,
  xrun: 4,
  draining: 5,
  paused: 6,
  suspended: 7,
  disconnected: 8,
  closed: 9,
} as const;

export const ClockKind = {
  device: 0,
  self: 1,
} as const;

export const MmapKind = {
  none: 0,
  real: 1,
  emulated: 2,
} as const;

export const Realtime = {
  granted: 0,
  off: 1,
  foreign: 2,
  denied: 3,
  simulated: 4,
} as const;

export const XrunPolicy = {
  stop: 0,
  silence: 1,
  repeat: 2,
} as const;

export const XrunPolicyReason = {
  asked_for: 0,
  plug_in: 1,
  refused: 2,
} as const;

export const XrunCause = {
  producer: 0,
  scheduling: 1,
  processing: 2,
  device: 3,
} as const;

export const Quantity = {
  wake_lateness_ns: 0,
  fill_ns: 1,
  queue_frames: 2,
  avail_frames: 3,
  delay_frames: 4,
  group_wake_lateness_ns: 5,
  group_round_ns: 6,
} as const;

export const Command = {
  start: 0,
  pause: 1,
  resume: 2,
  drain: 3,
  drop: 4,
} as const;

export const Event = {
  opened: 1,
  failed: 2,
  state: 4,
  room: 8,
  completed: 16,
  xrun: 32,
  closed: 64,
  xrun_over: 128,
  detached: 256,
} as const;

export const MixEvent = {
  room: 1,
  drained: 2,
} as const;

export const Text = {
  failure: 0,
  call: 1,
  device: 2,
  access_reason: 3,
  channel_map: 4,
} as const;

export const CardClock = {
  realtime: 0,
  simulated: 1,
} as const;

export const Tap = {
  none: 0,
  memory: 1,
  wav: 2,
} as const;

export const CardChannelMaps = {
  none: 0,
  fixed: 1,
  variable: 2,
} as const;

export const Fault = {
  stall: 0,
  pointer_jump: 1,
  xrun: 2,
  suspend: 3,
  resume_unsupported: 4,
  resume_again: 5,
  resume_lies: 6,
  disconnect: 7,
  heal: 8,
  refuse_open: 9,
  late_wake_up: 10,
  slow_fill: 11,
  preempted_fill: 12,
  spurious_wake_up: 13,
} as const;

export const DeviceEvent = {
  answered: 1,
  changed: 2,
} as const;

export const DeviceKind = {
  hardware: 0,
  configuration: 1,
} as const;

export const QueryText = {
  name: 0,
  description: 1,
  card_id: 2,
  card_driver: 3,
  card_name: 4,
  card_long_name: 5,
  pcm_id: 6,
  pcm_name: 7,
  holders: 8,
  formats: 9,
  rates: 10,
  channel_maps: 11,
  failure: 12,
  call: 13,
} as const;

export const StreamOptions = {
  access: 0,
  format: 1,
  channels: 2,
  rate: 3,
  rate_exact: 4,
  period_frames: 5,
  periods: 6,
  queue_frames: 7,
  start_threshold_frames: 8,
  source: 9,
  tone_frequency_hz: 10,
  tone_amplitude: 11,
  clip_loop: 12,
  gain: 13,
  realtime: 14,
  realtime_lowest: 15,
  realtime_highest: 16,
  cpus_0: 17,
  cpus_32: 18,
  cpus_64: 19,
  cpus_96: 20,
  cpu_dma_latency_us: 21,
  xrun_policy: 22,
  channel_map_0: 23,
  channel_map_4: 24,
  channel_map_8: 25,
  channel_map_12: 26,
  channel_map_16: 27,
  channel_map_20: 28,
  channel_map_24: 29,
  channel_map_28: 30,
} as const;
export const STREAM_OPTIONS_LENGTH = 31;

export const MixInput = {
  source: 0,
  gain: 1,
  queue_frames: 2,
  tone_frequency_hz: 3,
  tone_amplitude: 4,
  clip_loop: 5,
  clip_autoplay: 6,
  clip_from_bytes: 7,
  clip_to_bytes: 8,
} as const;
export const MIX_INPUT_LENGTH = 9;

export const Granted = {
  access: 0,
  layout: 1,
  format: 2,
  channels: 3,
  rate: 4,
  period_frames: 5,
  buffer_frames: 6,
  periods: 7,
  boundary: 8,
  queue_frames: 9,
  start_threshold_frames: 10,
  clock: 11,
  mmap: 12,
  pcm_type: 13,
  batch: 14,
  can_pause: 15,
  can_resume: 16,
  can_disable_period_wakeup: 17,
  simulated: 18,
  realtime: 19,
  realtime_priority: 20,
  rtprio_limit: 21,
  memlock_limit: 22,
  has_rtkit: 23,
  cpus_0: 24,
  cpus_32: 25,
  cpus_64: 26,
  cpus_96: 27,
  cpu_dma_latency_us: 28,
  xrun_policy: 29,
  xrun_policy_reason: 30,
  period_wakeups: 31,
  zero_copy: 32,
  zero_copy_reason: 33,
  mix_inputs: 34,
} as const;
export const GRANTED_LENGTH = 35;

export const Handover = {
  gain: 0,
  told_xruns: 1,
  told_xruns_over: 2,
  waiting_start: 3,
  starts_when_open: 4,
  writer_state: 5,
} as const;
export const HANDOVER_LENGTH = 6;

export const RenderBlock = {
  offset_frames: 0,
  position_frames: 1,
  heard_ms: 2,
} as const;
export const RENDER_BLOCK_LENGTH = 3;

export const View = {
  address: 0,
  byte_length: 1,
} as const;
export const VIEW_LENGTH = 2;

export const Stats = {
  state: 0,
  frames_accepted: 1,
  frames_queued: 2,
  frames_written: 3,
  frames_padded: 4,
  frames_played: 5,
  frames_dropped: 6,
  delay_frames: 7,
  xruns: 8,
  xruns_producer: 9,
  xruns_scheduling: 10,
  xruns_processing: 11,
  xruns_device: 12,
  xruns_over: 13,
  recoveries: 14,
  pointer_jumps: 15,
  pointer_stalls: 16,
  wake_ups: 17,
  idle_wake_ups: 18,
  idle_wake_ups_in_a_row: 19,
  rate_deviation_ppm: 20,
  timestamp_frames: 21,
  timestamp_ms: 22,
  error_code: 23,
  error_errno: 24,
  gain: 25,
  clock_demotions: 26,
} as const;
export const STATS_LENGTH = 27;

export const Xrun = {
  cause: 0,
  policy: 1,
  position_frames: 2,
  began_ms: 3,
  duration_ms: 4,
  is_over: 5,
  lost_frames: 6,
  left_frames: 7,
  queue_frames: 8,
  lateness_ms: 9,
  processing_ms: 10,
  off_cpu_ms: 11,
  run_queue_ms: 12,
  involuntary_switches: 13,
  minor_faults: 14,
  major_faults: 15,
} as const;
export const XRUN_LENGTH = 16;

export const Distribution = {
  count: 0,
  p50: 1,
  p99: 2,
  p999: 3,
  p9999: 4,
  max: 5,
} as const;
export const DISTRIBUTION_LENGTH = 6;

export const Group = {
  streams: 0,
  wake_ups: 1,
  dark_ms: 2,
} as const;
export const GROUP_LENGTH = 3;

export const Completion = {
  start_count: 0,
  start_result: 1,
  pause_count: 2,
  pause_result: 3,
  resume_count: 4,
  resume_result: 5,
  drain_count: 6,
  drain_result: 7,
  drop_count: 8,
  drop_result: 9,
} as const;
export const COMPLETION_LENGTH = 10;

export const Counters = {
  handles: 0,
  realms: 1,
  streams: 2,
  cards: 3,
  threads: 4,
  descriptors: 5,
  pending_waits: 6,
  views: 7,
  pcms: 8,
  bytes: 9,
} as const;
export const COUNTERS_LENGTH = 10;

export const MixInputStats = {
  queue_frames: 0,
  frames_accepted: 1,
  frames_queued: 2,
  frames_dropped: 3,
  frames_mixed: 4,
  frames_starved: 5,
  starvations: 6,
  gain: 7,
  is_playing: 8,
  drained: 9,
  source: 10,
  wanted_gain: 11,
} as const;
export const MIX_INPUT_STATS_LENGTH = 12;

export const CardOptions = {
  clock: 0,
  tap: 1,
  drift_ppm: 2,
  format_mask: 3,
  access_mask: 4,
  rate_min: 5,
  rate_max: 6,
  channels_min: 7,
  channels_max: 8,
  period_frames_min: 9,
  period_frames_max: 10,
  periods_min: 11,
  periods_max: 12,
  substreams: 13,
  no_pause: 14,
  frames_before_boundary: 15,
  batch: 16,
  channel_maps: 17,
} as const;
export const CARD_OPTIONS_LENGTH = 18;

export const CardStatus = {
  substreams: 0,
  format: 1,
  channels: 2,
  rate: 3,
  frames_played: 4,
  tap_lost_frames: 5,
  time_ms: 6,
} as const;
export const CARD_STATUS_LENGTH = 7;

export const QueryStatus = {
  result: 0,
  errno: 1,
  count: 2,
} as const;
export const QUERY_STATUS_LENGTH = 3;

export const Device = {
  kind: 0,
  direction: 1,
  card: 2,
  device: 3,
  substreams: 4,
  substreams_free: 5,
  inode: 6,
  probed: 7,
  probe_errno: 8,
} as const;
export const DEVICE_LENGTH = 9;

export const Capabilities = {
  pcm_type: 0,
  format_mask: 1,
  access_mask: 2,
  rate_min: 3,
  rate_max: 4,
  channels_min: 5,
  channels_max: 6,
  period_frames_min: 7,
  period_frames_max: 8,
  periods_min: 9,
  periods_max: 10,
  buffer_frames_min: 11,
  buffer_frames_max: 12,
  mmap: 13,
  batch: 14,
  can_pause: 15,
  can_resume: 16,
  can_disable_period_wakeup: 17,
} as const;
export const CAPABILITIES_LENGTH = 18;
