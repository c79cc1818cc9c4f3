//! What the kernel knows about how a thread got to run. The realtime thread takes a sample at each
//! wake-up, about a microsecond of two system calls, and after an xrun the difference is evidence.

const std = @import("std");
const linux = std.os.linux;

pub const Usage = struct {
    /// Time on a CPU.
    cpu_ns: u64 = 0,
    /// Time in which it could have run and waited for a CPU; null where the kernel does not tell.
    run_queue_ns: ?u64 = null,
    involuntary_switches: u64 = 0,
    minor_faults: u64 = 0,
    major_faults: u64 = 0,

    /// What was used since `before`.
    pub fn since(self: Usage, before: Usage) Usage {
        return .{
            .cpu_ns = self.cpu_ns -| before.cpu_ns,
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
            .cpu_ns = cpuNs(),
            .run_queue_ns = self.runQueueNs(),
            .involuntary_switches = @intCast(resources.nivcsw),
            .minor_faults = @intCast(resources.minflt),
            .major_faults = @intCast(resources.majflt),
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

/// schedstat is not brought up to date while its thread runs; this clock is.
fn cpuNs() u64 {
    var time: linux.timespec = undefined;
    _ = linux.clock_gettime(.THREAD_CPUTIME_ID, &time);
    return @as(u64, @intCast(time.sec)) * std.time.ns_per_s + @as(u64, @intCast(time.nsec));
}

test "a thread that works has used a CPU" {
    var meter: Meter = .open();
    defer meter.close();
    const before = meter.read();
    var sum: u64 = 0;
    for (0..1_000_000) |number| {
        sum +%= number * number;
        std.mem.doNotOptimizeAway(&sum);
    }
    const used = meter.read().since(before);
    try std.testing.expect(used.cpu_ns > 0);
}
