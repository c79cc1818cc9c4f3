//! The thread that drives a rate group: step, sleep until the next deadline or a ring, again.

const std = @import("std");
const alsa = @import("alsa/libasound.zig");
const clock = @import("clock.zig");
const noise = @import("alsa/noise.zig");
const realtime = @import("realtime.zig");
const sync = @import("sync.zig");
const threads = @import("threads.zig");
const usage = @import("usage.zig");
const RateGroup = @import("rate_group.zig").RateGroup;

pub const GroupThread = struct {
    group: RateGroup,
    thread: std.Thread = undefined,
    stopping: std.atomic.Value(bool) = .init(false),
    /// Of SCHED_FIFO; 0 asks for none.
    priority: u7,
    cpus: realtime.Cpus,
    asound: *const alsa.Libasound,
    meter: usage.Meter = .{},
    /// Set before `scheduled` is.
    promoted: bool = false,
    pinned: bool = false,
    scheduled: std.atomic.Value(bool) = .init(false),
    ready: sync.Signal = .{},

    /// Returns when the thread knows how it is scheduled.
    pub fn start(self: *GroupThread) threads.Error!void {
        self.thread = try threads.spawn(run, .{self});
        while (true) {
            const ticket = self.ready.seen();
            if (self.scheduled.load(.acquire)) return;
            self.ready.wait(ticket, null);
        }
    }

    /// Returns when the thread has ended; the group must be empty.
    pub fn stop(self: *GroupThread) void {
        self.stopping.store(true, .release);
        self.group.signal.ring();
        self.thread.join();
    }

    pub fn measure(group: *RateGroup) usage.Usage {
        const self: *GroupThread = @alignCast(@fieldParentPtr("group", group));
        return self.meter.read();
    }

    fn run(self: *GroupThread) void {
        threads.enter("halflap-write");
        defer threads.leave();
        const stack = realtime.lockStack();
        defer stack.unlock();
        self.setUp();
        defer self.meter.close();
        while (true) {
            const ticket = self.group.signal.seen();
            if (self.stopping.load(.acquire)) return;
            const next_ns = self.group.step(clock.monotonicNs());
            if (next_ns == null or next_ns.? > clock.monotonicNs()) {
                self.group.signal.wait(ticket, next_ns);
            }
        }
    }

    /// All that is not for the realtime loop.
    fn setUp(self: *GroupThread) void {
        noise.capture(self.asound);
        self.meter = .open();
        self.pinned = self.cpus != realtime.any_cpu and realtime.pin(self.cpus);
        self.promoted = self.priority > 0 and realtime.promote(self.priority);
        self.scheduled.store(true, .release);
        self.ready.ring();
    }
};
