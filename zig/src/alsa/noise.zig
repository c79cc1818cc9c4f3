//! What libasound would print on stderr, kept per thread so that it becomes part of the error. The
//! first message is the cause; those behind it only say who passed it on.

const std = @import("std");
const alsa = @import("libasound.zig");

threadlocal var buffer: [256]u8 = undefined;
threadlocal var length: usize = 0;

extern "c" fn vsnprintf(to: [*]u8, size: usize, format: [*:0]const u8, args: *anyopaque) c_int;

/// From here on this thread's messages are kept.
pub fn capture(asound: *const alsa.Libasound) void {
    length = 0;
    _ = asound.snd_lib_error_set_local(&keep);
}

/// The first message since `capture`.
pub fn text() []const u8 {
    return std.mem.trimEnd(u8, buffer[0..length], "\n");
}

fn keep(
    _: [*:0]const u8,
    _: c_int,
    _: [*:0]const u8,
    _: c_int,
    format: [*:0]const u8,
    args: *anyopaque,
) callconv(.c) void {
    if (length > 0) return;
    const wanted = vsnprintf(&buffer, buffer.len, format, args);
    if (wanted > 0) length = @min(@as(usize, @intCast(wanted)), buffer.len - 1);
}
