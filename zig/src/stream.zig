//! One stream: a PCM, the source that feeds it, and what its threads share. Who may touch what:
//! `options` and `granted` are constant after open; the atomics belong to everybody; everything
//! under "owner" belongs to the thread that owns the stream now, its rate group's or the janitor's.

const std = @import("std");
const assert = std.debug.assert;
const abi = @import("abi.zig");
const alsa = @import("alsa/libasound.zig");
const negotiate = @import("alsa/negotiate.zig");
const clock = @import("clock.zig");
const deadline_queue = @import("deadline_queue.zig");
const gain = @import("gain.zig");
const memory = @import("memory.zig");
const realtime = @import("realtime.zig");
const sample = @import("sample.zig");
const sync = @import("sync.zig");
const telemetry = @import("telemetry.zig");
const xruns = @import("xruns.zig");
const zero_copy = @import("zero_copy.zig");
const Command = @import("command.zig").Command;
const Commands = @import("command.zig").Commands;
const DeviceClock = @import("device_clock.zig").DeviceClock;
const DmaLatency = @import("dma_latency.zig").DmaLatency;
const Failure = @import("failure.zig").Failure;
const Histograms = @import("histogram.zig").Histograms;
const Janitor = @import("janitor.zig").Janitor;
const Mapping = @import("mapping.zig").Mapping;
const Pacer = @import("pacing.zig").Pacer;
const Range = @import("histogram.zig").Range;
const RateGroup = @import("rate_group.zig").RateGroup;
const Round = @import("rate_group.zig").Round;
const Realm = @import("realm.zig").Realm;
const Simulation = @import("simulation.zig").Simulation;
const Source = @import("source.zig").Source;
const Substream = @import("card/substream.zig").Substream;
const VirtualCard = @import("virtual_card.zig").VirtualCard;
const Watchdog = @import("watchdog.zig").Watchdog;

/// Longest PCM name, without the terminator.
pub const device_bytes_max = 255;

/// The options of an open, checked.
pub const Options = struct {
    direction: alsa.Stream = .playback,
    wanted: negotiate.Wanted,
    queue_frames: ?u32,
    start_threshold_frames: StartThreshold,
    source: abi.SourceKind,
    tone_frequency_hz: f64,
    tone_amplitude: f32,
    clip_loop: bool,
    gain: f32,
    realtime: realtime.Wanted,

    pub const StartThreshold = union(enum) { buffer, never, frames: u32 };

    pub fn frameBytes(self: *const Options) u32 {
        return self.wanted.channels * sample.bytesOf(self.wanted.format);
    }
};

/// Work that can block, and is done by the janitor.
pub const Job = enum {
    open,
    /// drop and prepare: the ring is empty, the PCM prepared.
    settle,
    /// prepare after an xrun or an error.
    recover,
    /// Resume after a system suspend.
    wake,
    close,
};

/// Bits of `requests`.
pub const Request = struct {
    /// The queue holds what was waited for.
    pub const kick: u32 = 1;
    /// The commands ring is not empty.
    pub const command: u32 = 2;
    pub const gain: u32 = 4;
    /// The janitor has done its job.
    pub const returned: u32 = 8;
    pub const close: u32 = 16;
    /// The owner's realm is to be told no more.
    pub const detach: u32 = 32;
    /// The realm in `arriving` is to be told from now on.
    pub const attach: u32 = 64;
};

/// How far the stream is on its way from one realm to another.
pub const Ownership = enum(u8) {
    /// Its realm is told of its events.
    owned,
    /// `Request.detach` was posted.
    leaving,
    /// The realm is being told so.
    parting,
    /// No realm is told of anything.
    detached,
    /// `Request.attach` was posted.
    arriving,
};

/// `hungry_at` and `wanted_room` when nobody waits.
pub const nobody = std.math.maxInt(u32);

/// How playing comes to an end: so many frames more from the source, then silence until the last of
/// them was heard, then `settle`.
pub const Ending = struct {
    reason: Reason,
    feed_left: u64,
    /// Position behind the last frame from the source, on the line of `frames_heard`, once known.
    tail_frames: ?u64 = null,

    pub const Reason = enum { drain, finish, pause, drop };
};

/// What was known of the ring when it was looked at last.
pub const Look = struct {
    at_ns: u64 = 0,
    /// In the ring, behind the fill.
    held_frames: u64 = 0,
    /// There was room for more than the queue had.
    starved: bool = false,
    queue_frames: u32 = 0,
};

/// The stream's part of a round of its group.
pub const Turn = struct {
    round: *const Round = &.{},
    now_ns: u64 = 0,
    /// When it was to be.
    due_ns: u64 = 0,
    /// What the ring held when it was looked at; 0 before.
    held_frames: u32 = 0,
};

/// A job that is worth another try, later.
pub const Retry = struct { job: Job, at_ns: u64 };

/// What is measured at a wake-up.
pub const Quantity = enum {
    wake_lateness_ns,
    fill_ns,
    queue_frames,
    avail_frames,
    delay_frames,

    pub fn range(self: Quantity) Range {
        return switch (self) {
            .wake_lateness_ns, .fill_ns => .duration,
            .queue_frames, .avail_frames, .delay_frames => .frames,
        };
    }
};

pub const Stream = struct {
    options: Options,
    /// Name of the PCM.
    device: [:0]const u8,
    handle: std.atomic.Value(u32) = .init(0),

    // Constant after open.
    asound: *const alsa.Libasound = undefined,
    pcm: ?*alsa.Pcm = null,
    pcm_type: alsa.PcmType = .hw,
    /// The card behind a `virtual` device; `card_owned` where it is this stream's alone.
    card: ?*VirtualCard = null,
    card_owned: bool = false,
    granted: negotiate.Granted = undefined,
    /// libasound's description of a mapped ring.
    areas: ?[*]const alsa.ChannelArea = null,
    frame_bytes: u32 = 0,
    /// Of the queue; a native source has none.
    start_threshold_frames: u32 = nobody,
    /// The card's PCM, where there is one.
    substream: ?*Substream = null,
    /// What JavaScript renders into.
    mapping: ?Mapping = null,
    zero_copy: zero_copy.Granted = .{},
    /// The write path's copy for sources that do not lie in memory as the device wants them.
    scratch: ?memory.Bytes = null,
    group: std.atomic.Value(?*RateGroup) = .init(null),
    scheduling: Scheduling = .{ .realtime = .off },
    dma_latency: DmaLatency = .{},
    /// libasound's record of a PCM's status, made at open.
    status: ?*alsa.Status = null,

    // Shared.
    events: std.atomic.Value(u32) = .init(0),
    ready_next: ?*Stream = null,
    requests: std.atomic.Value(u32) = .init(0),
    in_inbox: std.atomic.Value(bool) = .init(false),
    inbox_next: ?*Stream = null,
    commands: Commands = .{},
    commands_given: [telemetry.command_kinds]u32 = @splat(0),
    /// Queue level at which the owner wants a kick.
    hungry_at: std.atomic.Value(u32) = .init(nobody),
    /// Free frames at which JavaScript wants the `room` event.
    wanted_room: std.atomic.Value(u32) = .init(nobody),
    /// A drain is going on: the queue takes nothing.
    draining: std.atomic.Value(bool) = .init(false),
    gain_target: std.atomic.Value(u32) = .init(@bitCast(@as(f32, 1))),
    gain_ramp_frames: std.atomic.Value(u32) = .init(0),
    published: telemetry.Published(telemetry.Snapshot) = .{},
    measured: Histograms(Quantity) = .{},
    xruns: xruns.Log = .{},
    /// When a hungry stream was given something; 0: not since it became hungry.
    fed_ns: std.atomic.Value(u64) = .init(0),
    /// Control calls of one stream run one at a time; no native thread of a group takes it.
    control: sync.Mutex = .{},
    /// Held by the janitor's thread that does a job.
    working: sync.Mutex = .{},
    lifecycle: std.atomic.Value(Lifecycle) = .init(.opening),
    /// Under `control`: nothing is posted any more.
    closing: bool = false,
    /// Under `control`: as of the last look at the queue, which closing frees.
    frames_accepted: u64 = 0,
    /// Under `control`: frames that JavaScript has begun and not committed.
    begun_frames: u32 = 0,
    /// Changed under `control`: the realm whose stream it is; null between two of them.
    owner: std.atomic.Value(?*Realm),
    ownership: std.atomic.Value(Ownership) = .init(.owned),
    /// By which the next owner finds it; 0: it is not offered.
    token: std.atomic.Value(u64) = .init(0),
    /// Under `control`: what the former owner tells the next one.
    handover: abi.Handover = std.mem.zeroes(abi.Handover),
    /// Set before `Request.attach` is posted.
    arriving: ?*Realm = null,
    /// Owner watch: looks in a row that found it offered.
    offered_looks: u32 = 0,
    /// Set before it is closed because its owner is gone.
    abandoned: std.atomic.Value(bool) = .init(false),
    /// Threads of JavaScript in a blocking call.
    room_waits: std.atomic.Value(u32) = .init(0),
    /// Wakes threads of JavaScript that wait for room in a blocking call.
    room: sync.Signal = .{},
    failure: Failure = .{},
    job: Job = .open,
    job_result: JobResult = .done,
    /// How the janitor is asked to do it.
    task: Janitor.Task,

    // Owner.
    /// Who is told of events; while it is nobody, they are held.
    realm: ?*Realm,
    held_events: u32 = 0,
    /// Where its group's deadlines know it.
    slot: deadline_queue.Slot = deadline_queue.none,
    turn: Turn = .{},
    with_janitor: bool = true,
    source: Source = .silence,
    pacer: Pacer = .device,
    device_clock: DeviceClock = undefined,
    /// What the device had played beyond its pointer when it was paused.
    paused_untold_frames: u64 = 0,
    watchdog: Watchdog = .{},
    /// Frames by which the pointer of the device is ahead since its start.
    phantom_frames: u32 = 0,
    /// Since when the device is behind its clock.
    stalled_ns: ?u64 = null,
    look: Look = .{},
    /// The xrun that is going on.
    gap: ?xruns.Xrun = null,
    retry: ?Retry = null,
    /// Tries to resume after a suspend.
    resume_tries: u32 = 0,
    /// libasound's pointers, counted from the last prepare and never wrapped.
    appl_frames: u64 = 0,
    hardware_frames: u64 = 0,
    state: abi.State = .open,
    level: gain.Ramp = .constant(1),
    fade: gain.Ramp = .constant(1),
    /// A `start` waits for the first frame.
    start_asked: bool = false,
    start_fade_ms: f32 = 0,
    /// A native source that has not been ended may start by itself.
    armed: bool = false,
    hardware_paused: bool = false,
    /// Pausing ends what was running, so resuming starts it again.
    was_running: bool = false,
    /// A `resume` came while a pause was on its way.
    resume_fade_ms: ?f32 = null,
    drain_pending: bool = false,
    drain_to_frames: u64 = 0,
    drain_deadline_ns: u64 = Command.never,
    drop_to_frames: u64 = 0,
    ending: ?Ending = null,
    /// Errors in a row without a frame moved in between, and wake-ups without progress.
    failures_in_a_row: u32 = 0,
    idle_in_a_row: u32 = 0,
    frames_heard: u64 = 0,
    /// Where and when the device was started last.
    started_heard: u64 = 0,
    started_ns: u64 = 0,
    frames_lost_in_ring: u64 = 0,
    frames_padding_heard: u64 = 0,
    counters: telemetry.Snapshot = .{},
    /// Events of this wake-up.
    news: u32 = 0,
    pending: [telemetry.command_kinds]u32 = @splat(0),

    /// How its group's thread runs; priority 0 is none.
    pub const Scheduling = struct {
        realtime: abi.Realtime,
        priority: u7 = 0,
        pinned: bool = false,
    };

    pub const JobResult = enum {
        done,
        /// It may work later.
        again,
        failed,
    };

    pub const Lifecycle = enum(u8) { opening, open, open_failed, closed };

    comptime {
        // A stream has pages of its own, and there may be thousands.
        assert(@sizeOf(Stream) <= 2 * std.heap.page_size_min);
    }

    /// Adds request bits and makes the owner look. Any thread.
    pub fn post(self: *Stream, bits: u32) void {
        _ = self.requests.fetchOr(bits, .seq_cst);
        if (self.group.load(.seq_cst)) |group| group.post(self);
    }

    /// What drives it where its card's clock is simulated.
    pub fn simulation(self: *const Stream) ?*Simulation {
        const card = self.card orelse return null;
        return card.simulation;
    }

    /// On the stream's own clock.
    pub fn now(self: *const Stream) u64 {
        const simulated = self.simulation() orelse return clock.monotonicNs();
        return simulated.card.now();
    }

    /// Whether the PCM's status is the device's own: what it held when it stopped.
    pub fn tellsStop(self: *const Stream) bool {
        return self.pcm_type == .hw or self.card != null;
    }

    /// By a plug-in, with its threads and locks, and the server that it may talk to.
    pub fn isServed(self: *const Stream) bool {
        return self.card == null and self.pcm_type != .hw and self.pcm_type != .null;
    }

    pub fn isRunning(self: *const Stream) bool {
        return self.state == .running or self.state == .draining;
    }

    pub fn periodNs(self: *const Stream) u64 {
        return self.nsOfFrames(self.granted.period_frames);
    }

    pub fn notify(self: *Stream, events: u32) void {
        if (self.realm) |realm| realm.notify(self, events) else self.held_events |= events;
    }

    pub fn framesOfMs(self: *const Stream, ms: f32) u32 {
        const frames = @round(ms * @as(f32, @floatFromInt(self.granted.rate)) / 1000);
        return @intFromFloat(std.math.clamp(frames, 0, 1 << 30));
    }

    pub fn nsOfFrames(self: *const Stream, frames: u64) u64 {
        return clock.nsOf(frames, self.granted.rate);
    }
};
