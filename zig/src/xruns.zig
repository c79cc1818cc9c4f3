//! The xruns of a stream: a gap that is going on, and the records of the last ones, which one
//! thread writes and any other reads.

const std = @import("std");
const abi = @import("abi.zig");
const diagnosis = @import("diagnosis.zig");
const Stop = @import("pacing.zig").Stop;
const Published = @import("telemetry.zig").Published;
const Stream = @import("stream.zig").Stream;
const Usage = @import("usage.zig").Usage;

/// Records that are kept.
pub const capacity = 16;

pub const Xrun = struct {
    /// 1 for the first of the stream.
    number: u64 = 0,
    cause: abi.XrunCause = .producer,
    policy: abi.XrunPolicy = .stop,
    /// Frames of the stream that had been heard before the gap.
    position_frames: u64 = 0,
    began_ns: u64 = 0,
    /// Without sound, or with the wrong one; while it lasts, until it was found. What a device that
    /// runs on played in it, else until it was started again.
    duration_ns: u64 = 0,
    is_over: bool = false,
    /// Frames given to the device that it threw away.
    lost_frames: u64 = 0,
    /// Frames that a device which runs on played in it instead.
    skipped_frames: u64 = 0,
    // The evidence.
    left_frames: u32 = 0,
    queue_frames: u32 = 0,
    lateness_ns: u64 = 0,
    processing_ns: u64 = 0,
    off_cpu_ns: u64 = 0,
    usage: Usage = .{},
};

pub const Log = struct {
    records: [capacity]Published(Xrun) = @splat(.{}),

    /// The record, while it is kept.
    pub fn read(self: *const Log, number: u64) ?Xrun {
        if (number == 0) return null;
        const kept = self.records[number % capacity].read();
        return if (kept.number == number) kept else null;
    }

    fn write(self: *Log, xrun: *const Xrun) void {
        self.records[xrun.number % capacity].write(xrun);
    }
};

/// The device ran dry, or was found past what had been written.
pub fn begin(stream: *Stream, stop: Stop, now_ns: u64) void {
    const evidence = gather(stream, stop.left_frames, now_ns);
    note(stream, stop, &evidence, diagnosis.causeOf(&evidence));
}

/// The device failed while it played.
pub fn beginOfDevice(stream: *Stream, stop: Stop, now_ns: u64) void {
    const evidence = gather(stream, stop.left_frames, now_ns);
    note(stream, stop, &evidence, .device);
}

fn note(
    stream: *Stream,
    stop: Stop,
    evidence: *const diagnosis.Evidence,
    cause: abi.XrunCause,
) void {
    const counters = &stream.counters;
    const began_ns = beginOf(stop, evidence, cause);
    counters.xruns += 1;
    counters.xruns_by_cause[@intFromEnum(cause)] += 1;
    stream.gap = .{
        .number = counters.xruns,
        .cause = cause,
        .policy = stream.granted.xrun_policy.policy,
        .position_frames = counters.frames_played,
        .began_ns = began_ns,
        .duration_ns = evidence.now_ns -| began_ns,
        .left_frames = @intCast(@min(stop.left_frames, stream.granted.buffer_frames)),
        .queue_frames = stream.look.queue_frames,
        .lateness_ns = evidence.latenessNs(),
        .processing_ns = evidence.processingNs(),
        .off_cpu_ns = evidence.offCpuNs(),
        .usage = usedOf(stream),
    };
    stream.xruns.write(&stream.gap.?);
    stream.news |= @intFromEnum(abi.Event.xrun);
}

/// By the device's own word where there is one, else by what the ring held.
fn beginOf(stop: Stop, evidence: *const diagnosis.Evidence, cause: abi.XrunCause) u64 {
    if (stop.at_ns) |at_ns| return at_ns;
    // Of a device that failed by itself nobody knows when.
    return if (cause == .device) evidence.now_ns else @min(evidence.emptyNs(), evidence.now_ns);
}

fn gather(stream: *const Stream, left_frames: u64, now_ns: u64) diagnosis.Evidence {
    const turn = &stream.turn;
    const fed_ns = stream.fed_ns.load(.acquire);
    return .{
        .rate = stream.granted.rate,
        .tolerance_frames = stream.granted.stopToleranceFrames(),
        .now_ns = now_ns,
        .look_ns = stream.look.at_ns,
        .held_frames = stream.look.held_frames,
        .left_frames = left_frames,
        .starved = stream.look.starved,
        .fed_ns = if (fed_ns == 0) null else fed_ns,
        .due_ns = turn.due_ns,
        .busy_until_ns = turn.round.busy_until_ns,
        .busy_off_cpu_ns = turn.round.busy_off_cpu_ns,
        .round_ns = turn.round.began_ns,
        .off_cpu_ns = offCpuNs(stream, now_ns),
    };
}

/// Of the time since the round began, how much the thread was not on a CPU.
fn offCpuNs(stream: *const Stream, now_ns: u64) u64 {
    const group = stream.group.load(.monotonic) orelse return 0;
    const round = &group.round;
    const cpu_ns = group.driver.cpuNs(group) -| round.cpu_ns;
    return (now_ns -| round.began_ns) -| cpu_ns;
}

/// What the thread used since a round or a few before this one.
fn usedOf(stream: *const Stream) Usage {
    const group = stream.group.load(.monotonic) orelse return .{};
    return group.driver.measure(group).since(group.round.usage_before);
}

/// There is sound again, or none is wanted any more.
pub fn end(stream: *Stream, ended_ns: u64) void {
    const gap = &(stream.gap orelse return);
    gap.duration_ns = ended_ns -| gap.began_ns;
    close(stream);
}

/// The same on a device that runs on: it played `frames` more than what was skipped before.
pub fn endAfter(stream: *Stream, frames: u64) void {
    const gap = &(stream.gap orelse return);
    gap.duration_ns = stream.nsOfFrames(gap.skipped_frames + frames);
    close(stream);
}

fn close(stream: *Stream) void {
    const gap = &stream.gap.?;
    gap.is_over = true;
    stream.xruns.write(gap);
    stream.counters.xruns_over = gap.number;
    stream.news |= @intFromEnum(abi.Event.xrun_over);
    stream.gap = null;
}
