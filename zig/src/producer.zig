//! How JavaScript gives a stream its frames: copied into the queue, or rendered in place. All of
//! this runs on JavaScript's threads.

const std = @import("std");
const abi = @import("abi.zig");
const clock = @import("clock.zig");
const engine = @import("engine.zig");
const stream_module = @import("stream.zig");
const zero_copy = @import("zero_copy.zig");
const Request = stream_module.Request;
const Span = @import("ring.zig").Span;
const StateError = engine.StateError;
const Stream = stream_module.Stream;
const pending_waits = &@import("realm.zig").pending_waits;
const wait_max_ms = @import("realm.zig").wait_max_ms;
const nobody = stream_module.nobody;

/// Frames taken into the queue.
pub fn write(
    stream: *Stream,
    bytes: ?[*]const u8,
    byte_length: u32,
    offset_frames: u32,
    frames: u32,
) StateError!u32 {
    if (stream.options.source != .queue) return error.InvalidState;
    try engine.lockOpen(stream);
    defer stream.control.unlock();
    const given = try framesOf(stream, bytes, byte_length, offset_frames, frames);
    if (given.len == 0 or stream.draining.load(.seq_cst)) return 0;
    const taken = stream.source.queue.push(given);
    feed(stream);
    return taken;
}

/// The bytes of whole frames in memory of JavaScript's.
pub fn framesOf(
    stream: *const Stream,
    bytes: ?[*]const u8,
    byte_length: u32,
    offset_frames: u32,
    frames: u32,
) StateError![]const u8 {
    const end = (@as(u64, offset_frames) + frames) * stream.frame_bytes;
    if (end > byte_length) return error.InvalidArgument;
    if (frames == 0) return "";
    const from = bytes orelse return error.InvalidArgument;
    const start = @as(usize, offset_frames) * stream.frame_bytes;
    return from[start..@intCast(end)];
}

/// The owner may wait for what was given just now, or for the end of a `begin`.
fn feed(stream: *Stream) void {
    if (stream.source.level() < stream.hungry_at.load(.seq_cst)) return;
    if (stream.hungry_at.swap(nobody, .seq_cst) == nobody) return;
    stream.fed_ns.store(stream.now(), .release);
    engine.post(stream, Request.kick);
}

/// True when the room is there now; else the event `room` comes once.
pub fn awaitRoom(stream: *Stream, frames: u32) StateError!bool {
    if (!givesFrames(stream)) return error.InvalidState;
    try engine.lockOpen(stream);
    defer stream.control.unlock();
    const wanted = @min(frames, stream.source.capacity());
    stream.wanted_room.store(wanted, .seq_cst);
    if (stream.draining.load(.seq_cst) or stream.source.free() < wanted) {
        if (stream.options.source != .queue) stopRendering(stream, wanted);
        return false;
    }
    // The event may be under way already; then it comes for nothing.
    stream.wanted_room.store(nobody, .seq_cst);
    return true;
}

/// Who waits for room has rendered what it could: that may be less than the owner waits for. And
/// for more than a period other wake-ups are wanted than were planned.
fn stopRendering(stream: *Stream, wanted_frames: u32) void {
    const hungry = stream.hungry_at.swap(nobody, .seq_cst) != nobody;
    if (hungry and stream.source.level() > 0) stream.fed_ns.store(stream.now(), .release);
    if (hungry or wanted_frames > stream.granted.period_frames) engine.post(stream, Request.kick);
}

/// Blocks until there is room, the stream is closed or the time has passed, at most `wait_max_ms`;
/// false: no room.
pub fn waitForRoom(stream: *Stream, frames: u32, timeout_ms: u32) StateError!bool {
    _ = pending_waits.fetchAdd(1, .monotonic);
    defer _ = pending_waits.fetchSub(1, .monotonic);
    _ = stream.room_waits.fetchAdd(1, .acq_rel);
    defer _ = stream.room_waits.fetchSub(1, .acq_rel);
    const timeout_ns = @as(u64, @min(timeout_ms, wait_max_ms)) * std.time.ns_per_ms;
    const deadline_ns = clock.monotonicNs() + timeout_ns;
    while (true) {
        const ticket = stream.room.seen();
        if (stream.published.read().state == .disconnected) return error.InvalidState;
        if (try awaitRoom(stream, frames)) return true;
        if (clock.monotonicNs() >= deadline_ns) break;
        stream.room.wait(ticket, deadline_ns);
    }
    // Nobody waits for so much any more.
    const wanted = stream.wanted_room.swap(nobody, .seq_cst);
    if (wanted != nobody and wanted > stream.granted.period_frames) {
        engine.post(stream, Request.kick);
    }
    return false;
}

fn givesFrames(stream: *const Stream) bool {
    return switch (stream.options.source) {
        .queue, .render, .mapped => true,
        .tone, .clip, .silence, .mix => false,
    };
}

/// Holds `control` on success.
fn lockRendered(stream: *Stream) StateError!void {
    switch (stream.options.source) {
        .render, .mapped => return engine.lockOpen(stream),
        .queue, .tone, .clip, .silence, .mix => return error.InvalidState,
    }
}

/// Frames to render, in one piece and at most `frames`; null: there is no room.
pub fn begin(stream: *Stream, frames: u32) StateError!?struct { Span, abi.RenderBlock } {
    try lockRendered(stream);
    defer stream.control.unlock();
    if (frames == 0) return error.InvalidArgument;
    if (stream.draining.load(.seq_cst)) return null;
    const begun = switch (stream.source) {
        .queue => |*queue| queue.begin(frames),
        .ring => |*ring| ring.begin(frames),
        .tone, .clip, .silence, .mix => unreachable,
    };
    const span = begun orelse {
        // The owner may have found the ring in use by this call.
        feed(stream);
        return null;
    };
    if (span.frames < zero_copy.unitFrames(stream)) {
        finish(stream, 0);
        feed(stream);
        return null;
    }
    stream.begun_frames = span.frames;
    return .{ span, .{
        .offset_frames = @floatFromInt(span.offset_frames),
        .position_frames = @floatFromInt(span.position),
        .heard_ms = heardMs(stream, span.position),
    } };
}

/// Under `control`: gives back what was begun and not committed, if there is anything.
pub fn abandonBlock(stream: *Stream) void {
    if (stream.begun_frames == 0) return;
    stream.begun_frames = 0;
    finish(stream, 0);
}

/// Takes the first frames of those begun; the rest is given back. Returns how many were taken: none
/// while a drain is going on.
pub fn commit(stream: *Stream, frames: u32) StateError!u32 {
    try lockRendered(stream);
    defer stream.control.unlock();
    if (stream.begun_frames == 0) return error.InvalidState;
    const unit = zero_copy.unitFrames(stream);
    if (frames > stream.begun_frames or frames % unit != 0) return error.InvalidArgument;
    stream.begun_frames = 0;
    const taken = if (stream.draining.load(.seq_cst)) 0 else frames;
    finish(stream, taken);
    feed(stream);
    return taken;
}

fn finish(stream: *Stream, frames: u32) void {
    switch (stream.source) {
        .queue => |*queue| queue.end(frames),
        .ring => |*ring| ring.end(frames),
        .tone, .clip, .silence, .mix => unreachable,
    }
}

fn heardMs(stream: *Stream, position: u64) f64 {
    const snapshot = stream.published.read();
    if (snapshot.state != .running) return -1;
    const before = position -| snapshot.frames_played -| snapshot.frames_dropped;
    const at_ns = snapshot.timestamp_ns + stream.nsOfFrames(before);
    return @as(f64, @floatFromInt(at_ns)) / std.time.ns_per_ms;
}

pub fn view(stream: *Stream) StateError!abi.View {
    try lockRendered(stream);
    defer stream.control.unlock();
    const mapping = &stream.mapping.?;
    mapping.show();
    return .{
        .address = @floatFromInt(@intFromPtr(mapping.bytes.ptr)),
        .byte_length = @floatFromInt(stream.source.capacity() * stream.frame_bytes),
    };
}

/// A view of the stream's memory exists no more.
pub fn unview(stream: *Stream) void {
    stream.control.lock();
    defer stream.control.unlock();
    if (stream.mapping) |*mapping| mapping.hide();
}
