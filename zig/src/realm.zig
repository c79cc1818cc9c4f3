//! A JavaScript realm as the engine sees it: one doorbell that native threads ring when a stream,
//! or what else has a notice, has events, the lists of these, and whether the realm still lives.
//! Ringing is wait-free; the realtime thread does it.

const std = @import("std");
const linux = std.os.linux;
const assert = std.debug.assert;
const clock = @import("clock.zig");
const sync = @import("sync.zig");
const Stream = @import("stream.zig").Stream;

/// A wait ends by itself after this long, so that a terminated Worker leaves no thread behind.
pub const wait_max_ms = 1000;

/// Waits in progress in the whole process, for leak checks.
pub var pending_waits: std.atomic.Value(u32) = .init(0);
pub var descriptor_count: std.atomic.Value(u32) = .init(0);

/// What has events for a realm and is no stream: a query or a watch of devices.
pub const Notice = struct {
    handle: u32 = 0,
    events: std.atomic.Value(u32) = .init(0),
    ready_next: ?*Notice = null,
};

pub const Realm = struct {
    signal: sync.Signal = .{},
    /// The ticket up to which this realm has been woken.
    woken: u32 = 0,
    waiting: std.atomic.Value(bool) = .init(false),
    ready: sync.Stack(Stream, "ready_next") = .{},
    /// Held by who takes streams out of `ready`.
    fetching: sync.Mutex = .{},
    /// JavaScript has called since the owner watch looked last.
    alive: std.atomic.Value(bool) = .init(true),
    /// Owner watch: looks in a row without a sign of life.
    silent_looks: u32 = 0,
    /// Streams that this realm owns.
    stream_count: std.atomic.Value(u32) = .init(0),
    ready_notices: sync.Stack(Notice, "ready_next") = .{},
    notice_count: std.atomic.Value(u32) = .init(0),
    /// It is being closed, and gets nothing any more.
    retired: std.atomic.Value(bool) = .init(false),
    pipe_read: i32 = -1,
    pipe_write: std.atomic.Value(i32) = .init(-1),

    /// Counts one stream more.
    pub fn adopt(self: *Realm) error{Retired}!void {
        _ = self.stream_count.fetchAdd(1, .seq_cst);
        if (!self.retired.load(.seq_cst)) return;
        self.disown();
        return error.Retired;
    }

    /// Nothing of the realm may be touched after this, which may have been for its last stream.
    pub fn disown(self: *Realm) void {
        _ = self.stream_count.fetchSub(1, .seq_cst);
    }

    /// From now on it gets no stream any more. False: it still has one, or something else.
    pub fn retire(self: *Realm) bool {
        self.retired.store(true, .seq_cst);
        const notices = self.notice_count.load(.seq_cst);
        if (self.stream_count.load(.seq_cst) == 0 and notices == 0) return true;
        self.retired.store(false, .seq_cst);
        return false;
    }

    /// A sign of life: JavaScript has called.
    pub fn touch(self: *Realm) void {
        self.alive.store(true, .monotonic);
    }

    /// Whether there was a sign of life since the last look. A wait is bounded: it ends even where
    /// JavaScript has.
    pub fn takeSign(self: *Realm) bool {
        return self.alive.swap(false, .monotonic) or self.waiting.load(.acquire);
    }

    /// Adds events of a stream. Rings once for all events that JavaScript has not fetched yet.
    pub fn notify(self: *Realm, stream: *Stream, mask: u32) void {
        if (stream.events.fetchOr(mask, .acq_rel) != 0) return;
        self.ready.push(stream);
        self.ring();
    }

    /// The same for a notice.
    pub fn notifyOf(self: *Realm, notice: *Notice, mask: u32) void {
        if (notice.events.fetchOr(mask, .acq_rel) != 0) return;
        self.ready_notices.push(notice);
        self.ring();
    }

    /// Counts one notice more.
    pub fn addNotice(self: *Realm) error{Retired}!void {
        _ = self.notice_count.fetchAdd(1, .seq_cst);
        if (!self.retired.load(.seq_cst)) return;
        _ = self.notice_count.fetchSub(1, .seq_cst);
        return error.Retired;
    }

    /// It has no more events; those that nobody fetched are dropped. Nothing of the realm may be
    /// touched after this.
    pub fn removeNotice(self: *Realm, gone: *Notice) void {
        self.forgetNotice(gone);
        _ = self.notice_count.fetchSub(1, .seq_cst);
    }

    fn forgetNotice(self: *Realm, gone: *Notice) void {
        self.fetching.lock();
        defer self.fetching.unlock();
        var node = self.ready_notices.takeAll();
        while (node) |notice| {
            node = notice.ready_next;
            if (notice != gone) self.ready_notices.push(notice);
        }
    }

    pub fn ring(self: *Realm) void {
        self.signal.ring();
        const descriptor = self.pipe_write.load(.acquire);
        // A full pipe is as good as a byte more: the reader wakes.
        if (descriptor >= 0) _ = linux.write(descriptor, "!", 1);
    }

    /// True when rung since the last wait.
    pub fn wait(self: *Realm, timeout_ms: u32) error{Busy}!bool {
        if (self.waiting.swap(true, .acquire)) return error.Busy;
        defer self.waiting.store(false, .release);
        _ = pending_waits.fetchAdd(1, .monotonic);
        defer _ = pending_waits.fetchSub(1, .monotonic);

        const timeout_ns = @as(u64, @min(timeout_ms, wait_max_ms)) * std.time.ns_per_ms;
        const deadline_ns = clock.monotonicNs() + timeout_ns;
        while (self.signal.seen() == self.woken) {
            self.signal.wait(self.woken, deadline_ns);
            if (clock.monotonicNs() >= deadline_ns) break;
        }
        const seen = self.signal.seen();
        defer self.woken = seen;
        return seen != self.woken;
    }

    /// Fetches and clears events: pairs of handle and mask. Returns the number of pairs.
    pub fn fetch(self: *Realm, pairs: [][2]u32) u32 {
        self.fetching.lock();
        defer self.fetching.unlock();
        const count = fetchOf(&self.ready, pairs);
        return count + fetchOf(&self.ready_notices, pairs[count..]);
    }

    fn fetchOf(ready: anytype, pairs: [][2]u32) u32 {
        var count: u32 = 0;
        var node = ready.takeAll();
        while (node) |one| {
            node = one.ready_next;
            if (count == pairs.len) {
                ready.push(one);
                continue;
            }
            pairs[count] = .{ handleOf(one), one.events.swap(0, .acq_rel) };
            assert(pairs[count][1] != 0);
            count += 1;
        }
        return count;
    }

    fn handleOf(one: anytype) u32 {
        return if (@TypeOf(one) == *Stream) one.handle.load(.acquire) else one.handle;
    }

    /// Fetches and clears the events of one stream. Those that it is just being given come later.
    pub fn take(self: *Realm, wanted: *Stream) u32 {
        self.fetching.lock();
        defer self.fetching.unlock();
        var events: u32 = 0;
        var node = self.ready.takeAll();
        while (node) |stream| {
            node = stream.ready_next;
            if (stream == wanted) {
                events = stream.events.swap(0, .acq_rel);
            } else self.ready.push(stream);
        }
        return events;
    }

    pub fn openPipe(self: *Realm) error{Busy}!i32 {
        if (self.pipe_read >= 0) return error.Busy;
        var ends: [2]i32 = undefined;
        const result = linux.pipe2(&ends, .{ .CLOEXEC = true, .NONBLOCK = true });
        if (linux.errno(result) != .SUCCESS) return error.Busy;
        _ = descriptor_count.fetchAdd(2, .monotonic);
        self.pipe_read = ends[0];
        self.pipe_write.store(ends[1], .release);
        if (!self.ready.isEmpty() or !self.ready_notices.isEmpty()) self.ring();
        return ends[0];
    }

    /// The reader sees the end of the file.
    pub fn shutPipe(self: *Realm) void {
        closeDescriptor(self.pipe_write.swap(-1, .acq_rel));
    }

    pub fn closePipe(self: *Realm) void {
        self.shutPipe();
        closeDescriptor(self.pipe_read);
        self.pipe_read = -1;
    }

    fn closeDescriptor(descriptor: i32) void {
        if (descriptor < 0) return;
        _ = linux.close(descriptor);
        _ = descriptor_count.fetchSub(1, .monotonic);
    }
};
