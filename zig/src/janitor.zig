//! The threads that do what can block: open, prepare, drop, resume, close, and questions about
//! devices. Streams wait for them here, so that a rate group never does; so do queries, so that
//! JavaScript never does. They live while either do.

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
    /// Streams and queries that exist; the workers end with the last one.
    users: std.atomic.Value(u32) = .init(0),

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

    pub fn addUser(self: *Janitor) void {
        _ = self.users.fetchAdd(1, .acq_rel);
    }

    /// With the last user the workers end, and are waited for: who closed everything finds no
    /// thread of ours. They have no work any more that could keep them.
    pub fn removeUser(self: *Janitor) void {
        if (!self.dropUser()) return;
        const deadline_ns = clock.monotonicNs() + leave_max_ns;
        while (self.users.load(.acquire) == 0 and clock.monotonicNs() < deadline_ns) {
            const ticket = self.left.seen();
            if (self.staffCount() == 0) return;
            self.left.wait(ticket, deadline_ns);
        }
    }

    /// The same on a worker's own thread, which cannot wait for itself. Whether it was the last one.
    pub fn dropUser(self: *Janitor) bool {
        if (self.users.fetchSub(1, .acq_rel) > 1) return false;
        self.signal.ring();
        return true;
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
                    self.mutex.lock();
                    self.busy -= 1;
                    self.mutex.unlock();
                },
                .idle => self.signal.wait(ticket, null),
                .leave => return,
            }
        }
    }

    const Next = union(enum) { work: *Task, idle, leave };

    fn next(self: *Janitor) Next {
        self.mutex.lock();
        defer self.mutex.unlock();
        self.sortIn();
        if (self.first) |task| {
            self.first = task.next;
            self.busy += 1;
            return .{ .work = task };
        }
        if (self.users.load(.acquire) > 0) return .idle;
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
        while (last.next) |task| last = task;
        last.next = arrived;
    }
};
