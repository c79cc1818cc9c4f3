//! The threads that do what can block: open, prepare, drop, resume, close, and questions about
//! devices. Streams wait for them here, so that a rate group never does; so do queries, so that
//! JavaScript never does. They live while any of these or a realm does, and every few seconds one
//! of them looks after the realms.

const std = @import("std");
const clock = @import("clock.zig");
const sync = @import("sync.zig");
const threads = @import("threads.zig");

pub const Janitor = struct {
    /// What is to be done, embedded in whom it is done for.
    pub const Task = struct {
        run: *const fn (*Task) void,
        next: ?*Task = null,
    };

    /// Filled by any thread, wait-free.
    submitted: sync.Stack(Task, "next") = .{},
    signal: sync.Signal = .{},
    /// Rung when a worker leaves.
    left: sync.Signal = .{},
    mutex: sync.Mutex = .{},
    /// In order, under the mutex.
    first: ?*Task = null,
    workers: u32 = 0,
    busy: u32 = 0,
    /// Streams, queries and realms that exist; the workers end with the last one.
    kept: std.atomic.Value(u32) = .init(0),
    look: *const fn () void,
    /// Under the mutex: when to look again; null: never. And whether somebody does.
    look_at_ns: ?u64 = null,
    look_interval_ns: u64 = 0,
    looking: bool = false,

    /// How long the last close waits for threads that the machine does not let run.
    const leave_max_ns = 20 * std.time.ns_per_ms;

    /// One stuck device does not keep the others from being opened and closed.
    const workers_max = 4;

    /// Queues a task. Never waits; for threads that may not start a worker.
    pub fn submit(self: *Janitor, task: *Task) void {
        self.submitted.push(task);
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

    /// Keeps the workers, until `letGo`.
    pub fn keep(self: *Janitor, look_interval_ms: u32) void {
        if (self.kept.fetchAdd(1, .acq_rel) > 0 or look_interval_ms == 0) return;
        self.mutex.lock();
        defer self.mutex.unlock();
        self.look_interval_ns = @as(u64, look_interval_ms) * std.time.ns_per_ms;
        self.look_at_ns = clock.monotonicNs() + self.look_interval_ns;
    }

    /// Nothing is left to do for the last one, so the workers end.
    pub fn letGo(self: *Janitor) void {
        if (self.kept.fetchSub(1, .acq_rel) == 1) self.signal.ring();
    }

    /// Who closed everything finds no thread of ours. Not for a worker.
    pub fn awaitLeave(self: *Janitor) void {
        const deadline_ns = clock.monotonicNs() + leave_max_ns;
        while (self.kept.load(.acquire) == 0 and clock.monotonicNs() < deadline_ns) {
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
                .work => |task| {
                    // Failing to get help only makes the others wait.
                    if (self.hasMore()) self.staff() catch {};
                    task.run(task);
                    self.endWork();
                },
                .look => {
                    self.look();
                    self.endLook();
                },
                .idle => |look_at_ns| self.signal.wait(ticket, look_at_ns),
                .leave => return,
            }
        }
    }

    const Next = union(enum) { work: *Task, look, idle: ?u64, leave };

    fn next(self: *Janitor) Next {
        self.mutex.lock();
        defer self.mutex.unlock();
        self.sortIn();
        if (self.first) |task| {
            self.first = task.next;
            self.busy += 1;
            return .{ .work = task };
        }
        if (self.kept.load(.acquire) > 0) return if (self.isLookDue()) .look else .{
            .idle = self.look_at_ns,
        };
        threads.leave();
        self.workers -= 1;
        self.left.ring();
        return .leave;
    }

    fn isLookDue(self: *Janitor) bool {
        const now_ns = clock.monotonicNs();
        if (now_ns < self.look_at_ns orelse return false) return false;
        self.look_at_ns = now_ns + self.look_interval_ns;
        if (self.looking) return false;
        self.looking = true;
        self.busy += 1;
        return true;
    }

    fn endWork(self: *Janitor) void {
        self.mutex.lock();
        defer self.mutex.unlock();
        self.busy -= 1;
    }

    fn endLook(self: *Janitor) void {
        self.mutex.lock();
        defer self.mutex.unlock();
        self.busy -= 1;
        self.looking = false;
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
        while (last.next) |task| last = task;
        last.next = arrived;
    }
};
