//! What is told about a stream, as records of the ABI.

const std = @import("std");
const abi = @import("../abi.zig");
const border = @import("border.zig");
const engine = @import("../engine.zig");
const groups = @import("../groups.zig");
const realtime = @import("../realtime.zig");
const Stream = @import("../stream.zig").Stream;
const Quantity = @import("../stream.zig").Quantity;
const Xrun = @import("../xruns.zig").Xrun;
const nobody = @import("../stream.zig").nobody;
const code = border.code;
const toMs = border.toMs;
const flag = border.flag;

pub fn granted(stream: *const Stream) abi.Granted {
    const of = &stream.granted;
    const whole = of.buffer_frames % of.period_frames == 0;
    const threshold = stream.start_threshold_frames;
    const obstacles: realtime.Obstacles = .find();
    const pinned = stream.scheduling.pinned;
    const cpus = if (pinned) stream.options.realtime.cpus else realtime.any_cpu;
    return .{
        .access = @floatFromInt(@intFromEnum(of.access)),
        .layout = @floatFromInt(@intFromEnum(of.layout)),
        .format = @floatFromInt(@intFromEnum(of.format)),
        .channels = @floatFromInt(of.channels),
        .rate = @floatFromInt(of.rate),
        .period_frames = @floatFromInt(of.period_frames),
        .buffer_frames = @floatFromInt(of.buffer_frames),
        .periods = if (whole) @floatFromInt(of.buffer_frames / of.period_frames) else 0,
        .boundary = @floatFromInt(of.boundary),
        .queue_frames = @floatFromInt(stream.source.capacity()),
        .start_threshold_frames = if (threshold == nobody) -1 else @floatFromInt(threshold),
        .clock = @floatFromInt(@intFromEnum(std.meta.activeTag(stream.pacer))),
        .mmap = @floatFromInt(@intFromEnum(mmapKind(stream))),
        .pcm_type = @floatFromInt(@intFromEnum(stream.pcm_type)),
        .batch = flag(of.batch),
        .can_pause = flag(of.can_pause),
        .can_resume = flag(of.can_resume),
        .can_disable_period_wakeup = flag(of.can_disable_period_wakeup),
        .simulated = flag(stream.simulation() != null),
        .realtime = @floatFromInt(@intFromEnum(stream.scheduling.realtime)),
        .realtime_priority = @floatFromInt(stream.scheduling.priority),
        .rtprio_limit = limit(obstacles.rtprio),
        .memlock_limit = limit(obstacles.memlock_bytes),
        .has_rtkit = flag(obstacles.has_rtkit),
        .cpus_0 = cpuBits(cpus, 0),
        .cpus_32 = cpuBits(cpus, 32),
        .cpus_64 = cpuBits(cpus, 64),
        .cpus_96 = cpuBits(cpus, 96),
        .cpu_dma_latency_us = dmaLatencyUs(stream),
        .xrun_policy = @floatFromInt(@intFromEnum(of.xrun_policy.policy)),
        .xrun_policy_reason = @floatFromInt(@intFromEnum(of.xrun_policy.reason)),
        .period_wakeups = flag(of.period_wakeups),
        .zero_copy = @floatFromInt(@intFromEnum(stream.zero_copy.kind)),
        .zero_copy_reason = @floatFromInt(@intFromEnum(stream.zero_copy.reason)),
        .mix_inputs = switch (stream.source) {
            .mix => |mix| @floatFromInt(mix.inputs.len),
            else => 0,
        },
    };
}

fn cpuBits(cpus: realtime.Cpus, first: u7) f64 {
    const bits: u32 = @truncate(cpus >> first);
    return @floatFromInt(bits);
}

fn dmaLatencyUs(stream: *const Stream) f64 {
    if (stream.dma_latency.descriptor == null) return -1;
    return @floatFromInt(stream.options.realtime.cpu_dma_latency_us.?);
}

fn limit(value: ?u64) f64 {
    return if (value) |given| @floatFromInt(given) else -1;
}

fn mmapKind(stream: *const Stream) abi.MmapKind {
    if (stream.granted.access != .mmap) return .none;
    return if (stream.pcm_type == .hw) .real else .emulated;
}

pub fn stats(stream: *Stream) abi.Stats {
    const snapshot = stream.published.read();
    const over = snapshot.state == .disconnected;
    const abandoned = stream.abandoned.load(.acquire);
    const queue = queueCounts(stream);
    var causes: [snapshot.xruns_by_cause.len]f64 = undefined;
    for (&causes, snapshot.xruns_by_cause) |*to, count| to.* = @floatFromInt(count);
    return .{
        .state = @floatFromInt(@intFromEnum(snapshot.state)),
        .frames_accepted = @floatFromInt(queue.accepted),
        .frames_queued = @floatFromInt(queue.queued),
        .frames_written = @floatFromInt(snapshot.frames_written),
        .frames_padded = @floatFromInt(snapshot.frames_padded),
        .frames_played = @floatFromInt(snapshot.frames_played),
        .frames_dropped = @floatFromInt(snapshot.frames_dropped),
        .delay_frames = @floatFromInt(snapshot.delay_frames),
        .xruns = @floatFromInt(snapshot.xruns),
        .xruns_producer = causes[@intFromEnum(abi.XrunCause.producer)],
        .xruns_scheduling = causes[@intFromEnum(abi.XrunCause.scheduling)],
        .xruns_processing = causes[@intFromEnum(abi.XrunCause.processing)],
        .xruns_device = causes[@intFromEnum(abi.XrunCause.device)],
        .xruns_over = @floatFromInt(snapshot.xruns_over),
        .recoveries = @floatFromInt(snapshot.recoveries),
        .pointer_jumps = @floatFromInt(snapshot.pointer_jumps),
        .pointer_stalls = @floatFromInt(snapshot.pointer_stalls),
        .wake_ups = @floatFromInt(snapshot.wake_ups),
        .idle_wake_ups = @floatFromInt(snapshot.idle_wake_ups),
        .idle_wake_ups_in_a_row = @floatFromInt(snapshot.idle_wake_ups_in_a_row),
        .rate_deviation_ppm = snapshot.rate_deviation_ppm,
        .timestamp_frames = @floatFromInt(snapshot.timestamp_frames),
        .timestamp_ms = toMs(snapshot.timestamp_ns),
        .error_code = if (over)
            @floatFromInt(code(stream.failure.code))
        else if (abandoned) @floatFromInt(code(.abandoned)) else 0,
        .error_errno = if (over) @floatFromInt(stream.failure.errno) else 0,
        .gain = snapshot.gain,
        .clock_demotions = @floatFromInt(snapshot.clock_demotions),
    };
}

pub fn xrun(of: *const Xrun) abi.Xrun {
    const run_queue_ns = of.usage.run_queue_ns;
    return .{
        .cause = @floatFromInt(@intFromEnum(of.cause)),
        .policy = @floatFromInt(@intFromEnum(of.policy)),
        .position_frames = @floatFromInt(of.position_frames),
        .began_ms = toMs(of.began_ns),
        .duration_ms = toMs(of.duration_ns),
        .is_over = flag(of.is_over),
        .lost_frames = @floatFromInt(of.lost_frames),
        .left_frames = @floatFromInt(of.left_frames),
        .queue_frames = @floatFromInt(of.queue_frames),
        .lateness_ms = toMs(of.lateness_ns),
        .processing_ms = toMs(of.processing_ns),
        .off_cpu_ms = toMs(of.off_cpu_ns),
        .run_queue_ms = if (run_queue_ns) |ns| toMs(ns) else -1,
        .involuntary_switches = @floatFromInt(of.usage.involuntary_switches),
        .minor_faults = @floatFromInt(of.usage.minor_faults),
        .major_faults = @floatFromInt(of.usage.major_faults),
    };
}

/// Its group lives while `control` is held.
pub fn distribution(stream: *Stream, quantity: abi.Quantity) engine.StateError!abi.Distribution {
    try engine.lockOpen(stream);
    defer stream.control.unlock();
    const group = stream.group.load(.seq_cst) orelse return error.InvalidState;
    const summary = switch (quantity) {
        .group_wake_lateness_ns => group.measured.summary(.wake_lateness_ns),
        .group_round_ns => group.measured.summary(.round_ns),
        inline else => |tag| stream.measured.summary(@field(Quantity, @tagName(tag))),
    };
    var values: abi.Distribution = undefined;
    inline for (@typeInfo(abi.Distribution).@"struct".fields) |field| {
        @field(values, field.name) = @floatFromInt(@field(summary, field.name));
    }
    return values;
}

pub fn groupOf(stream: *Stream) engine.StateError!abi.Group {
    try engine.lockOpen(stream);
    defer stream.control.unlock();
    const group = stream.group.load(.seq_cst) orelse return error.InvalidState;
    const members: usize = if (stream.simulation()) |simulation|
        simulation.members.items.len
    else
        groups.membersOf(stream);
    return .{
        .streams = @floatFromInt(members),
        .wake_ups = @floatFromInt(group.wake_ups.load(.monotonic)),
        .dark_ms = toMs(group.dark_ns.load(.monotonic)),
    };
}

pub fn completions(stream: *const Stream) abi.Completion {
    const completed = stream.published.read().completed;
    var values: abi.Completion = undefined;
    inline for (@typeInfo(abi.Command).@"enum".fields) |kind| {
        @field(values, kind.name ++ "_count") = @floatFromInt(completed[kind.value].count);
        const result = code(completed[kind.value].result);
        @field(values, kind.name ++ "_result") = @floatFromInt(result);
    }
    return values;
}

const QueueCounts = struct { accepted: u64 = 0, queued: u32 = 0 };

/// Closing frees the queue, and with it what was not played.
fn queueCounts(stream: *Stream) QueueCounts {
    engine.lockOpen(stream) catch return .{ .accepted = stream.frames_accepted };
    defer stream.control.unlock();
    stream.frames_accepted = stream.source.given();
    return .{ .accepted = stream.frames_accepted, .queued = stream.source.level() };
}
