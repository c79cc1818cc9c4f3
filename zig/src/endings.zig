//! How playing comes to an end: drains, fades into a pause or a drop, and what is left to do when
//! the PCM has stopped.

const std = @import("std");
const abi = @import("abi.zig");
const events = @import("events.zig");
const stream_module = @import("stream.zig");
const xruns = @import("xruns.zig");
const Command = @import("command.zig").Command;
const Ending = stream_module.Ending;
const Stream = stream_module.Stream;

pub fn drainEnding(stream: *const Stream) Ending {
    const feed_left = switch (stream.source) {
        .queue, .ring => stream.source.until(stream.drain_to_frames),
        .clip, .tone, .silence => if (stream.source.isEndless()) 0 else stream.source.available(),
        .mix => |mix| mix.remaining(),
    };
    return .{ .reason = .drain, .feed_left = feed_left };
}

pub fn beginFade(stream: *Stream, reason: Ending.Reason, fade_ms: f32) void {
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
pub fn finishDrain(stream: *Stream) void {
    stream.armed = false;
    stream.start_asked = false;
    switch (stream.source) {
        .clip => |*clip| clip.position = 0,
        .mix => |mix| mix.reset(std.math.maxInt(u64)),
        .queue, .ring, .tone, .silence => {},
    }
    xruns.end(stream, stream.now());
    events.complete(stream, .start, .cancelled);
    events.complete(stream, .drain, .ok);
    endDrain(stream);
}

pub fn endDrain(stream: *Stream) void {
    stream.drain_pending = false;
    stream.drain_deadline_ns = Command.never;
    stream.draining.store(false, .seq_cst);
}

pub fn hasNothingToDrain(stream: *const Stream) bool {
    return switch (stream.source) {
        .queue, .ring => stream.source.until(stream.drain_to_frames) == 0,
        .clip, .tone, .silence => stream.source.isEndless() or
            !(stream.armed or stream.start_asked),
        .mix => |mix| mix.remaining() == 0 or
            !(stream.armed or stream.start_asked or mix.holdsWritten()),
    };
}

/// Throws away what was accepted before the drop, and ends a drain of it.
pub fn discard(stream: *Stream) void {
    switch (stream.source) {
        .queue, .ring => {
            // What was rendered for a fade belongs to what is dropped.
            const end = if (stream.options.source == .render)
                stream.source.given()
            else
                stream.drop_to_frames;
            const frames = stream.source.until(end);
            stream.source.advance(frames);
            stream.counters.frames_dropped += frames;
        },
        .clip => |*clip| clip.position = 0,
        .mix => |mix| mix.reset(stream.drop_to_frames),
        .tone, .silence => {},
    }
    xruns.end(stream, stream.now());
    stream.armed = false;
    stream.start_asked = false;
    stream.fade = .constant(1);
    stream.resume_fade_ms = null;
    for ([_]abi.Command{ .start, .pause, .@"resume", .drain }) |kind| {
        events.complete(stream, kind, .cancelled);
    }
    endDrain(stream);
    events.complete(stream, .drop, .ok);
}

/// The ring is empty and the PCM prepared; what was coming to an end has come to it.
pub fn afterStop(stream: *Stream) void {
    stream.pacer.reset();
    stream.appl_frames = 0;
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
            events.complete(stream, .pause, .ok);
            if (stream.resume_fade_ms) |fade_ms| {
                stream.resume_fade_ms = null;
                resumeFromStop(stream, fade_ms);
            }
        },
        .drop => discard(stream),
    }
}

pub fn resumeFromStop(stream: *Stream, fade_ms: f32) void {
    stream.fade = .constant(1);
    stream.start_asked = stream.was_running;
    stream.start_fade_ms = fade_ms;
    stream.state = .prepared;
    if (stream.source.isExhausted()) finishDrain(stream);
    events.complete(stream, .@"resume", .ok);
}
