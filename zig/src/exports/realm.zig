//! Exports about realms: the doorbell of a JavaScript realm.

const std = @import("std");
const border = @import("border.zig");
const engine = @import("../engine.zig");
const handles = @import("../handles.zig");
const Realm = @import("../realm.zig").Realm;
const code = border.code;

/// Realms that are open, for leak checks.
pub var open_count: std.atomic.Value(u32) = .init(0);

pub const functions = struct {
    pub fn realm_open() callconv(.c) i32 {
        const realm = engine.allocator.create(Realm) catch return code(.out_of_memory);
        realm.* = .{};
        const handle = handles.add(Realm, realm) catch {
            engine.allocator.destroy(realm);
            return code(.too_many_handles);
        };
        _ = open_count.fetchAdd(1, .monotonic);
        return @intCast(handle);
    }

    pub fn realm_wait(handle: u32, timeout_ms: u32) callconv(.c) i32 {
        const realm = handles.pin(Realm, handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        const rung = realm.wait(timeout_ms) catch return code(.invalid_state);
        return @intFromBool(rung);
    }

    pub fn realm_ring(handle: u32) callconv(.c) i32 {
        const realm = handles.pin(Realm, handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        realm.ring();
        return 0;
    }

    pub fn realm_pipe_open(handle: u32) callconv(.c) i32 {
        const realm = handles.pin(Realm, handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        return realm.openPipe() catch code(.invalid_state);
    }

    pub fn realm_pipe_shut(handle: u32) callconv(.c) i32 {
        const realm = handles.pin(Realm, handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        realm.shutPipe();
        return 0;
    }

    pub fn realm_pipe_close(handle: u32) callconv(.c) i32 {
        const realm = handles.pin(Realm, handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        realm.closePipe();
        return 0;
    }

    pub fn realm_events(handle: u32, out: ?[*]u8, capacity_pairs: u32) callconv(.c) i32 {
        const realm = handles.pin(Realm, handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        const bytes = out orelse return code(.invalid_argument);
        const allowed = capacity_pairs > 0 and capacity_pairs <= handles.capacity;
        if (!allowed) return code(.invalid_argument);
        if (@intFromPtr(bytes) % @alignOf(u32) != 0) return code(.invalid_argument);
        const pairs: [*][2]u32 = @ptrCast(@alignCast(bytes));
        return @intCast(realm.fetch(pairs[0..capacity_pairs]));
    }

    pub fn realm_close(handle: u32) callconv(.c) i32 {
        const realm = handles.pin(Realm, handle) orelse return code(.invalid_handle);
        const members = realm.stream_count.load(.monotonic) + realm.notice_count.load(.monotonic);
        if (members > 0 or realm.waiting.load(.acquire)) {
            handles.unpin(handle);
            return code(.invalid_state);
        }
        handles.remove(handle);
        realm.closePipe();
        engine.allocator.destroy(realm);
        _ = open_count.fetchSub(1, .monotonic);
        return 0;
    }
};
