//! The shared library: exports the functions of the ABI, and the entry for ALSA's own plug-in
//! loader.

const std = @import("std");
const exports = @import("exports.zig");

comptime {
    for (exports.parts) |functions| {
        for (@typeInfo(functions).@"struct".decls) |declaration| {
            const name = "halflap_" ++ declaration.name;
            @export(&@field(functions, declaration.name), .{ .name = name });
        }
    }
    _ = @import("card/plugin.zig");
}

/// A broken assertion ends the process with one line; there is no state worth going on with.
pub const panic = std.debug.FullPanic(struct {
    fn panic(message: []const u8, _: ?usize) noreturn {
        const prefix = "halflap: internal error: ";
        _ = std.os.linux.write(2, prefix, prefix.len);
        _ = std.os.linux.write(2, message.ptr, message.len);
        _ = std.os.linux.write(2, "\n", 1);
        std.process.abort();
    }
}.panic);

test {
    std.testing.refAllDecls(@This());
    _ = exports;
    _ = @import("alsa/channel_map.zig");
    _ = @import("block.zig");
    _ = @import("card/pcm_test.zig");
    _ = @import("clip.zig");
    _ = @import("clock.zig");
    _ = @import("command.zig");
    _ = @import("deadline_queue.zig");
    _ = @import("device_clock.zig");
    _ = @import("devices/holders.zig");
    _ = @import("devices/watch.zig");
    _ = @import("diagnosis.zig");
    _ = @import("gain.zig");
    _ = @import("group_thread.zig");
    _ = @import("handles.zig");
    _ = @import("histogram.zig");
    _ = @import("input_set.zig");
    _ = @import("mapping.zig");
    _ = @import("owner_watch.zig");
    _ = @import("phantom_room.zig");
    _ = @import("pool.zig");
    _ = @import("queue.zig");
    _ = @import("realtime.zig");
    _ = @import("record.zig");
    _ = @import("ring.zig");
    _ = @import("sample.zig");
    _ = @import("sum.zig");
    _ = @import("telemetry.zig");
    _ = @import("tone.zig");
    _ = @import("usage.zig");
    _ = @import("wake_times.zig");
    _ = @import("watchdog.zig");
}
