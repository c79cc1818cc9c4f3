//! The descriptor that clients of the card other than the engine poll: a timer on CLOCK_MONOTONIC,
//! made when somebody first asks for it, readable from the instant it is armed for.

const std = @import("std");
const linux = std.os.linux;

/// Descriptors open now, for leak checks.
pub var descriptor_count: std.atomic.Value(u32) = .init(0);

/// When the descriptor becomes readable.
pub const Wake = union(enum) {
    now,
    never,
    /// On CLOCK_MONOTONIC.
    at_ns: u64,
};

pub const PollTimer = struct {
    descriptor: ?i32 = null,

    pub fn open(self: *PollTimer) linux.E {
        if (self.descriptor != null) return .SUCCESS;
        const result = linux.timerfd_create(.MONOTONIC, .{ .CLOEXEC = true, .NONBLOCK = true });
        const errno = linux.errno(result);
        if (errno != .SUCCESS) return errno;
        self.descriptor = @intCast(result);
        _ = descriptor_count.fetchAdd(1, .monotonic);
        return .SUCCESS;
    }

    pub fn close(self: *PollTimer) void {
        const descriptor = self.descriptor orelse return;
        self.descriptor = null;
        _ = linux.close(descriptor);
        _ = descriptor_count.fetchSub(1, .monotonic);
    }

    /// Setting a timer also takes back an expiration that nobody read, so nothing ever reads it.
    pub fn arm(self: *const PollTimer, wake: Wake) void {
        const descriptor = self.descriptor orelse return;
        const at_ns = switch (wake) {
            .never => 0,
            // Long past; 0 would disarm.
            .now => 1,
            .at_ns => |ns| @max(ns, 1),
        };
        const timer: linux.itimerspec = .{
            .it_interval = .{ .sec = 0, .nsec = 0 },
            .it_value = .{
                .sec = @intCast(at_ns / std.time.ns_per_s),
                .nsec = @intCast(at_ns % std.time.ns_per_s),
            },
        };
        const result = linux.timerfd_settime(descriptor, .{ .ABSTIME = true }, &timer, null);
        std.debug.assert(linux.errno(result) == .SUCCESS);
    }
};

const testing = std.testing;

test "the descriptor is readable now, never, or from an instant on" {
    const clock = @import("../clock.zig");
    const open_before = descriptor_count.load(.monotonic);
    var timer: PollTimer = .{};
    timer.arm(.now);
    try testing.expectEqual(.SUCCESS, timer.open());
    try testing.expectEqual(.SUCCESS, timer.open());
    try testing.expectEqual(open_before + 1, descriptor_count.load(.monotonic));

    timer.arm(.now);
    try testing.expect(readable(&timer, 0));
    timer.arm(.never);
    try testing.expect(!readable(&timer, 0));
    const at_ns = clock.monotonicNs() + 5 * std.time.ns_per_ms;
    timer.arm(.{ .at_ns = at_ns });
    try testing.expect(readable(&timer, -1));
    try testing.expect(clock.monotonicNs() >= at_ns);

    timer.close();
    try testing.expectEqual(open_before, descriptor_count.load(.monotonic));
}

fn readable(timer: *const PollTimer, timeout_ms: i32) bool {
    var descriptors = [_]linux.pollfd{
        .{ .fd = timer.descriptor.?, .events = linux.POLL.IN, .revents = 0 },
    };
    return linux.poll(&descriptors, 1, timeout_ms) == 1;
}
