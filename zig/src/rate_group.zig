//! Streams that share one realtime thread because they have the same period and the same trust
//! class. `step` is the whole of the scheduling: a thread drives it with the monotonic clock, a
//! simulation with its own.

const std = @import("std");
const assert = std.debug.assert;
const DeadlineQueue = @import("deadline_queue.zig").DeadlineQueue;
const handles = @import("handles.zig");
const machine = @import("machine.zig");
const memory = @import("memory.zig");
const stream_module = @import("stream.zig");
const sync = @import("sync.zig");
const Histograms = @import("histogram.zig").Histograms;
const Job = stream_module.Job;
const Request = stream_module.Request;
const Stream = stream_module.Stream;
const Usage = @import("usage.zig").Usage;

/// What differs between a thread and a simulation.
pub const Driver = struct {
    /// Takes a stream that needs a job done; it comes back with `Request.returned`.
    handOver: *const fn (*RateGroup, *Stream) void,
    /// What the driving thread has used so far.
    measure: *const fn (*RateGroup) Usage,
};

/// One wake-up of the driver, in which all streams that are due have their turns.
pub const Round = struct {
    began_ns: u64 = 0,
    /// When the round before ended.
    busy_until_ns: u64 = 0,
    /// Of that one's time, how much the thread was not on a CPU.
    busy_off_cpu_ns: u64 = 0,
    /// What the thread used since that one began, and all it has used.
    used: Usage = .{},
    usage: Usage = .{},
};

pub const RateGroup = struct {
    /// Streams with a deadline.
    deadlines: DeadlineQueue(Stream),
    /// Streams with requests.
    inbox: sync.Stack(Stream, "inbox_next") = .{},
    /// Rung when the inbox has something; a driver sleeps on it.
    signal: sync.Signal = .{},
    /// A wake-up also serves the streams that are due within a quarter of a period.
    window_ns: u64,
    driver: *const Driver,
    rounds: u64 = 0,
    round: Round = .{},
    measured: Histograms(enum { wake_lateness_ns, round_ns }) = .{},
    /// Read by any thread.
    wake_ups: std.atomic.Value(u64) = .init(0),
    dark_ns: std.atomic.Value(u64) = .init(0),

    /// Lateness up to this is a timer's, not dark time.
    const dark_ns_min = std.time.ns_per_ms;

    /// No allocation later: every stream of the process could be in one group.
    pub fn init(window_ns: u64, driver: *const Driver) memory.Error!RateGroup {
        const Entry = DeadlineQueue(Stream).Entry;
        const bytes = try memory.map(handles.capacity * @sizeOf(Entry));
        const entries: [*]Entry = @ptrCast(bytes.ptr);
        return .{
            .deadlines = .{ .entries = entries[0..handles.capacity] },
            .window_ns = window_ns,
            .driver = driver,
        };
    }

    pub fn deinit(self: *RateGroup) void {
        assert(self.deadlines.count == 0);
        assert(self.inbox.isEmpty());
        const entries = std.mem.sliceAsBytes(self.deadlines.entries);
        memory.unmap(@alignCast(entries));
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
        var ended_ns = now_ns;
        var node = self.inbox.takeAll();
        while (node) |stream| {
            node = stream.inbox_next;
            stream.in_inbox.store(false, .release);
            ended_ns = self.serve(stream, ended_ns);
        }
        while (self.deadlines.peek()) |first| {
            if (first.deadline_ns > now_ns + self.window_ns) break;
            // Once is enough: it has filled all there was room for.
            if (first.item.served_round == self.rounds) break;
            if (self.deadlines.peekSecond()) |next| prefetch(next);
            ended_ns = self.serve(first.item, ended_ns);
        }
        self.round.busy_until_ns = ended_ns;
        self.measured.record(.round_ns, ended_ns -| now_ns);
        if (!self.inbox.isEmpty()) return now_ns;
        return if (self.deadlines.peek()) |first| first.deadline_ns else null;
    }

    fn beginRound(self: *RateGroup, now_ns: u64) void {
        self.rounds += 1;
        self.wake_ups.store(self.rounds, .monotonic);
        const usage = self.driver.measure(self);
        const round = &self.round;
        round.used = usage.since(round.usage);
        round.usage = usage;
        round.busy_off_cpu_ns = (round.busy_until_ns -| round.began_ns) -| round.used.cpu_ns;
        round.began_ns = now_ns;
        const due = self.deadlines.peek() orelse return;
        if (due.deadline_ns > now_ns) return;
        const lateness_ns = now_ns - @max(due.deadline_ns, @min(round.busy_until_ns, now_ns));
        self.measured.record(.wake_lateness_ns, lateness_ns);
        const waited_ns = round.used.run_queue_ns orelse return;
        if (lateness_ns < dark_ns_min) return;
        const dark_ns = self.dark_ns.load(.monotonic) + (lateness_ns -| waited_ns);
        self.dark_ns.store(dark_ns, .monotonic);
    }

    /// With many streams the memory of each has left the cache since its last turn.
    fn prefetch(stream: *const Stream) void {
        const bytes: [*]const u8 = @ptrCast(stream);
        const parts = .{ .{ "heap_index", 12 }, .{ "published", 4 }, .{ "measured", 1 } };
        inline for (parts) |part| inline for (0..part[1]) |line| {
            @prefetch(bytes + @offsetOf(Stream, part[0]) + line * 64, .{ .rw = .write });
        };
        @prefetch(&stream.pcm, .{});
        @prefetch(&stream.granted, .{});
    }

    /// Returns the time after its turn.
    fn serve(self: *RateGroup, stream: *Stream, now_ns: u64) u64 {
        if (stream.with_janitor) {
            // Its requests wait until it comes back.
            if (stream.requests.load(.acquire) & Request.returned == 0) return now_ns;
            stream.with_janitor = false;
        }
        stream.measured.prefetch();
        stream.served_round = self.rounds;
        stream.turn = .{
            .round = &self.round,
            .now_ns = now_ns,
            .due_ns = self.deadlines.deadlineOf(stream) orelse now_ns,
        };
        switch (machine.wake(stream, now_ns)) {
            .wake_at => |at_ns| self.deadlines.schedule(stream, at_ns),
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
