//! Exports about realms: the doorbell of a JavaScript realm.

const std = @import("std");
const border = @import("border.zig");
const engine = @import("../engine.zig");
const handles = @import("../handles.zig");
const owner_watch = @import("../owner_watch.zig");
const Realm = @import("../realm.zig").Realm;
const code = border.code;

/// Every call from JavaScript says that the realm lives.
pub fn pin(handle: u32) ?*Realm {
    const realm = handles.pin(Realm, handle) orelse return null;
    realm.touch();
    return realm;
}

pub const functions = struct {
    pub fn realm_open() callconv(.c) i32 {
        const handle = engine.openRealm() catch |err| return switch (err) {
            error.OutOfMemory => code(.out_of_memory),
            error.TooManyHandles => code(.too_many_handles),
        };
        return @intCast(handle);
    }

    /// Milliseconds within which a realm calls something, or is taken for dead after a while; 0: it
    /// need not.
    pub fn realm_silence_ms() callconv(.c) i32 {
        return @intCast(owner_watch.intervalMs());
    }

    pub fn realm_wait(handle: u32, timeout_ms: u32) callconv(.c) i32 {
        const realm = pin(handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        const rung = realm.wait(timeout_ms) catch return code(.invalid_state);
        return @intFromBool(rung);
    }

    pub fn realm_ring(handle: u32) callconv(.c) i32 {
        const realm = pin(handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        realm.ring();
        return 0;
    }

    pub fn realm_pipe_open(handle: u32) callconv(.c) i32 {
        const realm = pin(handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        return realm.openPipe() catch code(.invalid_state);
    }

    pub fn realm_pipe_shut(handle: u32) callconv(.c) i32 {
        const realm = pin(handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        realm.shutPipe();
        return 0;
    }

    pub fn realm_pipe_close(handle: u32) callconv(.c) i32 {
        const realm = pin(handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        realm.closePipe();
        return 0;
    }

    pub fn realm_events(handle: u32, out: ?[*]u8, capacity_pairs: u32) callconv(.c) i32 {
        const realm = pin(handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        const bytes = out orelse return code(.invalid_argument);
        const allowed = capacity_pairs > 0 and capacity_pairs <= handles.capacity;
        if (!allowed) return code(.invalid_argument);
        if (@intFromPtr(bytes) % @alignOf(u32) != 0) return code(.invalid_argument);
        const pairs: [*][2]u32 = @ptrCast(@alignCast(bytes));
        return @intCast(realm.fetch(pairs[0..capacity_pairs]));
    }

    pub fn realm_close(handle: u32) callconv(.c) i32 {
        const realm = pin(handle) orelse return code(.invalid_handle);
        if (!engine.releaseRealm(handle, realm)) {
            handles.unpin(handle);
            return code(.invalid_state);
        }
        engine.janitor.awaitLeave();
        return 0;
    }
};
