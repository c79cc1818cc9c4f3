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
    /// Rung after each step.
    stepped: sync.Signal = .{},

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

    /// Returns when a step that began after the call has ended: by then the thread has looked at
    /// all that was in its inbox. Not for that thread itself.
    pub fn awaitStep(self: *GroupThread) void {
        const before = self.stepped.seen();
        while (true) {
            const ticket = self.stepped.seen();
            // The first to end may have begun before.
            if (ticket -% before >= 2) return;
            self.group.signal.ring();
            self.stepped.wait(ticket, null);
        }
    }

    pub fn cpuNs(_: *RateGroup) u64 {
        return usage.cpuNs();
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
            self.stepped.ring();
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

const TestDriver = struct {
    var begun: sync.Signal = .{};
    var permitted: sync.Signal = .{};

    const driver: @import("rate_group.zig").Driver = .{
        .handOver = undefined,
        .cpuNs = &begin,
        .measure = &measure,
    };

    /// Called at the begin of each step; waits until it is permitted to go on.
    fn begin(_: *RateGroup) u64 {
        begun.ring();
        const number = begun.seen();
        awaitCount(&permitted, number);
        return 0;
    }

    fn measure(_: *RateGroup) usage.Usage {
        return .{};
    }

    fn awaitCount(signal: *sync.Signal, count: u32) void {
        while (true) {
            const ticket = signal.seen();
            if (ticket >= count) return;
            signal.wait(ticket, null);
        }
    }

    fn waitForStep(thread: *GroupThread, has_returned: *std.atomic.Value(bool)) void {
        thread.awaitStep();
        has_returned.store(true, .release);
    }
};

test "waiting for a step is waiting for one that begins later, not for the one that goes on" {
    var thread: GroupThread = .{
        .group = try .init(1, &TestDriver.driver),
        .priority = 0,
        .cpus = realtime.any_cpu,
        .asound = try alsa.load(),
    };
    defer thread.group.deinit();
    try thread.start();
    TestDriver.awaitCount(&TestDriver.begun, 1);
    var has_returned: std.atomic.Value(bool) = .init(false);
    const waiter = try std.Thread.spawn(.{}, TestDriver.waitForStep, .{ &thread, &has_returned });
    while (thread.stepped.sleepers.load(.acquire) == 0) std.Thread.yield() catch {};
    TestDriver.permitted.ring();
    TestDriver.awaitCount(&TestDriver.begun, 2);
    // It was rung awake, and sleeps again.
    while (thread.stepped.sleepers.load(.acquire) == 0 and !has_returned.load(.acquire)) {
        std.Thread.yield() catch {};
    }
    try std.testing.expect(!has_returned.load(.acquire));
    for (0..8) |_| TestDriver.permitted.ring();
    waiter.join();
    thread.stop();
}
