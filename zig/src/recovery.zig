//! What an error of the device leads to, and what becomes of the stream when the janitor brings it
//! back. Everything is bounded: what does not recover is over.

const std = @import("std");
const assert = std.debug.assert;
const abi = @import("abi.zig");
const endings = @import("endings.zig");
const events = @import("events.zig");
const machine = @import("machine.zig");
const pacing = @import("pacing.zig");
const playing = @import("playing.zig");
const positions = @import("positions.zig");
const stream_module = @import("stream.zig");
const xruns = @import("xruns.zig");
const Job = stream_module.Job;
const Outcome = machine.Outcome;
const Stream = stream_module.Stream;
const nobody = stream_module.nobody;

/// Errors in a row that moved no frame before the stream is given up, and the time before the next
/// try, which doubles.
const failures_max = 5;
const backoff_ns = 10 * std.time.ns_per_ms;

/// How long a device may take to come back from a suspend.
const resume_tries_max = 50;
const resume_pause_ns = 100 * std.time.ns_per_ms;

pub fn fault(stream: *Stream, err: pacing.Error) Outcome {
    stream.hungry_at.store(nobody, .seq_cst);
    const now_ns = stream.now();
    return switch (err) {
        error.Xrun => if (ranOn(stream)) runOn(stream, now_ns) else ranDry(stream, now_ns),
        error.Suspended => {
            const stop = pacing.lastWords(stream, now_ns);
            positions.hear(stream, stop.left_frames, now_ns);
            stream.hardware_frames = stream.appl_frames -| stop.left_frames;
            stream.state = .suspended;
            return .{ .janitor = .wake };
        },
        error.Disconnected => {
            giveUp(stream);
            return .sleep;
        },
        error.Failed => failed(stream, now_ns),
    };
}

/// The device still runs, past what was written.
fn ranOn(stream: *Stream) bool {
    return stream.granted.runsOn() and stream.failures_in_a_row < failures_max and
        stream.asound.snd_pcm_state(stream.pcm.?) == .running;
}

/// Only the fill was too slow: the next one starts from where the device is by then.
fn runOn(stream: *Stream, now_ns: u64) Outcome {
    // The device is past everything that was written.
    positions.hear(stream, 0, now_ns);
    const over = positions.tailWasHeard(stream);
    if (!over) stream.failures_in_a_row += 1;
    // Behind the tail nothing is missed, but a ring that is repeated is heard.
    const audible = !over or stream.granted.xrun_policy.policy == .repeat;
    if (stream.gap == null and audible) xruns.begin(stream, .{}, now_ns);
    return .{ .wake_at = now_ns };
}

fn ranDry(stream: *Stream, now_ns: u64) Outcome {
    const stop = pacing.lastWords(stream, now_ns);
    positions.hear(stream, stop.left_frames, now_ns);
    // The device stopped by itself behind the tail: nothing was missed.
    if (positions.tailWasHeard(stream)) {
        positions.loseRing(stream);
        return .{ .janitor = .settle };
    }
    if (stream.gap == null) xruns.begin(stream, stop, now_ns);
    const vain = startedInVain(stream, stop.left_frames);
    interrupt(stream);
    if (!vain) return .{ .janitor = .recover };
    stream.failure.set(.device_lost, "The device stops as soon as it is started", .{});
    return tryAgain(stream, .recover, now_ns);
}

/// An underrun before anything was played, although there was enough. The plug-in of a sound server
/// that is gone says so for ever, and lets itself be prepared for ever.
fn startedInVain(stream: *const Stream, left_frames: u64) bool {
    if (!stream.isRunning()) return true;
    if (!stream.isServed() or stream.watchdog.has_moved) return false;
    return left_frames > stream.granted.period_frames;
}

/// What is in the ring will not be heard.
fn interrupt(stream: *Stream) void {
    const dropped_before = stream.counters.frames_dropped;
    positions.loseRing(stream);
    if (stream.gap) |*gap| gap.lost_frames += stream.counters.frames_dropped - dropped_before;
    stream.state = .xrun;
}

/// An error that nobody knows, in a device that plays: sound is missing from here on.
fn failed(stream: *Stream, now_ns: u64) Outcome {
    if (stream.isRunning() and stream.gap == null) {
        const stop = pacing.lastWords(stream, now_ns);
        positions.hear(stream, stop.left_frames, now_ns);
        xruns.beginOfDevice(stream, stop, now_ns);
    }
    interrupt(stream);
    return tryAgain(stream, .recover, now_ns);
}

fn tryAgain(stream: *Stream, job: Job, now_ns: u64) Outcome {
    stream.failures_in_a_row += 1;
    if (stream.failures_in_a_row > failures_max) {
        giveUp(stream);
        return .sleep;
    }
    const pause_ns = @as(u64, backoff_ns) << @intCast(stream.failures_in_a_row - 1);
    stream.retry = .{ .job = job, .at_ns = now_ns + pause_ns };
    return .{ .wake_at = now_ns + pause_ns };
}

/// Waits until the next try is due.
pub fn retry(stream: *Stream, now_ns: u64) Outcome {
    const waiting = stream.retry orelse return .sleep;
    if (now_ns < waiting.at_ns) return .{ .wake_at = waiting.at_ns };
    stream.retry = null;
    return .{ .janitor = waiting.job };
}

/// The stream is over: it can only be closed. `failure` says why.
fn giveUp(stream: *Stream) void {
    assert(stream.failure.code != .ok);
    const now_ns = stream.now();
    if (stream.isRunning()) {
        var stop = pacing.lastWords(stream, now_ns);
        positions.hear(stream, stop.left_frames, now_ns);
        if (stream.stalled_ns) |stalled_ns| stop.at_ns = stalled_ns;
        if (stream.gap == null) xruns.beginOfDevice(stream, stop, now_ns);
    }
    interrupt(stream);
    xruns.end(stream, now_ns);
    stream.state = .disconnected;
    stream.ending = null;
    endings.endDrain(stream);
    inline for (@typeInfo(abi.Command).@"enum".fields) |field| {
        events.complete(stream, @enumFromInt(field.value), .device_lost);
    }
    stream.news |= @intFromEnum(abi.Event.failed);
}

/// The janitor brought the stream back.
pub fn afterJob(stream: *Stream, now_ns: u64) void {
    switch (stream.job_result) {
        .done => {},
        .again => return afterVainJob(stream, now_ns),
        .failed => return giveUp(stream),
    }
    stream.resume_tries = 0;
    switch (stream.job) {
        // The job has said so itself: the first turn may have come before the group.
        .open => {},
        .settle => endings.afterStop(stream),
        .recover => {
            stream.counters.recoveries += 1;
            endings.afterStop(stream);
        },
        .wake => afterSuspend(stream, now_ns),
        .close => unreachable,
    }
}

fn afterVainJob(stream: *Stream, now_ns: u64) void {
    if (stream.job == .wake) {
        stream.resume_tries += 1;
        if (stream.resume_tries > resume_tries_max) {
            // What it held is given up, the device is not.
            interrupt(stream);
            stream.retry = .{ .job = .recover, .at_ns = now_ns };
            return;
        }
        stream.retry = .{ .job = .wake, .at_ns = now_ns + resume_pause_ns };
        return;
    }
    if (stream.job == .settle) stream.state = .setup;
    _ = tryAgain(stream, stream.job, now_ns);
}

/// Whether the device plays, with all that it held. One that had been paused is paused again.
fn isRunningAgain(stream: *const Stream) bool {
    const pcm = stream.pcm.?;
    return switch (stream.asound.snd_pcm_state(pcm)) {
        .running => true,
        .paused => stream.asound.snd_pcm_pause(pcm, 0) >= 0,
        else => false,
    };
}

fn afterSuspend(stream: *Stream, now_ns: u64) void {
    stream.counters.recoveries += 1;
    if (isRunningAgain(stream)) {
        stream.state = if (stream.ending == null) .running else .draining;
        playing.resumed(stream, 0, now_ns);
        return;
    }
    // It was prepared anew: what it held is gone.
    positions.loseRing(stream);
    endings.afterStop(stream);
}
