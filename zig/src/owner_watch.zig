//! Looks after what a realm leaves behind that ends without closing, as a Worker does that is
//! terminated: a realm that gives no sign of life loses its streams, and then all it had. It is the
//! number of looks that counts and not the time: a process that was stopped is not blamed for it.

const std = @import("std");
const engine = @import("engine.zig");
const handles = @import("handles.zig");
const virtual_card = @import("virtual_card.zig");
const Query = @import("devices/query.zig").Query;
const Realm = @import("realm.zig").Realm;
const Stream = @import("stream.zig").Stream;
const VirtualCard = virtual_card.VirtualCard;
const Watch = @import("devices/watch.zig").Watch;

/// Looks in a row without a sign of life after which a realm loses its streams; after twice as
/// many, everything.
const looks_max = 6;

const timeout_variable = "HALFLAP_OWNER_TIMEOUT_MS";
const timeout_default_ms = 30_000;
const timeout_max_ms = std.math.maxInt(i32);

const unread = std.math.maxInt(u32);
/// 0: a realm may be silent for ever.
var timeout_ms: std.atomic.Value(u32) = .init(unread);

fn timeoutMs() u32 {
    const known = timeout_ms.load(.monotonic);
    if (known != unread) return known;
    const read = readTimeout();
    timeout_ms.store(read, .monotonic);
    return read;
}

fn readTimeout() u32 {
    const text = std.c.getenv(timeout_variable) orelse return timeout_default_ms;
    return parseTimeout(std.mem.span(text));
}

/// What makes no sense is as if nothing was said.
fn parseTimeout(text: []const u8) u32 {
    const ms = std.fmt.parseInt(u32, text, 10) catch return timeout_default_ms;
    return if (ms > timeout_max_ms) timeout_default_ms else ms;
}

/// Milliseconds from look to look, within which a realm has to say that it lives; 0: it need not.
pub fn intervalMs() u32 {
    return std.math.divCeil(u32, timeoutMs(), looks_max) catch unreachable;
}

/// One look at everything. One thread at a time.
pub fn look() void {
    hearWaits();
    var realms: handles.Iterator(Realm) = .{};
    while (realms.next()) |entry| {
        defer handles.unpin(entry.handle);
        const realm = entry.object;
        realm.silent_looks = if (realm.takeSign()) 0 else realm.silent_looks +| 1;
    }
    var streams: handles.Iterator(Stream) = .{};
    while (streams.next()) |entry| {
        if (!lookAtStream(entry.object)) handles.unpin(entry.handle);
    }
    closeNoticesOf(Query);
    closeNoticesOf(Watch);
    realms = .{};
    while (realms.next()) |entry| {
        const released = entry.object.silent_looks >= 2 * looks_max and
            engine.releaseRealm(entry.handle, entry.object);
        if (!released) handles.unpin(entry.handle);
    }
    var cards: handles.Iterator(VirtualCard) = .{};
    while (cards.next()) |entry| {
        const released = !handles.isLive(entry.object.owner) and
            virtual_card.release(entry.handle, entry.object);
        if (!released) handles.unpin(entry.handle);
    }
}

/// A thread in a blocking call of a stream says that its realm lives. Such calls are bounded.
fn hearWaits() void {
    var streams: handles.Iterator(Stream) = .{};
    while (streams.next()) |entry| {
        defer handles.unpin(entry.handle);
        const stream = entry.object;
        if (stream.room_waits.load(.acquire) == 0) continue;
        stream.control.lock();
        defer stream.control.unlock();
        if (stream.owner.load(.acquire)) |owner| owner.touch();
    }
}

/// What a realm that is to lose everything has asked about devices, or watches.
fn closeNoticesOf(comptime T: type) void {
    var all: handles.Iterator(T) = .{};
    while (all.next()) |entry| {
        const is_silent = entry.object.realm.silent_looks >= 2 * looks_max;
        if (!is_silent or !entry.object.close()) handles.unpin(entry.handle);
    }
}

/// True: the stream is no more, nor is its pin.
fn lookAtStream(stream: *Stream) bool {
    const looks = silentLooks(stream);
    if (looks >= looks_max) engine.abandonStream(stream);
    if (looks < 2 * looks_max) return false;
    return engine.freeStream(stream);
}

/// Of its owner; where it has none, how long it has been offered.
fn silentLooks(stream: *Stream) u32 {
    stream.control.lock();
    defer stream.control.unlock();
    if (stream.owner.load(.acquire)) |owner| return owner.silent_looks;
    stream.offered_looks +|= 1;
    return stream.offered_looks;
}

test "a time-out that makes no sense is the default one" {
    const expectEqual = std.testing.expectEqual;
    try expectEqual(250, parseTimeout("250"));
    try expectEqual(0, parseTimeout("0"));
    for ([_][]const u8{ "", "-1", "1.5", "1s", "4294967296", "4000000000" }) |text| {
        try expectEqual(timeout_default_ms, parseTimeout(text));
    }
}
