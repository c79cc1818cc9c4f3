//! Realtime scheduling of the write threads: SCHED_FIFO, rate-monotonic, in a small range, on
//! chosen CPUs.

const std = @import("std");
const linux = std.os.linux;

/// What an opener asks for.
pub const Wanted = struct {
    priority: union(enum) { auto, off, fixed: u7 } = .auto,
    /// What `auto` chooses from.
    range: Range = .{},
    cpus: Cpus = any_cpu,
    /// Microseconds that a CPU may take to wake up while the stream runs; null asks for nothing.
    cpu_dma_latency_us: ?u31 = null,
};

/// One bit a CPU.
pub const Cpus = u128;
pub const any_cpu: Cpus = 0;

/// 1 to 3 leave 4 and above to threads that run for a shorter time than ours, the kernel's own
/// among them.
pub const Range = struct { lowest: u7 = 1, highest: u7 = 3 };

pub const priority_max = 99;

/// The highest up to 5 ms, one less for each four times of that.
pub fn priorityOf(period_ns: u64, range: Range) u7 {
    var priority = range.highest;
    var limit_ns: u64 = 5 * std.time.ns_per_ms;
    while (period_ns > limit_ns and priority > range.lowest) : (limit_ns *|= 4) priority -= 1;
    return priority;
}

/// Promotes the calling thread; children of the process do not inherit it. False where the system
/// refuses.
pub fn promote(priority: u7) bool {
    const fifo_reset_on_fork = 1 | 0x4000_0000;
    const parameter: extern struct { priority: c_int } = .{ .priority = priority };
    const result = linux.syscall3(
        .sched_setscheduler,
        0,
        fifo_reset_on_fork,
        @intFromPtr(&parameter),
    );
    return linux.errno(result) == .SUCCESS;
}

/// What stands in the way, for a denial's advice.
pub const Obstacles = struct {
    /// Null is no limit.
    rtprio: ?u64,
    memlock_bytes: ?u64,
    /// RealtimeKit could promote threads, but only over D-Bus, which the engine does not speak.
    has_rtkit: bool,

    pub fn find() Obstacles {
        const service = "/usr/share/dbus-1/system-services/org.freedesktop.RealtimeKit1.service";
        return .{
            .rtprio = limitOf(.RTPRIO),
            .memlock_bytes = limitOf(.MEMLOCK),
            .has_rtkit = linux.errno(linux.access(service, linux.F_OK)) == .SUCCESS,
        };
    }

    fn limitOf(resource: linux.rlimit_resource) ?u64 {
        var limit: linux.rlimit = undefined;
        if (linux.errno(linux.prlimit(0, resource, null, &limit)) != .SUCCESS) return null;
        return if (limit.cur == linux.RLIM.INFINITY) null else limit.cur;
    }
};

/// Keeps the calling thread on these CPUs. False where none of them may be used.
pub fn pin(cpus: Cpus) bool {
    const result = linux.syscall3(.sched_setaffinity, 0, @sizeOf(Cpus), @intFromPtr(&cpus));
    return linux.errno(result) == .SUCCESS;
}

/// What libasound and the engine need on a realtime thread, with much to spare.
const stack_bytes = 96 * 1024;

/// Makes the stack below the caller present, and locks it where the limit allows that. Unlocked
/// before the thread ends: the C library keeps stacks for later threads.
pub noinline fn lockStack() Stack {
    var bytes: [stack_bytes]u8 align(std.heap.page_size_min) = undefined;
    const present: *volatile [stack_bytes]u8 = &bytes;
    var offset: usize = 0;
    while (offset < stack_bytes) : (offset += std.heap.page_size_min) present[offset] = 0;
    // Over RLIMIT_MEMLOCK this fails; the pages are present all the same.
    _ = linux.mlock(&bytes, bytes.len);
    return .{ .address = @intFromPtr(&bytes) };
}

pub const Stack = struct {
    address: usize,

    pub fn unlock(self: Stack) void {
        _ = linux.munlock(@ptrFromInt(self.address), stack_bytes);
    }
};

test "a shorter period never has a lower priority, and every one is in the range" {
    const one: Range = .{ .lowest = 7, .highest = 7 };
    const ranges = [_]Range{ .{}, .{ .lowest = 10, .highest = 20 }, one };
    for (ranges) |range| {
        var last = range.highest;
        for ([_]u64{ 1, 5, 6, 20, 21, 100, 1000, 100_000 }) |ms| {
            const priority = priorityOf(ms * std.time.ns_per_ms, range);
            try std.testing.expect(priority >= range.lowest and priority <= last);
            last = priority;
        }
    }
    const ms = std.time.ns_per_ms;
    try std.testing.expectEqual(3, priorityOf(5 * ms, .{}));
    try std.testing.expectEqual(2, priorityOf(20 * ms, .{}));
    try std.testing.expectEqual(1, priorityOf(21 * ms, .{}));
}
