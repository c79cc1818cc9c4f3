//! What the kernel knows about how a thread got to run: after an xrun the difference of two samples
//! is evidence.

const std = @import("std");
const linux = std.os.linux;

pub const Usage = struct {
    /// Time in which it could have run and waited for a CPU; null where the kernel does not tell.
    run_queue_ns: ?u64 = null,
    involuntary_switches: u32 = 0,
    minor_faults: u32 = 0,
    major_faults: u32 = 0,

    /// What was used since `before`.
    pub fn since(self: Usage, before: Usage) Usage {
        return .{
            .run_queue_ns = if (self.run_queue_ns) |now_ns|
                now_ns -| (before.run_queue_ns orelse return self)
            else
                null,
            .involuntary_switches = self.involuntary_switches -| before.involuntary_switches,
            .minor_faults = self.minor_faults -| before.minor_faults,
            .major_faults = self.major_faults -| before.major_faults,
        };
    }
};

/// Reads the usage of the thread that opened it.
pub const Meter = struct {
    /// Of /proc/thread-self/schedstat, or null where there is none.
    schedstat: ?i32 = null,

    pub fn open() Meter {
        const result = linux.open("/proc/thread-self/schedstat", .{ .CLOEXEC = true }, 0);
        if (linux.errno(result) != .SUCCESS) return .{};
        return .{ .schedstat = @intCast(result) };
    }

    pub fn close(self: *Meter) void {
        if (self.schedstat) |descriptor| _ = linux.close(descriptor);
        self.* = undefined;
    }

    pub fn read(self: *const Meter) Usage {
        var resources: linux.rusage = undefined;
        const thread = 1;
        _ = linux.getrusage(thread, &resources);
        return .{
            .run_queue_ns = self.runQueueNs(),
            .involuntary_switches = std.math.lossyCast(u32, resources.nivcsw),
            .minor_faults = std.math.lossyCast(u32, resources.minflt),
            .major_faults = std.math.lossyCast(u32, resources.majflt),
        };
    }

    /// The second of three numbers: time on a CPU, time waiting for one, turns.
    fn runQueueNs(self: *const Meter) ?u64 {
        const descriptor = self.schedstat orelse return null;
        var buffer: [64]u8 = undefined;
        const length = linux.pread(descriptor, &buffer, buffer.len, 0);
        if (linux.errno(length) != .SUCCESS) return null;
        var numbers = std.mem.tokenizeScalar(u8, buffer[0..length], ' ');
        _ = numbers.next();
        return std.fmt.parseInt(u64, numbers.next() orelse return null, 10) catch null;
    }
};

/// Time on a CPU of the thread that asks, until now; schedstat is not brought up to date while its
/// thread runs.
pub fn cpuNs() u64 {
    var time: linux.timespec = undefined;
    _ = linux.clock_gettime(.THREAD_CPUTIME_ID, &time);
    return @as(u64, @intCast(time.sec)) * std.time.ns_per_s + @as(u64, @intCast(time.nsec));
}

test "a thread that works has used a CPU" {
    const before_ns = cpuNs();
    var sum: u64 = 0;
    for (0..1_000_000) |number| {
        sum +%= number * number;
        std.mem.doNotOptimizeAway(&sum);
    }
    try std.testing.expect(cpuNs() > before_ns);
}

test "a thread that touches new memory has page faults" {
    var meter: Meter = .open();
    defer meter.close();
    const before = meter.read();
    const bytes = try std.heap.page_allocator.alloc(u8, 64 * std.heap.page_size_min);
    defer std.heap.page_allocator.free(bytes);
    @memset(bytes, 1);
    try std.testing.expect(meter.read().since(before).minor_faults > 0);
}
