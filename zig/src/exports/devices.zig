//! Exports about devices: queries and watches.

const std = @import("std");
const abi = @import("../abi.zig");
const border = @import("border.zig");
const handles = @import("../handles.zig");
const realm_exports = @import("realm.zig");
const record = @import("../record.zig");
const query_module = @import("../devices/query.zig");
const watch_module = @import("../devices/watch.zig");
const Answer = @import("../devices/answer.zig").Answer;
const Query = query_module.Query;
const Question = query_module.Question;
const Realm = @import("../realm.zig").Realm;
const Watch = watch_module.Watch;
const code = border.code;
const copyText = border.copyText;
const done = border.done;
const refuse = border.refuse;
const slice = border.slice;

pub const functions = struct {
    /// All devices; the event `answered` follows.
    pub fn query_devices(realm_handle: u32, configuration: u32, probe: u32) callconv(.c) i32 {
        const realm = realm_exports.pin(realm_handle) orelse return code(.invalid_handle);
        defer handles.unpin(realm_handle);
        if (configuration > 1 or probe > 1) return code(.invalid_argument);
        return ask(realm, .{ .list = .{
            .configuration = configuration == 1,
            .probe = probe == 1,
        } });
    }

    /// What one PCM can do; the event `answered` follows.
    pub fn query_capabilities(
        realm_handle: u32,
        direction: u32,
        device: ?[*]const u8,
        device_bytes: u32,
    ) callconv(.c) i32 {
        const realm = realm_exports.pin(realm_handle) orelse return code(.invalid_handle);
        defer handles.unpin(realm_handle);
        const way = record.enumeration(abi.Direction, @floatFromInt(direction)) catch
            return code(.invalid_argument);
        var pcm: Question.Pcm = .{ .direction = switch (way) {
            .playback => .playback,
            .capture => .capture,
        } };
        const name = slice(device, device_bytes) orelse return code(.invalid_argument);
        if (name.len > pcm.name_buffer.len) return code(.invalid_argument);
        if (std.mem.indexOfScalar(u8, name, 0) != null) return code(.invalid_argument);
        @memcpy(pcm.name_buffer[0..name.len], name);
        return ask(realm, .{ .pcm = pcm });
    }

    pub fn query_status(handle: u32, out: ?[*]u8, length: u32) callconv(.c) i32 {
        const query = handles.pin(Query, handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        if (!query.isAnswered()) return code(.invalid_state);
        return done(record.write(abi.QueryStatus, out, length, .{
            .result = @floatFromInt(@intFromEnum(query.failure.code)),
            .errno = @floatFromInt(query.failure.errno),
            .count = @floatFromInt(query.answers.items.len),
        }));
    }

    pub fn query_answer(handle: u32, index: u32, out: ?[*]u8, length: u32) callconv(.c) i32 {
        const query = handles.pin(Query, handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        const answer = answerOf(query, index) orelse return code(.invalid_state);
        return done(record.write(abi.Device, out, length, answer.device));
    }

    pub fn query_answer_capabilities(
        handle: u32,
        index: u32,
        out: ?[*]u8,
        length: u32,
    ) callconv(.c) i32 {
        const query = handles.pin(Query, handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        const answer = answerOf(query, index) orelse return code(.invalid_state);
        if (answer.device.probed != 1) return code(.invalid_state);
        return done(record.write(abi.Capabilities, out, length, answer.capabilities));
    }

    pub fn query_text(
        handle: u32,
        index: u32,
        which: u32,
        out: ?[*]u8,
        byte_length: u32,
    ) callconv(.c) i32 {
        const query = handles.pin(Query, handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        if (!query.isAnswered()) return code(.invalid_state);
        const text = record.enumeration(abi.QueryText, @floatFromInt(which)) catch
            return code(.invalid_argument);
        if (answerOf(query, index)) |answer| {
            return copyText(answer.texts.get(text), out, byte_length);
        }
        return copyText(switch (text) {
            .failure => query.failure.text(),
            .call => query.failure.call,
            else => return code(.invalid_state),
        }, out, byte_length);
    }

    /// At any time; where there is no answer yet, there will be none.
    pub fn query_close(handle: u32) callconv(.c) i32 {
        const query = handles.pin(Query, handle) orelse return code(.invalid_handle);
        if (query.close()) return 0;
        handles.unpin(handle);
        return code(.invalid_handle);
    }

    /// From here on the event `changed` says that hardware may have come or gone.
    pub fn watch_open(realm_handle: u32) callconv(.c) i32 {
        const realm = realm_exports.pin(realm_handle) orelse return code(.invalid_handle);
        defer handles.unpin(realm_handle);
        const handle = Watch.open(realm, .{}) catch |err| return switch (err) {
            error.OutOfMemory => refuse(.out_of_memory, "Not enough memory for a watch", .{}),
            error.TooManyHandles => tooManyHandles(),
            error.ThreadUnavailable => refuse(.thread, "Cannot start a thread", .{}),
            error.Retired => code(.invalid_handle),
            error.Refused => refuse(.io, "Cannot watch \"/dev/snd\"", .{}),
        };
        return @intCast(handle);
    }

    pub fn watch_close(handle: u32) callconv(.c) i32 {
        const watch = handles.pin(Watch, handle) orelse return code(.invalid_handle);
        if (watch.close()) return 0;
        handles.unpin(handle);
        return code(.invalid_handle);
    }
};

fn ask(realm: *Realm, question: Question) i32 {
    const handle = Query.open(realm, question) catch |err| return switch (err) {
        error.OutOfMemory => refuse(.out_of_memory, "Not enough memory for a query", .{}),
        error.TooManyHandles => tooManyHandles(),
        error.ThreadUnavailable => refuse(.thread, "Cannot start a thread", .{}),
        error.Retired => code(.invalid_handle),
    };
    return @intCast(handle);
}

fn tooManyHandles() i32 {
    return refuse(.too_many_handles, "All {d} handles are in use", .{handles.capacity});
}

fn answerOf(query: *Query, index: u32) ?*const Answer {
    if (!query.isAnswered() or index >= query.answers.items.len) return null;
    return &query.answers.items[index];
}
