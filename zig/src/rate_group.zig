//! Streams that share one realtime thread because they have the same period and the same trust
//! class. `step` is the whole of the scheduling: a thread drives it with the monotonic clock, a
//! simulation with its own.

const std = @import("std");
const assert = std.debug.assert;
const deadline_queue = @import("deadline_queue.zig");
const handles = @import("handles.zig");
const histogram = @import("histogram.zig");
const machine = @import("machine.zig");
const memory = @import("memory.zig");
const prefetch = @import("prefetch.zig");
const stream_module = @import("stream.zig");
const sync = @import("sync.zig");
const Histograms = histogram.Histograms;
const Job = stream_module.Job;
const Request = stream_module.Request;
const Stream = stream_module.Stream;
const Usage = @import("usage.zig").Usage;

/// What differs between a thread and a simulation.
pub const Driver = struct {
    /// Takes a stream that needs a job done; it comes back with `Request.returned`.
    handOver: *const fn (*RateGroup, *Stream) void,
    /// The driving thread's time on a CPU so far.
    cpuNs: *const fn (*RateGroup) u64,
    /// What else it has used so far.
    measure: *const fn (*RateGroup) Usage,
};

/// What the thread used is asked for when it has lost more time than this, and in one round of so
/// many: that takes two system calls, a tenth of all that a wake-up costs.
const lost_ns_max = 100 * std.time.ns_per_us;
const unasked_max = 8;

/// One wake-up of the driver, in which all streams that are due have their turns.
pub const Round = struct {
    began_ns: u64 = 0,
    /// When the round before ended.
    busy_until_ns: u64 = 0,
    /// Of that one's time, how much the thread was not on a CPU.
    busy_off_cpu_ns: u64 = 0,
    /// The thread's time on a CPU when this one began.
    cpu_ns: u64 = 0,
    /// What the thread had used when that was asked for last, and what before this round.
    usage: Usage = .{},
    usage_before: Usage = .{},
    /// Rounds since then.
    unasked: u32 = unasked_max,
    /// The first of the deadlines that it has given.
    next_ns: ?u64 = null,
};

/// What is measured at a wake-up.
pub const Quantity = enum {
    wake_lateness_ns,
    round_ns,

    pub fn range(_: Quantity) histogram.Range {
        return .duration;
    }
};

/// Every stream of the process could be in one group.
const Deadlines = deadline_queue.DeadlineQueue(Stream, handles.capacity);

pub const RateGroup = struct {
    /// Streams with a deadline.
    deadlines: Deadlines,
    /// Streams with requests.
    inbox: sync.Stack(Stream, "inbox_next") = .{},
    /// Rung when the inbox has something; a driver sleeps on it.
    signal: sync.Signal = .{},
    /// Of its streams; where a simulated card's differ, the shortest.
    period_ns: u64,
    driver: *const Driver,
    rounds: u64 = 0,
    round: Round = .{},
    measured: Histograms(Quantity) = .{},
    /// Read by any thread.
    wake_ups: std.atomic.Value(u64) = .init(0),
    dark_ns: std.atomic.Value(u64) = .init(0),

    /// Lateness up to this is a timer's, not dark time.
    const dark_ns_min = std.time.ns_per_ms;

    pub fn init(period_ns: u64, driver: *const Driver) memory.Error!RateGroup {
        assert(period_ns > 0);
        return .{
            .deadlines = .{ .storage = try memory.create(Deadlines.Storage) },
            .period_ns = period_ns,
            .driver = driver,
        };
    }

    pub fn deinit(self: *RateGroup) void {
        assert(self.deadlines.count == 0);
        assert(self.inbox.isEmpty());
        memory.destroy(Deadlines.Storage, self.deadlines.storage);
        self.* = undefined;
    }

    /// Makes the group look at the stream's requests. Any thread; never waits.
    pub fn post(self: *RateGroup, stream: *Stream) void {
        if (stream.in_inbox.swap(true, .acq_rel)) return;
        self.inbox.push(stream);
        self.signal.ring();
    }

    /// Serves the streams that have requests or are due, and says when to call again; null: only
    /// after a ring.
    pub fn step(self: *RateGroup, now_ns: u64) ?u64 {
        self.beginRound(now_ns);
        const by_deadline = if (self.deadlines.first()) |first_ns| first_ns <= now_ns else false;
        var ended_ns = now_ns;
        var node = self.inbox.takeAll();
        while (node) |stream| {
            node = stream.inbox_next;
            stream.in_inbox.store(false, .release);
            ended_ns = self.serve(stream, self.deadlines.deadlineOf(stream), ended_ns);
        }
        const near_ns = now_ns + self.nearNs();
        ended_ns = self.serveDue(.{ .at_ns = near_ns, .or_earlier_ns = near_ns }, ended_ns);
        // A round that a request asks for does not come instead of any that will be.
        if (by_deadline) {
            ended_ns = self.serveDue(.{ .at_ns = 0, .or_earlier_ns = self.farNs() }, ended_ns);
        }
        self.round.busy_until_ns = ended_ns;
        self.measured.record(.round_ns, ended_ns -| now_ns);
        if (!self.inbox.isEmpty()) return now_ns;
        return self.deadlines.first();
    }

    /// A round also serves what is due within this.
    fn nearNs(self: *const RateGroup) u64 {
        return self.period_ns / 4;
    }

    /// Until when fills are taken along: they would ask for a round of their own before those that
    /// this one has served do again. So all soon have the same phase.
    fn farNs(self: *const RateGroup) u64 {
        const next_ns = self.round.next_ns orelse return 0;
        return next_ns -| self.nearNs();
    }

    /// In the order of their deadlines, once each: a turn fills all there is room for. The memory of
    /// a stream is on its way into the cache during the two turns before its own, what that points
    /// to during the last of them.
    fn serveDue(self: *RateGroup, limits: Deadlines.Limits, now_ns: u64) u64 {
        var ended_ns = now_ns;
        var next = self.takeDue(limits);
        var second = self.takeDue(limits);
        while (next) |due| {
            if (second) |stream| prefetch.device(stream.item);
            const third = self.takeDue(limits);
            assert(second != null or third == null);
            ended_ns = self.serve(due.item, due.at_ns, ended_ns);
            next = second;
            second = third;
        }
        return ended_ns;
    }

    fn takeDue(self: *RateGroup, limits: Deadlines.Limits) ?Deadlines.Due {
        const due = self.deadlines.take(limits, @truncate(self.rounds)) orelse return null;
        prefetch.own(due.item);
        return due;
    }

    fn beginRound(self: *RateGroup, now_ns: u64) void {
        self.rounds += 1;
        self.wake_ups.store(self.rounds, .monotonic);
        const round = &self.round;
        const cpu_ns = self.driver.cpuNs(self);
        const busy_ns = round.busy_until_ns -| round.began_ns;
        round.busy_off_cpu_ns = busy_ns -| (cpu_ns -| round.cpu_ns);
        round.cpu_ns = cpu_ns;
        round.began_ns = now_ns;
        round.next_ns = null;
        const lateness_ns = self.latenessNs(now_ns);
        if (lateness_ns) |ns| self.measured.record(.wake_lateness_ns, ns);
        self.lookAtUse(lateness_ns orelse 0);
    }

    /// Of a round that a deadline asked for. While the thread was busy it was not late.
    fn latenessNs(self: *const RateGroup, now_ns: u64) ?u64 {
        const due_ns = self.deadlines.first() orelse return null;
        if (due_ns > now_ns) return null;
        return now_ns - @max(due_ns, @min(self.round.busy_until_ns, now_ns));
    }

    fn lookAtUse(self: *RateGroup, lateness_ns: u64) void {
        const round = &self.round;
        round.usage_before = round.usage;
        round.unasked += 1;
        const lost_ns = @max(lateness_ns, round.busy_off_cpu_ns);
        if (lost_ns < lost_ns_max and round.unasked < unasked_max) return;
        round.unasked = 0;
        round.usage = self.driver.measure(self);
        if (lateness_ns < dark_ns_min) return;
        const used = round.usage.since(round.usage_before);
        const waited_ns = used.run_queue_ns orelse return;
        const dark_ns = self.dark_ns.load(.monotonic) + (lateness_ns -| waited_ns);
        self.dark_ns.store(dark_ns, .monotonic);
    }

    /// Returns the time after its turn.
    fn serve(self: *RateGroup, stream: *Stream, due_ns: ?u64, now_ns: u64) u64 {
        if (stream.with_janitor) {
            // Its requests wait until it comes back.
            if (stream.requests.load(.acquire) & Request.returned == 0) return now_ns;
            stream.with_janitor = false;
        }
        stream.turn = .{
            .round = &self.round,
            .now_ns = now_ns,
            .due_ns = due_ns orelse now_ns,
        };
        switch (machine.wake(stream, now_ns)) {
            inline .fill_at, .wake_at => |at_ns, kind| {
                self.round.next_ns = @min(self.round.next_ns orelse at_ns, at_ns);
                self.deadlines.schedule(stream, .{
                    .at_ns = at_ns,
                    .or_earlier = kind == .fill_at,
                    .round = @truncate(self.rounds),
                });
            },
            .sleep => self.deadlines.remove(stream),
            .janitor => |job| {
                self.deadlines.remove(stream);
                stream.with_janitor = true;
                stream.job = job;
                // It may be gone when this returns.
                const ended_ns = stream.now();
                self.driver.handOver(self, stream);
                return ended_ns;
            },
        }
        return stream.now();
    }
};
