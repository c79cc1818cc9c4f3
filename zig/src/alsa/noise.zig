//! What libasound would print on stderr, kept per thread so that it becomes part of the error.

const std = @import("std");
const alsa = @import("libasound.zig");

threadlocal var buffer: [256]u8 = undefined;
threadlocal var length: usize = 0;

extern "c" fn vsnprintf(to: [*]u8, size: usize, format: [*:0]const u8, args: *anyopaque) c_int;

/// From here on this thread's messages are kept, the first one that fits first.
pub fn capture(asound: *const alsa.Libasound) void {
    length = 0;
    _ = asound.snd_lib_error_set_local(&keep);
}

/// The messages since `capture`, joined by "; ".
pub fn text() []const u8 {
    return buffer[0..length];
}

fn keep(
    _: [*:0]const u8,
    _: c_int,
    _: [*:0]const u8,
    _: c_int,
    format: [*:0]const u8,
    args: *anyopaque,
) callconv(.c) void {
    const separator = if (length == 0) "" else "; ";
    if (buffer.len - length <= separator.len + 1) return;
    const rest = buffer[length + separator.len ..];
    const wanted = vsnprintf(rest.ptr, rest.len, format, args);
    if (wanted <= 0) return;
    @memcpy(buffer[length..][0..separator.len], separator);
    length += separator.len + @min(@as(usize, @intCast(wanted)), rest.len - 1);
}
