//! The state machine of a stream: what happens when it is woken. It is told the time, and answers
//! when it wants to be woken again or that the janitor must take it. The realtime thread runs this
//! code: nothing in it allocates, locks, logs or waits.

const std = @import("std");
const assert = std.debug.assert;
const abi = @import("abi.zig");
const endings = @import("endings.zig");
const events = @import("events.zig");
const obey = @import("obey.zig");
const ownership = @import("ownership.zig");
const pacing = @import("pacing.zig");
const playing = @import("playing.zig");
const positions = @import("positions.zig");
const recovery = @import("recovery.zig");
const stream_module = @import("stream.zig");
const xruns = @import("xruns.zig");
const Command = @import("command.zig").Command;
const Commands = @import("command.zig").Commands;
const Job = stream_module.Job;
const Request = stream_module.Request;
const Stream = stream_module.Stream;

pub const Outcome = union(enum) {
    /// When there will be room for a transfer. Earlier there is less, which is worth something too.
    fill_at: u64,
    /// No sooner.
    wake_at: u64,
    /// Only a request wakes it.
    sleep,
    janitor: Job,
};

/// Wake-ups in a row that achieved nothing before they become rarer.
const idle_in_a_row_max = 64;

pub fn wake(stream: *Stream, now_ns: u64) Outcome {
    const counters = &stream.counters;
    counters.wake_ups += 1;
    const written_before = counters.frames_written;
    const played_before = counters.frames_played;
    const requests = stream.requests.swap(0, .seq_cst);
    // Whoever closes a stream wants to be told of that.
    if (requests & Request.attach != 0) ownership.arrive(stream);
    const leaves = requests & (Request.detach | Request.close) == Request.detach;
    const outcome = decide(stream, requests, now_ns);

    if (counters.frames_written == written_before) counters.idle_wake_ups += 1;
    const progress = requests != 0 or counters.frames_written != written_before or
        counters.frames_played != played_before;
    const guarded = guardAgainstSpin(stream, progress, outcome);
    if (leaves) ownership.beginToLeave(stream);
    events.finish(stream);
    if (leaves) ownership.leave(stream);
    return guarded;
}

/// Whatever makes wake-ups that achieve nothing, they do not take a CPU: none comes along with
/// others that are due, and from so many in a row on there is a period between them.
fn guardAgainstSpin(stream: *Stream, progress: bool, outcome: Outcome) Outcome {
    if (progress) {
        stream.idle_in_a_row = 0;
        return outcome;
    }
    const counters = &stream.counters;
    stream.idle_in_a_row += 1;
    counters.idle_wake_ups_in_a_row = @max(counters.idle_wake_ups_in_a_row, stream.idle_in_a_row);
    const least_ns = if (stream.idle_in_a_row < idle_in_a_row_max)
        0
    else
        stream.now() + stream.periodNs();
    return switch (outcome) {
        .fill_at, .wake_at => |at_ns| .{ .wake_at = @max(at_ns, least_ns) },
        .sleep, .janitor => outcome,
    };
}

/// Brings the published position up to `now_ns` without filling. A failure shows at the next
/// wake-up.
pub fn refresh(stream: *Stream, now_ns: u64) void {
    if (stream.with_janitor or !stream.isRunning()) return;
    const room = pacing.observe(stream, now_ns, true) catch return;
    positions.hear(stream, room.delay_frames, now_ns);
    stream.published.write(&stream.counters);
}

fn decide(stream: *Stream, requests: u32, now_ns: u64) Outcome {
    if (requests & Request.close != 0) {
        xruns.end(stream, now_ns);
        return .{ .janitor = .close };
    }
    if (requests & Request.gain != 0) {
        const target: f32 = @bitCast(stream.gain_target.load(.acquire));
        stream.level.moveTo(target, stream.gain_ramp_frames.load(.acquire));
    }
    if (stream.source == .mix) stream.source.mix.obey();
    if (requests & Request.returned != 0) recovery.afterJob(stream, now_ns);
    // While a device is being brought back, commands wait. At most a ring full of them: more wait
    // for the next wake-up.
    for (0..if (stream.retry == null) Commands.capacity else 0) |_| {
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
        .prepared => playing.prepared(stream, now_ns),
        .running, .draining => playing.running(stream, now_ns),
        .setup, .xrun, .suspended => recovery.retry(stream, now_ns),
        .open, .paused, .disconnected, .closed => .sleep,
    };
    const deadline_ns = stream.drain_deadline_ns;
    if (now_ns >= deadline_ns and outcome != .janitor) {
        // It goes on all the same.
        stream.drain_deadline_ns = Command.never;
        events.complete(stream, .drain, .timeout);
        return outcome;
    }
    return switch (outcome) {
        .fill_at, .wake_at => |at_ns| if (at_ns <= deadline_ns) outcome else .{
            .wake_at = deadline_ns,
        },
        .sleep => if (deadline_ns == Command.never) .sleep else .{ .wake_at = deadline_ns },
        .janitor => outcome,
    };
}
