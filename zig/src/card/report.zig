//! Messages of the virtual card through libasound's error handler: on standard error for ordinary
//! clients, in the text of the error for the engine.

const std = @import("std");
const alsa = @import("../alsa/libasound.zig");

pub fn report(
    asound: *const alsa.Libasound,
    comptime format: []const u8,
    arguments: anytype,
) void {
    var buffer: [512]u8 = undefined;
    var writer: std.Io.Writer = .fixed(buffer[0 .. buffer.len - 1]);
    // A text that does not fit is cut.
    writer.print(format, arguments) catch {};
    buffer[writer.end] = 0;
    const text: [*:0]const u8 = buffer[0..writer.end :0].ptr;
    asound.snd_lib_error.*("halflap", 0, "virtual card", 0, "%s", text);
}
