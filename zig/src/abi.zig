//! The vocabulary that crosses the C ABI: enums, error codes, and records of f64 fields. JavaScript
//! sees a record as one Float64Array, so both runtimes share one code path and no layout can drift;
//! the generated TypeScript file is reflected from this file and from `exports.zig`.

/// Result codes. Functions return >= 0 for success and one of these otherwise; the text that
/// belongs to it is read with `halflap_error_text` or `halflap_stream_text`.
pub const ErrorCode = enum(i32) {
    ok = 0,
    /// A number, size or pointer is outside what the function's documentation allows.
    invalid_argument = -1,
    /// The handle is closed, stale, or was never handed out.
    invalid_handle = -2,
    /// The operation does not exist in the stream's present state.
    invalid_state = -3,
    out_of_memory = -4,
    /// All handles of the process are in use.
    too_many_handles = -5,
    /// libasound.so.2 could not be loaded.
    library_missing = -6,
    /// libasound.so.2 lacks a function that the engine needs.
    library_too_old = -7,
    device_not_found = -8,
    device_busy = -9,
    permission_denied = -10,
    /// The device went away, or stopped for good.
    device_lost = -11,
    unsupported_format = -12,
    unsupported_rate = -13,
    unsupported_channels = -14,
    unsupported_access = -15,
    unsupported_buffer = -16,
    /// Any other failure of a libasound call; the text names the call and the errno.
    alsa = -17,
    /// A native thread could not be started.
    thread = -18,
    /// A file of the engine (a tap) could not be written.
    io = -19,
    /// The deadline given with the command passed first; the stream goes on.
    timeout = -20,
    /// A later command made this one pointless (a drop ends a drain).
    cancelled = -21,
    unsupported_channel_map = -22,
    /// The stream's owner gave no sign of life for too long.
    abandoned = -23,
    /// No stream waits to be attached by this token.
    unknown_token = -24,
};

/// Sample formats, all little endian, named as the public API names them.
pub const Format = enum(u8) { u8, s16, s24, s24_3, s32, f32, f64 };

/// How samples reach the device.
pub const Access = enum(u8) { auto, mmap, write };

/// How the device wants its channels laid out; the stream's source is interleaved in any case.
pub const Layout = enum(u8) { interleaved, noninterleaved };

/// What feeds a stream.
pub const SourceKind = enum(u8) {
    queue,
    tone,
    clip,
    silence,
    /// JavaScript renders in place, whole periods at a time.
    render,
    /// JavaScript renders in place, any number of frames at a time.
    mapped,
    mix,
};

/// What JavaScript renders into.
pub const ZeroCopy = enum(u8) {
    /// The stream has another source.
    none,
    /// The DMA ring of the hardware.
    dma,
    /// The ring of a virtual card.
    card,
    /// A queue of the engine, from which the frames are copied.
    queue,
};

/// Why it is not the device's ring.
pub const ZeroCopyReason = enum(u8) {
    /// It is.
    possible,
    /// The access is `write`.
    write_access,
    /// The ring belongs to a plug-in, which may free it while JavaScript has a view of it.
    plug_in,
    /// Each channel lies on its own.
    noninterleaved,
    /// The xrun policy lets the device go on around the ring while JavaScript is late.
    runs_on,
    /// The ring is no whole number of periods, or does not begin with one.
    uneven_ring,
    /// The device does not let its ring be mapped.
    refused,
};

/// Which way sound goes through a PCM, as `snd_pcm_stream_t`.
pub const Direction = enum(u8) { playback, capture };

/// What a channel is for: the names and numbers of `snd_pcm_chmap_position`.
pub const ChannelPosition = enum(u8) {
    UNKNOWN,
    NA,
    MONO,
    FL,
    FR,
    RL,
    RR,
    FC,
    LFE,
    SL,
    SR,
    RC,
    FLC,
    FRC,
    RLC,
    RRC,
    FLW,
    FRW,
    FLH,
    FCH,
    FRH,
    TC,
    TFL,
    TFR,
    TFC,
    TRL,
    TRR,
    TRC,
    TFLC,
    TFRC,
    TSL,
    TSR,
    LLFE,
    RLFE,
    BC,
    BLC,
    BRC,
};

/// The PCM states of ALSA as the stream shows them, and `closed` after the last one.
pub const State = enum(u8) {
    open,
    setup,
    prepared,
    running,
    xrun,
    draining,
    paused,
    suspended,
    disconnected,
    closed,
};

/// Who tells the engine when there is room: the device's pointer, or the monotonic clock for sinks
/// that accept anything at once (ALSA `null`, `file`).
pub const ClockKind = enum(u8) { device, self };

/// Where the ring that the mmap path writes lives.
pub const MmapKind = enum(u8) { none, real, emulated };

/// How the stream's thread is scheduled, and why not otherwise.
pub const Realtime = enum(u8) {
    /// SCHED_FIFO, at `realtime_priority`.
    granted,
    /// Not asked for.
    off,
    /// The PCM runs someone else's threads or locks, and the priority was not asked for by number.
    foreign,
    /// The system refused it.
    denied,
    /// A simulated clock has no thread.
    simulated,
};

/// What happens when the device runs dry.
pub const XrunPolicy = enum(u8) {
    /// The device stops, and is started again when there is sound.
    stop,
    /// It runs on and plays silence.
    silence,
    /// It runs on and plays again what is in its ring.
    repeat,
};

/// Why a stream has its xrun policy.
pub const XrunPolicyReason = enum(u8) {
    asked_for,
    /// The PCM is a plug-in; only `hw` and the virtual card are known to run on.
    plug_in,
    /// The PCM did not take the software parameters.
    refused,
};

/// Who let the device run dry.
pub const XrunCause = enum(u8) {
    /// The queue ran dry first.
    producer,
    /// The stream's thread was not run in time.
    scheduling,
    /// The engine's own work took too long.
    processing,
    /// The device stopped, or its pointer is not where it can be.
    device,
};

/// What a stream measures.
pub const Quantity = enum(u8) {
    /// Nanoseconds from a deadline to the wake-up.
    wake_lateness_ns,
    /// Nanoseconds that a fill took.
    fill_ns,
    /// Frames in the queue at a wake-up.
    queue_frames,
    /// Frames of room in the ring at a wake-up.
    avail_frames,
    /// Frames from the application pointer to the loudspeaker at a wake-up.
    delay_frames,
    /// As wake_lateness_ns, of the thread that serves the stream.
    group_wake_lateness_ns,
    /// Nanoseconds from a wake-up of that thread until it had served all its streams.
    group_round_ns,
};

/// Commands to a stream; each kind completes on its own (`Completion`).
pub const Command = enum(u8) { start, pause, @"resume", drain, drop };

/// Bits of a stream's event mask, as `halflap_realm_events` reports them.
pub const Event = enum(u32) {
    /// The open succeeded: `granted` can be read.
    opened = 1,
    /// The open failed, or the stream failed for good: the error can be read.
    failed = 2,
    /// `stats.state` has changed.
    state = 4,
    /// The queue has the room that was asked for with `halflap_stream_await_room`, or
    /// `halflap_mix_events` has something.
    room = 8,
    /// A command completed: `halflap_stream_completions` has changed.
    completed = 16,
    /// An xrun has begun: its record can be read.
    xrun = 32,
    /// Everything native is freed; the handle may be released.
    closed = 64,
    /// An xrun is over: its record is complete.
    xrun_over = 128,
    /// The last event for this owner: `halflap_stream_token` can be called.
    detached = 256,
};

/// Bits of the event mask of a mix's input, as `halflap_mix_events` reports them.
pub const MixEvent = enum(u32) {
    /// The queue has the room that was asked for with `halflap_mix_await_room`.
    room = 1,
    /// `MixInputStats.drained` has changed.
    drained = 2,
};

/// Texts that belong to a stream.
pub const Text = enum(u8) {
    /// What went wrong, with libasound's own words.
    failure,
    /// The libasound call that failed.
    call,
    /// The PCM's name as granted.
    device,
    /// Why this access was granted.
    access_reason,
    /// The channels' positions as granted, as in "FL FR"; empty where the PCM does not tell.
    channel_map,
};

/// What `halflap_stream_open` takes. A value of 0 means "the engine's default" where noted.
pub const StreamOptions = extern struct {
    access: f64,
    format: f64,
    channels: f64,
    /// Frames per second.
    rate: f64,
    /// 1: any other rate than the one asked for is an error; 0: the nearest is taken and reported.
    rate_exact: f64,
    /// Frames per period, 0 for about 5 ms.
    period_frames: f64,
    /// Periods per buffer, 0 for 4.
    periods: f64,
    /// Capacity of the queue in frames, 0 for 100 ms.
    queue_frames: f64,
    /// Queued frames at which the stream starts by itself: 0 for one device buffer, -1 for never.
    start_threshold_frames: f64,
    source: f64,
    tone_frequency_hz: f64,
    /// Peak amplitude relative to full scale, 0 to 1.
    tone_amplitude: f64,
    /// 1: a clip starts again at its end.
    clip_loop: f64,
    /// Initial linear gain; 1 leaves samples untouched bit for bit.
    gain: f64,
    /// Priority of SCHED_FIFO for the stream's thread, 1 to 99; 0: by the period; -1: none.
    realtime: f64,
    /// Priorities from which `realtime` 0 chooses.
    realtime_lowest: f64,
    realtime_highest: f64,
    /// CPUs on which the stream's thread may run, 32 bits each from CPU 0 on; all 0: any.
    cpus_0: f64,
    cpus_32: f64,
    cpus_64: f64,
    cpus_96: f64,
    /// Wake-up latency of CPUs in microseconds asked of the kernel while the stream runs; -1: none.
    cpu_dma_latency_us: f64,
    xrun_policy: f64,
    /// `ChannelPosition` of each channel, four channels a field in 8 bits each, the first in the
    /// lowest; all 0: as the PCM has it.
    channel_map_0: f64,
    channel_map_4: f64,
    channel_map_8: f64,
    channel_map_12: f64,
    channel_map_16: f64,
    channel_map_20: f64,
    channel_map_24: f64,
    channel_map_28: f64,
};

/// An input in the list that `halflap_mix_open` takes.
pub const MixInput = extern struct {
    /// `SourceKind`: a queue, a tone or a clip.
    source: f64,
    gain: f64,
    /// As in `StreamOptions`, each for its kind of source.
    queue_frames: f64,
    tone_frequency_hz: f64,
    tone_amplitude: f64,
    clip_loop: f64,
    /// 1: the clip plays when the stream starts.
    clip_autoplay: f64,
    /// Where the clip's samples lie in the memory that was given; clips may share them.
    clip_from_bytes: f64,
    clip_to_bytes: f64,
};

/// What was granted, re-read from ALSA after the parameters were set.
pub const Granted = extern struct {
    access: f64,
    layout: f64,
    format: f64,
    channels: f64,
    rate: f64,
    period_frames: f64,
    buffer_frames: f64,
    /// 0 where the buffer is no whole number of periods.
    periods: f64,
    /// The value at which ALSA's pointers wrap.
    boundary: f64,
    queue_frames: f64,
    start_threshold_frames: f64,
    clock: f64,
    mmap: f64,
    /// `snd_pcm_type_t` as a number.
    pcm_type: f64,
    /// 1: the hardware transfers in batches, its pointer is coarse.
    batch: f64,
    /// 1: the hardware can be paused.
    can_pause: f64,
    /// 1: the hardware can resume after a suspend.
    can_resume: f64,
    /// 1: the device's period interrupts can be switched off.
    can_disable_period_wakeup: f64,
    /// 1: the stream runs on a simulated clock.
    simulated: f64,
    /// `Realtime`.
    realtime: f64,
    /// Of SCHED_FIFO, 0 where it is not granted.
    realtime_priority: f64,
    /// What stands in the way of realtime scheduling, where it was denied: RLIMIT_RTPRIO and
    /// RLIMIT_MEMLOCK (in bytes; -1: no limit), and 1 where RealtimeKit is installed.
    rtprio_limit: f64,
    memlock_limit: f64,
    has_rtkit: f64,
    /// CPUs that the thread is kept to, 32 bits each from CPU 0 on; all 0: any.
    cpus_0: f64,
    cpus_32: f64,
    cpus_64: f64,
    cpus_96: f64,
    /// What is asked of /dev/cpu_dma_latency while the stream runs, in microseconds; -1: nothing.
    cpu_dma_latency_us: f64,
    xrun_policy: f64,
    /// `XrunPolicyReason`.
    xrun_policy_reason: f64,
    /// 1: the device interrupts at each period.
    period_wakeups: f64,
    zero_copy: f64,
    /// `ZeroCopyReason`.
    zero_copy_reason: f64,
    /// Inputs of a mix, 0 with another source.
    mix_inputs: f64,
};

/// What a stream's former owner tells the next one; the engine only keeps it.
pub const Handover = extern struct {
    /// Linear gain as it was set.
    gain: f64,
    /// Numbers of the last xruns whose begin and end JavaScript was told of.
    told_xruns: f64,
    told_xruns_over: f64,
    /// Ordinal of a `start` that waits for the first frame, or 0.
    waiting_start: f64,
    /// 1: a native source is about to start by itself.
    starts_when_open: f64,
    /// Of the class that writes or renders, for the next one of its kind.
    writer_state: f64,
};

/// Frames to render, in one piece.
pub const RenderBlock = extern struct {
    /// From the start of the memory.
    offset_frames: f64,
    /// Frames given since open before these.
    position_frames: f64,
    /// When the first of them will be heard, in milliseconds as `Stats.timestamp_ms`; -1 while the
    /// stream does not play.
    heard_ms: f64,
};

/// The memory that JavaScript renders into.
pub const View = extern struct {
    address: f64,
    byte_length: f64,
};

/// A snapshot of a stream's counters. Positions and counts are in frames.
pub const Stats = extern struct {
    state: f64,
    /// Accepted from JavaScript since open.
    frames_accepted: f64,
    /// In the queue now.
    frames_queued: f64,
    /// Given to the device since open, padding included.
    frames_written: f64,
    /// Silence given to the device to pad a tail to a period.
    frames_padded: f64,
    /// Heard since open: written less what is still in the device and less what was dropped.
    frames_played: f64,
    /// Accepted, but thrown away by `drop`.
    frames_dropped: f64,
    /// From the application pointer to the loudspeaker.
    delay_frames: f64,
    xruns: f64,
    xruns_producer: f64,
    xruns_scheduling: f64,
    xruns_processing: f64,
    xruns_device: f64,
    /// Number of the last xrun that is over.
    xruns_over: f64,
    /// Times the device was brought back after an xrun, a suspend or an error.
    recoveries: f64,
    /// Times the pointer was found further on than time allows.
    pointer_jumps: f64,
    /// Times the pointer was found behind what time demands.
    pointer_stalls: f64,
    /// Times the engine serviced this stream.
    wake_ups: f64,
    /// Of these, the ones that moved no frame.
    idle_wake_ups: f64,
    /// The most of these in a row.
    idle_wake_ups_in_a_row: f64,
    /// The device's rate against the nominal one in parts per million, as far as it is known.
    rate_deviation_ppm: f64,
    /// Position that was heard at `timestamp_ms`, for getOutputTimestamp.
    timestamp_frames: f64,
    /// CLOCK_MONOTONIC in milliseconds (of the simulated clock where the stream runs on one).
    timestamp_ms: f64,
    /// `ErrorCode` of the failure that ended the stream, or 0.
    error_code: f64,
    /// errno of that failure, or 0.
    error_errno: f64,
    /// Linear gain as of the last transfer.
    gain: f64,
    /// Times the device ran away from the clock, and was paced by it from then on.
    clock_demotions: f64,
};

/// One xrun. Times are in milliseconds of CLOCK_MONOTONIC, or of the simulated clock.
pub const Xrun = extern struct {
    cause: f64,
    policy: f64,
    /// Frames that had been heard before.
    position_frames: f64,
    began_ms: f64,
    /// Until there was sound again; while it is not over, until it was found.
    duration_ms: f64,
    /// 1: it is over.
    is_over: f64,
    /// Frames given to the device that it threw away.
    lost_frames: f64,
    /// Frames that the device still had when it stopped.
    left_frames: f64,
    /// In the queue when the ring was filled last.
    queue_frames: f64,
    /// From the deadline until the thread ran.
    lateness_ms: f64,
    /// What the engine's own work took of the time that there was.
    processing_ms: f64,
    /// Of its turn, how long the thread was not on a CPU.
    off_cpu_ms: f64,
    /// How long the thread could have run and waited for a CPU; -1 where the kernel does not tell.
    run_queue_ms: f64,
    involuntary_switches: f64,
    minor_faults: f64,
    major_faults: f64,
};

/// How a quantity was distributed since the stream was opened; percentiles within 7 %.
pub const Distribution = extern struct {
    count: f64,
    p50: f64,
    p99: f64,
    p999: f64,
    p9999: f64,
    max: f64,
};

/// The thread that serves a stream, with others of its kind.
pub const Group = extern struct {
    streams: f64,
    /// Times the thread woke.
    wake_ups: f64,
    /// Lateness of wake-ups that the scheduler does not account for: stolen by a hypervisor or by
    /// firmware, or with interrupts off.
    dark_ms: f64,
};

/// For each command kind: how many were completed, and the result of the last one.
pub const Completion = extern struct {
    start_count: f64,
    start_result: f64,
    pause_count: f64,
    pause_result: f64,
    resume_count: f64,
    resume_result: f64,
    drain_count: f64,
    drain_result: f64,
    drop_count: f64,
    drop_result: f64,
};

/// What the process holds, for leak checks: all zero when nothing is open.
pub const Counters = extern struct {
    handles: f64,
    realms: f64,
    streams: f64,
    cards: f64,
    threads: f64,
    descriptors: f64,
    pending_waits: f64,
    views: f64,
    /// libasound PCMs that are open.
    pcms: f64,
    /// Bytes in queues, clips, taps and rings of the engine.
    bytes: f64,
};

/// How a virtual card tells the time.
pub const CardClock = enum(u8) { realtime, simulated };

/// Where a virtual card records what it played.
pub const Tap = enum(u8) { none, memory, wav };

/// What a virtual card knows of where its channels are heard.
pub const CardChannelMaps = enum(u8) {
    none,
    fixed,
    /// Their positions can be swapped.
    variable,
};

/// Faults that `halflap_card_fault` arms; each takes effect once. Without a word on its amount that
/// is 0. The hardware's faults belong to a substream, the others to the card, as substream 0.
pub const Fault = enum(u8) {
    /// From the next look at the running pointer on it stands still, for so many milliseconds of
    /// the card's time; Infinity: until `heal`, through `prepare` too.
    stall,
    /// The next look at the running pointer finds it so many frames further on: they were played.
    pointer_jump,
    /// The next look at the running pointer finds an xrun, with frames left in the ring.
    xrun,
    /// The next look at the running pointer finds the PCM suspended.
    @"suspend",
    /// `suspend`, and the first `snd_pcm_resume` fails with ENOSYS.
    resume_unsupported,
    /// `suspend`, and so many times `snd_pcm_resume` fails with EAGAIN.
    resume_again,
    /// `suspend`, and the first `snd_pcm_resume` returns 0 without resuming.
    resume_lies,
    /// The device is gone, in any state.
    disconnect,
    /// Ends a stall.
    heal,
    /// So many opens of a PCM on the card fail with EACCES.
    refuse_open,
    /// The next wake-up of the card's streams comes so many milliseconds late.
    late_wake_up,
    /// The next fill takes so many milliseconds of the CPU.
    slow_fill,
    /// The next fill takes so many milliseconds in which its thread does not run.
    preempted_fill,
    /// So many times the streams are woken with nothing due.
    spurious_wake_up,
};

/// An input of a mix. Counts are in frames.
pub const MixInputStats = extern struct {
    /// Capacity of a queue; 0 for other inputs, as in the next three.
    queue_frames: f64,
    frames_accepted: f64,
    frames_queued: f64,
    /// Accepted, but thrown away by a drop.
    frames_dropped: f64,
    /// Given to the device as a part of the sum.
    frames_mixed: f64,
    /// Silence in which a queue was dry that had not been drained, and how often it ran dry.
    frames_starved: f64,
    starvations: f64,
    gain: f64,
    /// 1: a clip plays.
    is_playing: f64,
    /// Ordinal of the last `halflap_mix_drain` that was fulfilled.
    drained: f64,
    /// `SourceKind`, and the gain that was set last: what the input's next owner has to know.
    source: f64,
    wanted_gain: f64,
};

/// What `halflap_card_open` takes; 0 in a limit means "no limit but the engine's own".
pub const CardOptions = extern struct {
    clock: f64,
    tap: f64,
    /// Deviation of the card's clock in parts per million.
    drift_ppm: f64,
    /// Bit n allows `Format` n; 0 allows all.
    format_mask: f64,
    /// Bit 0 mmap interleaved, 1 mmap non-interleaved, 2 write interleaved, 3 write
    /// non-interleaved; 0 allows all.
    access_mask: f64,
    rate_min: f64,
    rate_max: f64,
    channels_min: f64,
    channels_max: f64,
    period_frames_min: f64,
    period_frames_max: f64,
    periods_min: f64,
    periods_max: f64,
    /// Streams that may be open on the card at once; one more is `device_busy`.
    substreams: f64,
    /// 1: the card refuses hardware pause.
    no_pause: f64,
    /// For tests of the pointers' wrap: the PCM starts this many frames before its boundary.
    frames_before_boundary: f64,
    /// 1: the hardware transfers whole periods, its pointer is coarse.
    batch: f64,
    channel_maps: f64,
};

/// State of one substream of a card, and of its tap.
pub const CardStatus = extern struct {
    /// Substreams opened since the card was made; they keep their number and their tap.
    substreams: f64,
    format: f64,
    channels: f64,
    rate: f64,
    /// Frames that the card played on this substream.
    frames_played: f64,
    /// Frames that the tap could not record.
    tap_lost_frames: f64,
    /// The card's time in milliseconds.
    time_ms: f64,
};

/// Bits of the event mask of a query or a watch, as `halflap_realm_events` reports them.
pub const DeviceEvent = enum(u32) {
    /// The query is answered: its status can be read.
    answered = 1,
    /// The devices that the watch looks at may have changed.
    changed = 2,
};

/// What came of a query.
pub const QueryStatus = extern struct {
    /// `ErrorCode`; the text is `QueryText.failure` of index 0 where there is no answer.
    result: f64,
    errno: f64,
    /// Answers: PCMs, each in one direction.
    count: f64,
};

/// Where the name of a PCM comes from.
pub const DeviceKind = enum(u8) {
    /// A sound card.
    hardware,
    /// ALSA's configuration.
    configuration,
};

/// One PCM in one direction.
pub const Device = extern struct {
    kind: f64,
    direction: f64,
    /// Numbers of the card and of the device on it; -1 of a PCM of the configuration.
    card: f64,
    device: f64,
    /// Streams that the hardware can play or record at once, and those that are free.
    substreams: f64,
    substreams_free: f64,
    /// The inode in /dev/snd: another one is another device.
    inode: f64,
    /// 1: it was asked what it can do; 0: nobody asked; less: `ErrorCode`.
    probed: f64,
    probe_errno: f64,
};

/// What a PCM can do. Each range is what is left when nothing else is chosen.
pub const Capabilities = extern struct {
    /// `snd_pcm_type_t` as a number.
    pcm_type: f64,
    /// Bit n: `Format` n.
    format_mask: f64,
    /// Bit n: `snd_pcm_access_t` n.
    access_mask: f64,
    rate_min: f64,
    rate_max: f64,
    channels_min: f64,
    channels_max: f64,
    period_frames_min: f64,
    period_frames_max: f64,
    periods_min: f64,
    periods_max: f64,
    buffer_frames_min: f64,
    buffer_frames_max: f64,
    mmap: f64,
    batch: f64,
    can_pause: f64,
    can_resume: f64,
    can_disable_period_wakeup: f64,
};

/// Texts that belong to an answer of a query.
pub const QueryText = enum(u8) {
    /// The name to open it by.
    name,
    /// What the configuration says of it; lines.
    description,
    card_id,
    card_driver,
    card_name,
    card_long_name,
    pcm_id,
    pcm_name,
    /// Who has it open: a line each, "41 aplay".
    holders,
    /// All formats that it takes, by ALSA's names, as in "S16_LE S32_LE".
    formats,
    /// The usual rates that it takes, as in "44100 48000".
    rates,
    /// The channel maps that it offers: a line each, as in "fixed FL FR".
    channel_maps,
    /// Why it could not be asked what it can do.
    failure,
    /// The libasound call that failed.
    call,
};
