//! Streams that share one realtime thread because they have the same period and the same trust
//! class. `step` is the whole of the scheduling, pure in time: a thread drives it with the
//! monotonic clock, a simulation with its own.

const std = @import("std");
const assert = std.debug.assert;
const DeadlineQueue = @import("deadline_queue.zig").DeadlineQueue;
const handles = @import("handles.zig");
const machine = @import("machine.zig");
const stream_module = @import("stream.zig");
const sync = @import("sync.zig");
const Job = stream_module.Job;
const Request = stream_module.Request;
const Stream = stream_module.Stream;

pub const RateGroup = struct {
    /// Streams with a deadline.
    deadlines: DeadlineQueue(Stream),
    /// Streams with requests.
    inbox: sync.Stack(Stream, "inbox_next") = .{},
    /// Rung when the inbox has something; a driver sleeps on it.
    signal: sync.Signal = .{},
    /// A wake-up also serves the streams that are due within a quarter of a period.
    window_ns: u64,
    steps: u64 = 0,
    /// Takes a stream that needs a job done; it comes back with `Request.returned`.
    handOver: *const fn (*RateGroup, *Stream) void,

    /// No allocation later: every stream of the process could be in one group.
    pub fn init(
        allocator: std.mem.Allocator,
        window_ns: u64,
        handOver: *const fn (*RateGroup, *Stream) void,
    ) error{OutOfMemory}!RateGroup {
        return .{
            .deadlines = .{ .items = try allocator.alloc(*Stream, handles.capacity) },
            .window_ns = window_ns,
            .handOver = handOver,
        };
    }

    pub fn deinit(self: *RateGroup, allocator: std.mem.Allocator) void {
        assert(self.deadlines.count == 0);
        assert(self.inbox.isEmpty());
        allocator.free(self.deadlines.items);
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
        self.steps += 1;
        var node = self.inbox.takeAll();
        while (node) |stream| {
            node = stream.inbox_next;
            stream.in_inbox.store(false, .release);
            self.serve(stream, now_ns);
        }
        while (self.deadlines.peek()) |stream| {
            const served = stream.served_step == self.steps;
            // Once is enough: it has filled all there was room for.
            if (served or stream.deadline_ns > now_ns + self.window_ns) break;
            self.serve(stream, now_ns);
        }
        if (!self.inbox.isEmpty()) return now_ns;
        return if (self.deadlines.peek()) |stream| stream.deadline_ns else null;
    }

    fn serve(self: *RateGroup, stream: *Stream, now_ns: u64) void {
        if (stream.with_janitor) {
            // Its requests wait until it comes back.
            if (stream.requests.load(.acquire) & Request.returned == 0) return;
            stream.with_janitor = false;
        }
        stream.served_step = self.steps;
        switch (machine.wake(stream, now_ns)) {
            .wake_at => |at_ns| self.deadlines.schedule(stream, at_ns),
            .sleep => self.deadlines.remove(stream),
            .janitor => |job| {
                self.deadlines.remove(stream);
                stream.with_janitor = true;
                stream.job = job;
                self.handOver(self, stream);
            },
        }
    }
};
