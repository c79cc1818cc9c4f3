//! The thread that drives a rate group: step, sleep until the next deadline or a ring, again.

const std = @import("std");
const alsa = @import("alsa/libasound.zig");
const clock = @import("clock.zig");
const noise = @import("alsa/noise.zig");
const realtime = @import("realtime.zig");
const sync = @import("sync.zig");
const threads = @import("threads.zig");
const RateGroup = @import("rate_group.zig").RateGroup;

pub const GroupThread = struct {
    group: RateGroup,
    thread: std.Thread = undefined,
    stopping: std.atomic.Value(bool) = .init(false),
    /// Of SCHED_FIFO; 0 asks for none.
    priority: u7,
    promotion: std.atomic.Value(Promotion) = .init(.pending),
    promoted: sync.Signal = .{},
    asound: *const alsa.Libasound,

    pub const Promotion = enum(u8) { pending, granted, refused };

    /// Returns when the thread knows how it is scheduled.
    pub fn start(self: *GroupThread) threads.Error!void {
        self.thread = try threads.spawn(run, .{self});
        while (true) {
            const ticket = self.promoted.seen();
            if (self.promotion.load(.acquire) != .pending) return;
            self.promoted.wait(ticket, null);
        }
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
        const granted = self.priority > 0 and realtime.promote(self.priority);
        self.promotion.store(if (granted) .granted else .refused, .release);
        self.promoted.ring();
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
