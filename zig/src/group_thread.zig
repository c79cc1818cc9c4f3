//! The thread that drives a rate group: step, sleep until the next deadline or a ring, again.

const std = @import("std");
const alsa = @import("alsa/libasound.zig");
const clock = @import("clock.zig");
const noise = @import("alsa/noise.zig");
const threads = @import("threads.zig");
const RateGroup = @import("rate_group.zig").RateGroup;

pub const GroupThread = struct {
    group: RateGroup,
    thread: std.Thread = undefined,
    stopping: std.atomic.Value(bool) = .init(false),
    asound: *const alsa.Libasound,

    pub fn start(self: *GroupThread) threads.Error!void {
        self.thread = try threads.spawn(run, .{self});
    }

    /// Returns when the thread has ended; the group must be empty.
    pub fn stop(self: *GroupThread) void {
        self.stopping.store(true, .release);
        self.group.signal.ring();
        self.thread.join();
    }

    fn run(self: *GroupThread) void {
        threads.enter("halflap-write");
        defer threads.leave();
        noise.capture(self.asound);
        while (true) {
            const ticket = self.group.signal.seen();
            if (self.stopping.load(.acquire)) return;
            const next_ns = self.group.step(clock.monotonicNs());
            if (next_ns == null or next_ns.? > clock.monotonicNs()) {
                self.group.signal.wait(ticket, next_ns);
            }
        }
    }
};
