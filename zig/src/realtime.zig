//! Realtime scheduling of the write threads: SCHED_FIFO, rate-monotonic, in a small range.

const std = @import("std");
const linux = std.os.linux;

/// What an opener asks for.
pub const Wanted = union(enum) { auto, off, priority: u7 };

pub const priority_max = 99;

/// The shorter the period, the higher the priority; 1 to 3 leave 4 and above to threads that run for
/// a shorter time than ours, the kernel's own among them.
pub fn priorityOf(period_ns: u64) u7 {
    if (period_ns <= 5 * std.time.ns_per_ms) return 3;
    if (period_ns <= 20 * std.time.ns_per_ms) return 2;
    return 1;
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

test "a shorter period never has a lower priority" {
    var last: u7 = priority_max;
    for ([_]u64{ 1, 5, 6, 20, 21, 1000 }) |ms| {
        const priority = priorityOf(ms * std.time.ns_per_ms);
        try std.testing.expect(priority >= 1 and priority <= last);
        last = priority;
    }
}
