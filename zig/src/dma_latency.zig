//! A request to the kernel that CPUs wake up fast enough: /dev/cpu_dma_latency, which keeps them
//! out of deep sleep while a value is written to it. Deep sleep costs some machines a millisecond.

const std = @import("std");
const linux = std.os.linux;

pub const DmaLatency = struct {
    descriptor: ?i32 = null,
    wanted_us: i32 = nothing_us,
    asked: bool = false,

    const nothing_us = std.math.maxInt(i32);

    /// Asks for nothing yet. Without `descriptor` where the device cannot be opened.
    pub fn open(wanted_us: u31) DmaLatency {
        const result = linux.open(
            "/dev/cpu_dma_latency",
            .{ .ACCMODE = .WRONLY, .CLOEXEC = true },
            0,
        );
        if (linux.errno(result) != .SUCCESS) return .{};
        return .{ .descriptor = @intCast(result), .wanted_us = wanted_us };
    }

    pub fn close(self: *DmaLatency) void {
        if (self.descriptor) |descriptor| _ = linux.close(descriptor);
        self.* = .{};
    }

    /// A system call only when that changes. The realtime thread calls it when a stream starts or
    /// stops.
    pub fn ask(self: *DmaLatency, running: bool) void {
        const descriptor = self.descriptor orelse return;
        if (running == self.asked) return;
        self.asked = running;
        const value: i32 = if (running) self.wanted_us else nothing_us;
        _ = linux.write(descriptor, std.mem.asBytes(&value), @sizeOf(i32));
    }
};
