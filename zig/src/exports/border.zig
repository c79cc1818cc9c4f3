//! What every exported function needs at the border: results as codes, texts and records to the
//! caller's memory.

const std = @import("std");
const abi = @import("../abi.zig");
const engine = @import("../engine.zig");
const failure = @import("../failure.zig");
const record = @import("../record.zig");

pub fn code(value: abi.ErrorCode) i32 {
    return @intFromEnum(value);
}

pub fn codeOf(err: engine.StateError) i32 {
    return switch (err) {
        error.InvalidState => code(.invalid_state),
        error.InvalidArgument => code(.invalid_argument),
    };
}

pub fn done(result: record.Error!void) i32 {
    result catch return code(.invalid_argument);
    return 0;
}

/// Fails with a text for `error_text`.
pub fn refuse(value: abi.ErrorCode, comptime format: []const u8, arguments: anytype) i32 {
    failure.last.set(value, format, arguments);
    return code(value);
}

pub fn slice(bytes: ?[*]const u8, length: u32) ?[]const u8 {
    const start = bytes orelse return null;
    return if (length == 0) null else start[0..length];
}

pub fn copyText(text: []const u8, out: ?[*]u8, byte_length: u32) i32 {
    const to = out orelse return code(.invalid_argument);
    const length = @min(text.len, byte_length);
    @memcpy(to[0..length], text[0..length]);
    return @intCast(length);
}

pub fn load(value: *const std.atomic.Value(u32)) f64 {
    return @floatFromInt(value.load(.acquire));
}

pub fn toMs(ns: u64) f64 {
    return @as(f64, @floatFromInt(ns)) / std.time.ns_per_ms;
}

pub fn flag(value: bool) f64 {
    return if (value) 1 else 0;
}
