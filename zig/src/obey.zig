//! How a stream obeys its commands.

const abi = @import("abi.zig");
const endings = @import("endings.zig");
const events = @import("events.zig");
const pacing = @import("pacing.zig");
const playing = @import("playing.zig");
const positions = @import("positions.zig");
const stream_module = @import("stream.zig");
const Command = @import("command.zig").Command;
const Job = stream_module.Job;
const Stream = stream_module.Stream;
const nobody = stream_module.nobody;

/// Carries out a command; where it needs the janitor, its job.
pub fn obey(stream: *Stream, command: Command, now_ns: u64) ?Job {
    stream.pending[@intFromEnum(command.kind)] += 1;
    if (stream.state == .disconnected) {
        events.complete(stream, command.kind, .device_lost);
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
        .running, .draining => events.complete(stream, .start, .ok),
        .paused => events.complete(stream, .start, .invalid_state),
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
                events.complete(stream, .pause, .cancelled);
                return null;
            }
            if (command.fade_ms == 0 and pauseHardware(stream, now_ns)) {
                stream.hardware_paused = true;
                stream.state = .paused;
                events.complete(stream, .pause, .ok);
                return null;
            }
            // What is in the ring plays out first: nothing is lost.
            endings.beginFade(stream, .pause, command.fade_ms);
        },
        .prepared => {
            stream.hungry_at.store(nobody, .seq_cst);
            stream.hardware_paused = false;
            stream.was_running = stream.start_asked;
            stream.start_asked = false;
            stream.state = .paused;
            events.complete(stream, .pause, .ok);
        },
        .paused => events.complete(stream, .pause, .ok),
        else => events.complete(stream, .pause, .invalid_state),
    }
    return null;
}

fn pauseHardware(stream: *Stream, now_ns: u64) bool {
    const room = pacing.observe(stream, now_ns, true) catch return false;
    positions.hear(stream, room.delay_frames, now_ns);
    stream.hardware_frames = pacing.hardwareFrames(stream, &room);
    switch (stream.pacer) {
        .self => stream.pacer.paused(now_ns, stream.granted.rate),
        .device => {
            if (!stream.granted.can_pause) return false;
            if (stream.asound.snd_pcm_pause(stream.pcm.?, 1) < 0) return false;
            stream.paused_untold_frames = playing.untoldFrames(stream, room.at_ns);
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
                playing.resumed(stream, stream.paused_untold_frames, now_ns);
                stream.fade.moveTo(1, ramp_frames);
                stream.hardware_paused = false;
                // A drain may have come meanwhile.
                if (stream.drain_pending and stream.ending == null) {
                    stream.ending = endings.drainEnding(stream);
                }
                stream.state = if (stream.ending == null) .running else .draining;
                events.complete(stream, .@"resume", .ok);
            } else {
                endings.resumeFromStop(stream, command.fade_ms);
            }
        },
        .running, .draining => resumeBeforePause(stream, command.fade_ms),
        else => events.complete(stream, .@"resume", .invalid_state),
    }
    return null;
}

fn resumeBeforePause(stream: *Stream, fade_ms: f32) void {
    const ending = stream.ending orelse return events.complete(stream, .@"resume", .invalid_state);
    if (ending.reason != .pause) return events.complete(stream, .@"resume", .invalid_state);
    if (ending.tail_frames != null) {
        // Silence is in the ring already: the pause is carried out first.
        stream.resume_fade_ms = fade_ms;
        return;
    }
    stream.fade.moveTo(1, stream.framesOfMs(fade_ms));
    stream.ending = if (stream.drain_pending) endings.drainEnding(stream) else null;
    stream.state = if (stream.drain_pending) .draining else .running;
    events.complete(stream, .pause, .cancelled);
    events.complete(stream, .@"resume", .ok);
}

fn obeyDrain(stream: *Stream, command: Command) ?Job {
    stream.drain_pending = true;
    stream.drain_to_frames = command.accepted_frames;
    stream.drain_deadline_ns = command.deadline_ns;
    if (stream.state == .running and stream.ending == null) {
        stream.ending = endings.drainEnding(stream);
        stream.state = .draining;
    }
    return null;
}

fn obeyDrop(stream: *Stream, command: Command, now_ns: u64) ?Job {
    stream.drop_to_frames = command.accepted_frames;
    switch (stream.state) {
        .running, .draining => {
            if (command.fade_ms > 0) {
                endings.beginFade(stream, .drop, command.fade_ms);
                return null;
            }
            positions.refreshHeard(stream, now_ns);
            return dropNow(stream);
        },
        .paused => {
            if (stream.hardware_paused) return dropNow(stream);
            endings.discard(stream);
            stream.state = .prepared;
        },
        else => endings.discard(stream),
    }
    return null;
}

fn dropNow(stream: *Stream) Job {
    stream.hungry_at.store(nobody, .seq_cst);
    positions.loseRing(stream);
    stream.ending = .{ .reason = .drop, .feed_left = 0 };
    return .settle;
}
