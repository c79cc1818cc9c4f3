//! How a stream goes from one realm to another. Which realm is told of its events only the thread
//! that owns the stream changes, so that nobody rings a doorbell that is being taken down: the
//! control side asks for it, and the realm that is left hears of it by its last event.

const std = @import("std");
const linux = std.os.linux;
const abi = @import("abi.zig");
const engine = @import("engine.zig");
const handles = @import("handles.zig");
const producer = @import("producer.zig");
const stream_module = @import("stream.zig");
const Realm = @import("realm.zig").Realm;
const Request = stream_module.Request;
const StateError = engine.StateError;
const Stream = stream_module.Stream;

/// JavaScript counts exactly up to here.
pub const token_max = 1 << 53;

/// What a new owner is told in any case, to catch up.
const catch_up = bits(.opened) | bits(.state) | bits(.room) | bits(.completed) | bits(.xrun) |
    bits(.xrun_over);

fn bits(event: abi.Event) u32 {
    return @intFromEnum(event);
}

/// Begins to part with the realm; the event `detached` follows, and is its last one.
pub fn detach(stream: *Stream) StateError!void {
    try engine.lockOpen(stream);
    defer stream.control.unlock();
    if (stream.ownership.load(.acquire) != .owned) return error.InvalidState;
    producer.abandonBlock(stream);
    stream.wanted_room.store(stream_module.nobody, .seq_cst);
    stream.ownership.store(.leaving, .release);
    engine.post(stream, Request.detach);
}

/// Ends the former owner's share of a detached stream, and makes its handle stale. Returns the
/// token by which the next owner finds the stream, once.
pub fn offer(stream: *Stream, handover: abi.Handover) StateError!u64 {
    try engine.lockOpen(stream);
    defer stream.control.unlock();
    const former = stream.owner.load(.acquire) orelse return error.InvalidState;
    while (true) switch (stream.ownership.load(.acquire)) {
        .detached => break,
        // The thread that told the realm is about to leave it.
        .parting => std.Thread.yield() catch {},
        .owned, .leaving, .arriving => return error.InvalidState,
    };
    _ = former.take(stream);
    stream.handover = handover;
    stream.offered_looks = 0;
    stream.owner.store(null, .release);
    stream.handle.store(handles.renew(stream.handle.load(.acquire)), .release);
    const token = randomToken();
    stream.token.store(token, .release);
    former.disown();
    return token;
}

fn randomToken() u64 {
    while (true) {
        var random: u64 = 0;
        const read = linux.getrandom(std.mem.asBytes(&random), @sizeOf(u64), 0);
        if (read != @sizeOf(u64)) continue;
        random %= token_max;
        if (random != 0) return random;
    }
}

/// Makes the realm the owner of the stream that waits with this token; the event `opened` follows.
/// Returns the stream's new handle.
pub fn attach(realm: *Realm, token: u64) error{UnknownToken}!u32 {
    var streams: handles.Iterator(Stream) = .{};
    while (streams.next()) |entry| {
        defer handles.unpin(entry.handle);
        if (entry.object.token.load(.acquire) != token) continue;
        if (claim(entry.object, realm, token)) return entry.handle;
    }
    return error.UnknownToken;
}

fn claim(stream: *Stream, realm: *Realm, token: u64) bool {
    engine.lockOpen(stream) catch return false;
    defer stream.control.unlock();
    if (stream.token.load(.acquire) != token) return false;
    realm.adopt() catch return false;
    stream.token.store(0, .release);
    stream.owner.store(realm, .release);
    stream.arriving = realm;
    stream.ownership.store(.arriving, .release);
    engine.post(stream, Request.attach);
    return true;
}

/// Owner: the realm is about to be told its last event.
pub fn beginToLeave(stream: *Stream) void {
    stream.ownership.store(.parting, .release);
    stream.news |= bits(.detached);
}

/// Owner: the realm was told. It may be gone as soon as this is known.
pub fn leave(stream: *Stream) void {
    stream.realm = null;
    stream.ownership.store(.detached, .release);
}

/// Owner: a new realm is told of events, and of what there were in between.
pub fn arrive(stream: *Stream) void {
    stream.realm = stream.arriving.?;
    stream.ownership.store(.owned, .release);
    stream.news |= stream.held_events | catch_up;
    if (stream.state == .disconnected) stream.news |= bits(.failed);
    stream.held_events = 0;
}
