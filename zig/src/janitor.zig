//! The threads that do what can block: open, prepare, drop, resume, close. Streams wait for them
//! here, so that a rate group never does. They live while streams do.

const std = @import("std");
const clock = @import("clock.zig");
const sync = @import("sync.zig");
const threads = @import("threads.zig");
const Stream = @import("stream.zig").Stream;

pub const Janitor = struct {
    /// Filled by any thread, wait-free.
    submitted: sync.Stack(Stream, "job_next") = .{},
    signal: sync.Signal = .{},
    /// Rung when a worker leaves.
    left: sync.Signal = .{},
    mutex: sync.Mutex = .{},
    /// In order, under the mutex.
    first: ?*Stream = null,
    workers: u32 = 0,
    busy: u32 = 0,
    /// Streams that exist; the workers end with the last one.
    streams: std.atomic.Value(u32) = .init(0),
    work: *const fn (*Stream) void,

    /// How long the last close waits for threads that the machine does not let run.
    const leave_max_ns = 20 * std.time.ns_per_ms;

    /// One stuck device does not keep the others from being opened and closed.
    const workers_max = 4;

    /// Queues `stream.job`. Never waits; for threads that may not start a worker.
    pub fn submit(self: *Janitor, stream: *Stream) void {
        self.submitted.push(stream);
        self.signal.ring();
    }

    /// Before the control side submits: makes sure that somebody is free to work.
    pub fn staff(self: *Janitor) threads.Error!void {
        self.mutex.lock();
        defer self.mutex.unlock();
        if (self.workers > self.busy or self.workers == workers_max) return;
        const thread = threads.spawn(run, .{self}) catch |err| {
            if (self.workers > 0) return;
            return err;
        };
        thread.detach();
        self.workers += 1;
    }

    pub fn streamCreated(self: *Janitor) void {
        _ = self.streams.fetchAdd(1, .acq_rel);
    }

    /// With the last stream the workers end, and are waited for: who closed everything finds no
    /// thread of ours. They have no work any more that could keep them.
    pub fn streamDestroyed(self: *Janitor) void {
        if (self.streams.fetchSub(1, .acq_rel) > 1) return;
        self.signal.ring();
        const deadline_ns = clock.monotonicNs() + leave_max_ns;
        while (self.streams.load(.acquire) == 0 and clock.monotonicNs() < deadline_ns) {
            const ticket = self.left.seen();
            if (self.staffCount() == 0) return;
            self.left.wait(ticket, deadline_ns);
        }
    }

    fn staffCount(self: *Janitor) u32 {
        self.mutex.lock();
        defer self.mutex.unlock();
        return self.workers;
    }

    fn run(self: *Janitor) void {
        threads.enter("halflap-janitor");
        while (true) {
            const ticket = self.signal.seen();
            switch (self.next()) {
                .work => |stream| {
                    // Failing to get help only makes the others wait.
                    if (self.hasMore()) self.staff() catch {};
                    self.work(stream);
                    self.mutex.lock();
                    self.busy -= 1;
                    self.mutex.unlock();
                },
                .idle => self.signal.wait(ticket, null),
                .leave => return,
            }
        }
    }

    const Next = union(enum) { work: *Stream, idle, leave };

    fn next(self: *Janitor) Next {
        self.mutex.lock();
        defer self.mutex.unlock();
        self.sortIn();
        if (self.first) |stream| {
            self.first = stream.job_next;
            self.busy += 1;
            return .{ .work = stream };
        }
        if (self.streams.load(.acquire) > 0) return .idle;
        threads.leave();
        self.workers -= 1;
        self.left.ring();
        return .leave;
    }

    fn hasMore(self: *Janitor) bool {
        self.mutex.lock();
        defer self.mutex.unlock();
        return self.first != null;
    }

    fn sortIn(self: *Janitor) void {
        const arrived = self.submitted.takeAll() orelse return;
        if (self.first == null) {
            self.first = arrived;
            return;
        }
        var last = self.first.?;
        while (last.job_next) |stream| last = stream;
        last.job_next = arrived;
    }
};
