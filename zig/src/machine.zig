//! The state machine of a stream: what happens when it is woken. Pure in time: it reads no clock,
//! is told `now_ns`, and answers when it wants to be woken again or that the janitor must take it.
//! The realtime thread runs this code: nothing in it allocates, locks, logs or waits.

const std = @import("std");
const assert = std.debug.assert;
const abi = @import("abi.zig");
const endings = @import("endings.zig");
const events = @import("events.zig");
const obey = @import("obey.zig");
const pacing = @import("pacing.zig");
const positions = @import("positions.zig");
const transfer = @import("transfer.zig");
const stream_module = @import("stream.zig");
const Commands = @import("command.zig").Commands;
const Stream = stream_module.Stream;
const Job = stream_module.Job;
const Request = stream_module.Request;
const nobody = stream_module.nobody;

pub const Outcome = union(enum) {
    wake_at: u64,
    /// Only a request wakes it.
    sleep,
    janitor: Job,
};

/// Errors in a row that moved no frame before the stream is given up.
const failures_max = 3;

pub fn wake(stream: *Stream, now_ns: u64) Outcome {
    stream.counters.wake_ups += 1;
    const written_before = stream.counters.frames_written;
    const outcome = decide(stream, now_ns);
    if (stream.counters.frames_written == written_before) stream.counters.idle_wake_ups += 1;
    events.finish(stream);
    return outcome;
}

/// Brings the published position up to `now_ns` without filling. A failure shows at the next
/// wake-up.
pub fn refresh(stream: *Stream, now_ns: u64) void {
    if (stream.with_janitor) return;
    if (stream.state != .running and stream.state != .draining) return;
    const room = pacing.observe(stream, now_ns, true) catch return;
    positions.hear(stream, room.delay_frames, now_ns);
    stream.published.write(&stream.counters);
}

fn decide(stream: *Stream, now_ns: u64) Outcome {
    const requests = stream.requests.swap(0, .seq_cst);
    if (requests & Request.close != 0) return .{ .janitor = .close };
    if (requests & Request.gain != 0) {
        const target: f32 = @bitCast(stream.gain_target.load(.acquire));
        stream.level.moveTo(target, stream.gain_ramp_frames.load(.acquire));
    }
    if (requests & Request.returned != 0) afterJob(stream, now_ns);
    // At most a ring full of commands: more of them wait for the next wake-up.
    for (0..Commands.capacity) |_| {
        const command = stream.commands.pop() orelse break;
        if (obey.obey(stream, command, now_ns)) |job| {
            // What follows it waits until the stream comes back.
            _ = stream.requests.fetchOr(Request.command, .seq_cst);
            return .{ .janitor = job };
        }
    }
    return go(stream, now_ns);
}

fn go(stream: *Stream, now_ns: u64) Outcome {
    const outcome = switch (stream.state) {
        .prepared => prepared(stream, now_ns),
        .running, .draining => running(stream, now_ns),
        .open, .setup, .xrun, .paused, .suspended, .disconnected, .closed => .sleep,
    };
    const deadline_ns = stream.drain_deadline_ns orelse return outcome;
    if (now_ns >= deadline_ns and outcome != .janitor) {
        // It goes on all the same.
        stream.drain_deadline_ns = null;
        events.complete(stream, .drain, .timeout);
        return outcome;
    }
    return switch (outcome) {
        .wake_at => |at_ns| .{ .wake_at = @min(at_ns, deadline_ns) },
        .sleep => .{ .wake_at = deadline_ns },
        .janitor => outcome,
    };
}

fn prepared(stream: *Stream, now_ns: u64) Outcome {
    if (stream.drain_pending and endings.hasNothingToDrain(stream)) endings.finishDrain(stream);
    if (!shouldStart(stream)) {
        const threshold = kickLevel(stream) orelse return .sleep;
        stream.hungry_at.store(threshold, .seq_cst);
        // A write may have come in between and seen nobody hungry.
        if (!shouldStart(stream)) return .sleep;
    }
    stream.hungry_at.store(nobody, .seq_cst);
    return start(stream, now_ns) catch |err| fault(stream, err, now_ns);
}

/// The queue level at which a prepared stream starts, or null when writes do not start it.
pub fn kickLevel(stream: *const Stream) ?u32 {
    if (stream.source != .queue) return null;
    if (stream.start_asked or stream.drain_pending) return 1;
    return if (stream.start_threshold_frames == nobody) null else stream.start_threshold_frames;
}

fn shouldStart(stream: *const Stream) bool {
    const available = stream.source.available();
    if (available == 0) return false;
    if (stream.start_asked) return true;
    if (stream.source == .queue) return available >= (kickLevel(stream) orelse return false);
    return stream.armed;
}

fn start(stream: *Stream, now_ns: u64) pacing.Error!Outcome {
    const room = try pacing.observe(stream, now_ns, false);
    if (stream.start_fade_ms > 0) {
        stream.fade = .constant(0);
        stream.fade.moveTo(1, stream.framesOfMs(stream.start_fade_ms));
    }
    if (stream.drain_pending) stream.ending = endings.drainEnding(stream);
    const fed = try feed(stream, room.avail_frames);
    if (fed.frames == 0) {
        stream.failure.set(.alsa, "The prepared device takes no frames", .{});
        return error.Failed;
    }
    const result = stream.asound.snd_pcm_start(stream.pcm.?);
    if (result < 0) return pacing.classify(stream, "snd_pcm_start", result);
    started(stream, now_ns);

    stream.counters.delay_frames = fed.frames;
    stream.start_asked = false;
    stream.start_fade_ms = 0;
    stream.state = if (stream.ending != null) .draining else .running;
    events.complete(stream, .start, .ok);
    return .{ .wake_at = nextDeadline(stream, room.avail_frames, fed, now_ns) };
}

pub fn started(stream: *Stream, now_ns: u64) void {
    stream.pacer.started(now_ns);
    stream.started_ns = now_ns;
    stream.started_heard = stream.frames_heard;
}

fn running(stream: *Stream, now_ns: u64) Outcome {
    return run(stream, now_ns) catch |err| fault(stream, err, now_ns);
}

fn run(stream: *Stream, now_ns: u64) pacing.Error!Outcome {
    var room = try pacing.observe(stream, now_ns, true);
    positions.hear(stream, room.delay_frames, now_ns);
    if (pacing.ranAway(stream, now_ns)) {
        const written = positions.writtenToHear(stream) - stream.started_heard;
        stream.pacer.demote(stream.started_ns, written);
        stream.counters.clock_demotions += 1;
        room = try pacing.observe(stream, now_ns, true);
    }
    if (positions.tailWasHeard(stream)) {
        positions.loseRing(stream);
        return .{ .janitor = .settle };
    }
    const fed = try feed(stream, room.avail_frames);
    stream.counters.delay_frames += fed.frames;
    return .{ .wake_at = nextDeadline(stream, room.avail_frames, fed, now_ns) };
}

const Fed = struct {
    frames: u32,
    /// The device took less than it had room for.
    device_short: bool,
};

/// Fills all the room there is: from the source, and behind its end with silence.
fn feed(stream: *Stream, avail_frames: u32) pacing.Error!Fed {
    const limit = if (stream.ending) |ending| ending.feed_left else avail_frames;
    const offered: u32 = @intCast(@min(avail_frames, limit, stream.source.available()));
    var moved = try transfer.move(stream, offered, .source);
    if (stream.ending) |*ending| ending.feed_left -= moved;
    if (stream.ending == null and stream.source.isExhausted()) {
        stream.ending = .{ .reason = .finish, .feed_left = 0 };
        if (stream.state == .running) stream.state = .draining;
    }
    if (moved < offered) return .{ .frames = moved, .device_short = true };

    const ending = &(stream.ending orelse return .{ .frames = moved, .device_short = false });
    // A fade ends early where the source does.
    if (ending.feed_left > 0 and stream.source.available() > 0) {
        return .{ .frames = moved, .device_short = false };
    }
    if (ending.tail_frames == null) ending.tail_frames = positions.writtenToHear(stream);
    // What is written from now on is for after the end: silence is in the ring already.
    ending.feed_left = 0;
    moved += try transfer.move(stream, avail_frames - moved, .silence);
    return .{ .frames = moved, .device_short = moved < avail_frames };
}

/// When the device will have room for the next transfer: half a buffer of 4 periods and more, else
/// a period. A source that ran dry is looked at again when the ring runs empty; a write kicks
/// earlier.
fn nextDeadline(stream: *Stream, avail_before: u32, fed: Fed, now_ns: u64) u64 {
    const granted = &stream.granted;
    const avail_frames = avail_before - fed.frames;
    const held_frames = granted.buffer_frames - avail_frames;
    const transfer_frames = if (granted.buffer_frames / granted.period_frames >= 4)
        granted.buffer_frames / 2
    else
        granted.period_frames;

    var frames = held_frames;
    if (avail_frames < transfer_frames) frames = transfer_frames - avail_frames;
    const dry = stream.source == .queue and stream.ending == null and
        avail_frames > 0 and !fed.device_short;
    stream.hungry_at.store(if (dry) 1 else nobody, .seq_cst);
    if (dry) {
        // A write may have come in between and seen nobody hungry.
        if (stream.source.available() > 0) return now_ns;
        frames = held_frames;
    }
    if (stream.ending) |ending| if (ending.tail_frames) |tail| {
        const unheard: u32 = @intCast(@min(tail -| stream.frames_heard, granted.buffer_frames));
        frames = @min(frames, unheard);
    };
    // Not more often than a coarse pointer moves.
    const shortest_frames = @max(1, granted.period_frames / 8);
    return now_ns + stream.nsOfFrames(@max(frames, shortest_frames));
}

/// What an error of the device leads to.
fn fault(stream: *Stream, err: pacing.Error, now_ns: u64) Outcome {
    stream.hungry_at.store(nobody, .seq_cst);
    switch (err) {
        error.Xrun => {
            positions.hear(stream, 0, now_ns);
            // The device stopped by itself behind the tail: nothing was missed.
            const was_end = positions.tailWasHeard(stream);
            positions.loseRing(stream);
            if (was_end) return .{ .janitor = .settle };
            stream.counters.xruns += 1;
            stream.news |= @intFromEnum(abi.Event.xrun);
            stream.state = .xrun;
            return .{ .janitor = .recover };
        },
        error.Suspended => {
            stream.state = .suspended;
            return .{ .janitor = .wake };
        },
        error.Disconnected => {
            giveUp(stream);
            return .sleep;
        },
        error.Failed => {
            stream.failures_in_a_row += 1;
            if (stream.failures_in_a_row > failures_max) {
                giveUp(stream);
                return .sleep;
            }
            positions.loseRing(stream);
            return .{ .janitor = .recover };
        },
    }
}

/// The stream is over: it can only be closed. `failure` says why.
fn giveUp(stream: *Stream) void {
    assert(stream.failure.code != .ok);
    positions.loseRing(stream);
    stream.state = .disconnected;
    stream.ending = null;
    endings.endDrain(stream);
    inline for (@typeInfo(abi.Command).@"enum".fields) |field| {
        events.complete(stream, @enumFromInt(field.value), .device_lost);
    }
    stream.news |= @intFromEnum(abi.Event.failed);
}

/// The janitor brought the stream back.
fn afterJob(stream: *Stream, now_ns: u64) void {
    if (!stream.job_succeeded) return giveUp(stream);
    switch (stream.job) {
        .open => {
            stream.state = .prepared;
            stream.news |= @intFromEnum(abi.Event.opened);
        },
        .settle, .recover => endings.afterStop(stream),
        .wake => if (stream.asound.snd_pcm_state(stream.pcm.?) == .running) {
            stream.state = if (stream.ending == null) .running else .draining;
        } else {
            positions.refreshHeard(stream, now_ns);
            positions.loseRing(stream);
            endings.afterStop(stream);
        },
        .close => unreachable,
    }
}
