//! The state machine of a stream: what happens when it is woken. Pure in time: it reads no clock,
//! is told `now_ns`, and answers when it wants to be woken again or that the janitor must take it.
//! The realtime thread runs this code: nothing in it allocates, locks, logs or waits.

const std = @import("std");
const assert = std.debug.assert;
const abi = @import("abi.zig");
const pacing = @import("pacing.zig");
const transfer = @import("transfer.zig");
const stream_module = @import("stream.zig");
const Command = @import("command.zig").Command;
const Commands = @import("command.zig").Commands;
const Stream = stream_module.Stream;
const Job = stream_module.Job;
const Ending = stream_module.Ending;
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
    finish(stream);
    return outcome;
}

/// Brings the published position up to `now_ns` without filling. A failure shows at the next
/// wake-up.
pub fn refresh(stream: *Stream, now_ns: u64) void {
    if (stream.with_janitor) return;
    if (stream.state != .running and stream.state != .draining) return;
    const room = pacing.observe(stream, now_ns, true) catch return;
    hear(stream, room.delay_frames, now_ns);
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
        if (obey(stream, command, now_ns)) |job| {
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
        complete(stream, .drain, .timeout);
        return outcome;
    }
    return switch (outcome) {
        .wake_at => |at_ns| .{ .wake_at = @min(at_ns, deadline_ns) },
        .sleep => .{ .wake_at = deadline_ns },
        .janitor => outcome,
    };
}

// Playing.

fn prepared(stream: *Stream, now_ns: u64) Outcome {
    if (stream.drain_pending and hasNothingToDrain(stream)) finishDrain(stream);
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
fn kickLevel(stream: *const Stream) ?u32 {
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
    if (stream.drain_pending) stream.ending = drainEnding(stream);
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
    complete(stream, .start, .ok);
    return .{ .wake_at = nextDeadline(stream, room.avail_frames, fed, now_ns) };
}

fn started(stream: *Stream, now_ns: u64) void {
    stream.pacer.started(now_ns);
    stream.started_ns = now_ns;
    stream.started_heard = stream.frames_heard;
}

fn running(stream: *Stream, now_ns: u64) Outcome {
    return run(stream, now_ns) catch |err| fault(stream, err, now_ns);
}

fn run(stream: *Stream, now_ns: u64) pacing.Error!Outcome {
    var room = try pacing.observe(stream, now_ns, true);
    hear(stream, room.delay_frames, now_ns);
    if (pacing.ranAway(stream, now_ns)) {
        stream.pacer.demote(stream.started_ns, writtenToHear(stream) - stream.started_heard);
        stream.counters.clock_demotions += 1;
        room = try pacing.observe(stream, now_ns, true);
    }
    if (tailWasHeard(stream)) {
        loseRing(stream);
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
    if (ending.tail_frames == null) ending.tail_frames = writtenToHear(stream);
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
            hear(stream, 0, now_ns);
            // The device stopped by itself behind the tail: nothing was missed.
            const was_end = tailWasHeard(stream);
            loseRing(stream);
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
            loseRing(stream);
            return .{ .janitor = .recover };
        },
    }
}

/// The stream is over: it can only be closed. `failure` says why.
fn giveUp(stream: *Stream) void {
    assert(stream.failure.code != .ok);
    loseRing(stream);
    stream.state = .disconnected;
    stream.ending = null;
    endDrain(stream);
    inline for (@typeInfo(abi.Command).@"enum".fields) |field| {
        complete(stream, @enumFromInt(field.value), .device_lost);
    }
    stream.news |= @intFromEnum(abi.Event.failed);
}

// Positions. `frames_written` counts everything given to the device. Of that, `frames_lost_in_ring`
// was thrown away unheard; the rest is heard in order, `frames_heard` of it so far, silence behind
// a tail included. Tails are positions on that line.

/// The position of the last frame written.
fn writtenToHear(stream: *const Stream) u64 {
    return stream.counters.frames_written - stream.frames_lost_in_ring;
}

fn hear(stream: *Stream, delay_frames: u64, now_ns: u64) void {
    const counters = &stream.counters;
    // A device may revise its delay; what was heard stays heard.
    stream.frames_heard = @max(stream.frames_heard, writtenToHear(stream) -| delay_frames);
    counters.delay_frames = delay_frames;
    const audible = stream.frames_heard -| stream.frames_padding_heard -| paddingHeard(stream);
    counters.frames_played = @max(counters.frames_played, audible);
    counters.timestamp_frames = counters.frames_played;
    counters.timestamp_ns = now_ns;
}

/// Silence behind the tail of the present ending that was heard already.
fn paddingHeard(stream: *const Stream) u64 {
    const ending = stream.ending orelse return 0;
    return stream.frames_heard -| (ending.tail_frames orelse return 0);
}

fn tailWasHeard(stream: *const Stream) bool {
    const ending = stream.ending orelse return false;
    return stream.frames_heard >= (ending.tail_frames orelse return false);
}

/// What is in the ring will not be heard; what of it came from the source is dropped.
fn loseRing(stream: *Stream) void {
    const end = writtenToHear(stream);
    const tail = if (stream.ending) |ending| ending.tail_frames orelse end else end;
    stream.counters.frames_dropped += @min(end, tail) -| stream.frames_heard;
    stream.frames_padding_heard += paddingHeard(stream);
    stream.frames_lost_in_ring += end - stream.frames_heard;
    stream.counters.delay_frames = 0;
}

// Commands.

/// Carries out a command; where it needs the janitor, its job.
fn obey(stream: *Stream, command: Command, now_ns: u64) ?Job {
    stream.pending[@intFromEnum(command.kind)] += 1;
    if (stream.state == .disconnected) {
        complete(stream, command.kind, .device_lost);
        return null;
    }
    return switch (command.kind) {
        .start => obeyStart(stream, command),
        .pause => obeyPause(stream, command, now_ns),
        .@"resume" => obeyResume(stream, command, now_ns),
        .drain => obeyDrain(stream, command),
        .drop => obeyDrop(stream, command, now_ns),
    };
}

fn obeyStart(stream: *Stream, command: Command) ?Job {
    switch (stream.state) {
        .running, .draining => complete(stream, .start, .ok),
        .paused => complete(stream, .start, .invalid_state),
        else => {
            stream.start_asked = true;
            stream.start_fade_ms = command.fade_ms;
        },
    }
    return null;
}

fn obeyPause(stream: *Stream, command: Command, now_ns: u64) ?Job {
    switch (stream.state) {
        .running, .draining => {
            const dropping = if (stream.ending) |ending| ending.reason == .drop else false;
            if (dropping) {
                complete(stream, .pause, .cancelled);
                return null;
            }
            if (command.fade_ms == 0 and pauseHardware(stream, now_ns)) {
                stream.hardware_paused = true;
                stream.state = .paused;
                complete(stream, .pause, .ok);
                return null;
            }
            // What is in the ring plays out first: nothing is lost.
            beginFade(stream, .pause, command.fade_ms);
        },
        .prepared => {
            stream.hungry_at.store(nobody, .seq_cst);
            stream.hardware_paused = false;
            stream.was_running = stream.start_asked;
            stream.start_asked = false;
            stream.state = .paused;
            complete(stream, .pause, .ok);
        },
        .paused => complete(stream, .pause, .ok),
        else => complete(stream, .pause, .invalid_state),
    }
    return null;
}

fn pauseHardware(stream: *Stream, now_ns: u64) bool {
    const room = pacing.observe(stream, now_ns, true) catch return false;
    hear(stream, room.delay_frames, now_ns);
    switch (stream.pacer) {
        .self => stream.pacer.paused(now_ns, stream.granted.rate),
        .device => {
            if (!stream.granted.can_pause) return false;
            if (stream.asound.snd_pcm_pause(stream.pcm.?, 1) < 0) return false;
        },
    }
    stream.hungry_at.store(nobody, .seq_cst);
    return true;
}

fn obeyResume(stream: *Stream, command: Command, now_ns: u64) ?Job {
    const ramp_frames = stream.framesOfMs(command.fade_ms);
    switch (stream.state) {
        .paused => {
            if (ramp_frames > 0) stream.fade = .constant(0);
            if (stream.hardware_paused) {
                if (stream.pacer == .device) {
                    // Where it fails, the next look at the pointer says what became of the device.
                    _ = stream.asound.snd_pcm_pause(stream.pcm.?, 0);
                }
                started(stream, now_ns);
                stream.fade.moveTo(1, ramp_frames);
                stream.hardware_paused = false;
                stream.state = if (stream.ending == null) .running else .draining;
                complete(stream, .@"resume", .ok);
            } else {
                resumeFromStop(stream, command.fade_ms);
            }
        },
        .running, .draining => resumeBeforePause(stream, command.fade_ms),
        else => complete(stream, .@"resume", .invalid_state),
    }
    return null;
}

fn resumeFromStop(stream: *Stream, fade_ms: f32) void {
    stream.fade = .constant(1);
    stream.start_asked = stream.was_running;
    stream.start_fade_ms = fade_ms;
    stream.state = .prepared;
    if (stream.source.isExhausted()) finishDrain(stream);
    complete(stream, .@"resume", .ok);
}

fn resumeBeforePause(stream: *Stream, fade_ms: f32) void {
    const ending = stream.ending orelse return complete(stream, .@"resume", .invalid_state);
    if (ending.reason != .pause) return complete(stream, .@"resume", .invalid_state);
    if (ending.tail_frames != null) {
        // Silence is in the ring already: the pause is carried out first.
        stream.resume_fade_ms = fade_ms;
        return;
    }
    stream.fade.moveTo(1, stream.framesOfMs(fade_ms));
    stream.ending = if (stream.drain_pending) drainEnding(stream) else null;
    stream.state = if (stream.drain_pending) .draining else .running;
    complete(stream, .pause, .cancelled);
    complete(stream, .@"resume", .ok);
}

fn obeyDrain(stream: *Stream, command: Command) ?Job {
    stream.drain_pending = true;
    stream.drain_to_frames = command.accepted_frames;
    stream.drain_deadline_ns = command.deadline_ns;
    if (stream.state == .running and stream.ending == null) {
        stream.ending = drainEnding(stream);
        stream.state = .draining;
    }
    return null;
}

fn obeyDrop(stream: *Stream, command: Command, now_ns: u64) ?Job {
    stream.drop_to_frames = command.accepted_frames;
    switch (stream.state) {
        .running, .draining => {
            if (command.fade_ms > 0) {
                beginFade(stream, .drop, command.fade_ms);
                return null;
            }
            refreshHeard(stream, now_ns);
            return dropNow(stream);
        },
        .paused => {
            if (stream.hardware_paused) return dropNow(stream);
            discard(stream);
            stream.state = .prepared;
        },
        else => discard(stream),
    }
    return null;
}

fn refreshHeard(stream: *Stream, now_ns: u64) void {
    // An error here is one of a device that is about to be stopped anyway.
    const room = pacing.observe(stream, now_ns, true) catch return;
    hear(stream, room.delay_frames, now_ns);
}

fn dropNow(stream: *Stream) Job {
    stream.hungry_at.store(nobody, .seq_cst);
    loseRing(stream);
    stream.ending = .{ .reason = .drop, .feed_left = 0 };
    return .settle;
}

/// Throws away what was accepted before the drop, and ends a drain of it.
fn discard(stream: *Stream) void {
    switch (stream.source) {
        .queue => |*queue| {
            const frames = stream.drop_to_frames -| queue.read.load(.monotonic);
            queue.consume(frames);
            stream.counters.frames_dropped += frames;
        },
        .clip => |*clip| clip.position = 0,
        .tone, .silence => {},
    }
    stream.armed = false;
    stream.start_asked = false;
    stream.fade = .constant(1);
    stream.resume_fade_ms = null;
    for ([_]abi.Command{ .start, .pause, .@"resume", .drain }) |kind| {
        complete(stream, kind, .cancelled);
    }
    endDrain(stream);
    complete(stream, .drop, .ok);
}

// Endings.

fn drainEnding(stream: *const Stream) Ending {
    const feed_left = switch (stream.source) {
        .queue => |*queue| stream.drain_to_frames -| queue.read.load(.monotonic),
        .clip, .tone, .silence => if (stream.source.isEndless()) 0 else stream.source.available(),
    };
    return .{ .reason = .drain, .feed_left = feed_left };
}

fn beginFade(stream: *Stream, reason: Ending.Reason, fade_ms: f32) void {
    const frames = stream.framesOfMs(fade_ms);
    if (frames > 0) stream.fade.moveTo(0, frames);
    // Behind a tail there is only silence: nothing more to fade.
    const tail_frames = if (stream.ending) |ending| ending.tail_frames else null;
    stream.ending = .{
        .reason = reason,
        .feed_left = if (tail_frames == null) frames else 0,
        .tail_frames = tail_frames,
    };
}

/// Everything that a drain waits for was heard, or there is nothing.
fn finishDrain(stream: *Stream) void {
    stream.armed = false;
    stream.start_asked = false;
    if (stream.source == .clip) stream.source.clip.position = 0;
    complete(stream, .start, .cancelled);
    complete(stream, .drain, .ok);
    endDrain(stream);
}

fn endDrain(stream: *Stream) void {
    stream.drain_pending = false;
    stream.drain_deadline_ns = null;
    stream.draining.store(false, .seq_cst);
}

fn hasNothingToDrain(stream: *const Stream) bool {
    return switch (stream.source) {
        .queue => |*queue| stream.drain_to_frames <= queue.read.load(.monotonic),
        .clip, .tone, .silence => stream.source.isEndless() or
            !(stream.armed or stream.start_asked),
    };
}

/// The janitor brought the stream back.
fn afterJob(stream: *Stream, now_ns: u64) void {
    if (!stream.job_succeeded) return giveUp(stream);
    switch (stream.job) {
        .open => {
            stream.state = .prepared;
            stream.news |= @intFromEnum(abi.Event.opened);
        },
        .settle, .recover => afterStop(stream),
        .wake => if (stream.asound.snd_pcm_state(stream.pcm.?) == .running) {
            stream.state = if (stream.ending == null) .running else .draining;
        } else {
            refreshHeard(stream, now_ns);
            loseRing(stream);
            afterStop(stream);
        },
        .close => unreachable,
    }
}

/// The ring is empty and the PCM prepared; what was coming to an end has come to it.
fn afterStop(stream: *Stream) void {
    stream.pacer.reset();
    stream.hardware_paused = false;
    stream.state = .prepared;
    const ending = stream.ending orelse return;
    stream.ending = null;
    switch (ending.reason) {
        // After an xrun on the way, the rest is started again.
        .drain, .finish => if (ending.tail_frames != null) finishDrain(stream),
        .pause => {
            stream.fade = .constant(1);
            stream.was_running = true;
            stream.state = .paused;
            complete(stream, .pause, .ok);
            if (stream.resume_fade_ms) |fade_ms| {
                stream.resume_fade_ms = null;
                resumeFromStop(stream, fade_ms);
            }
        },
        .drop => discard(stream),
    }
}

// Telling.

/// Whether the room that JavaScript waits for is there. A stream that waits to be started may need
/// less than that: both would wait for ever.
fn roomIsWanted(stream: *const Stream) bool {
    if (stream.source != .queue or stream.draining.load(.monotonic)) return false;
    const wanted = stream.wanted_room.load(.seq_cst);
    if (wanted == nobody) return false;
    const queue = &stream.source.queue;
    const missing = if (stream.state == .prepared)
        (kickLevel(stream) orelse wanted) -| queue.level()
    else
        wanted;
    return queue.free() >= @max(1, @min(wanted, missing));
}

fn complete(stream: *Stream, kind: abi.Command, result: abi.ErrorCode) void {
    const index = @intFromEnum(kind);
    if (stream.pending[index] == 0) return;
    stream.counters.completed[index].count += stream.pending[index];
    stream.counters.completed[index].result = result;
    stream.pending[index] = 0;
    stream.news |= @intFromEnum(abi.Event.completed);
}

/// Publishes what this wake-up changed, and then says so.
fn finish(stream: *Stream) void {
    if (stream.counters.state != stream.state) {
        stream.counters.state = stream.state;
        stream.news |= @intFromEnum(abi.Event.state);
    }
    stream.counters.gain = stream.level.value;
    stream.published.write(&stream.counters);
    if (roomIsWanted(stream) and stream.wanted_room.swap(nobody, .seq_cst) != nobody) {
        stream.news |= @intFromEnum(abi.Event.room);
    }
    if (stream.news == 0) return;
    stream.realm.notify(stream, stream.news);
    stream.news = 0;
}
