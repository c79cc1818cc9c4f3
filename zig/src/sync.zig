//! Locks for the control side of the engine, and what needs none. Nothing on the realtime thread
//! may wait for a lock; it only pushes and rings.

const std = @import("std");
const linux = std.os.linux;

/// The C library's: what watches its locks sees the engine's too.
pub const Mutex = struct {
    native: std.c.pthread_mutex_t = .{},

    pub fn lock(self: *Mutex) void {
        const result = std.c.pthread_mutex_lock(&self.native);
        std.debug.assert(result == .SUCCESS);
    }

    pub fn unlock(self: *Mutex) void {
        const result = std.c.pthread_mutex_unlock(&self.native);
        std.debug.assert(result == .SUCCESS);
    }
};

/// A counter that one side rings and the other sleeps on. Ringing never blocks, and costs a system
/// call only when somebody sleeps.
pub const Signal = struct {
    word: std.atomic.Value(u32) = .init(0),
    sleepers: std.atomic.Value(u32) = .init(0),

    pub fn ring(self: *Signal) void {
        _ = self.word.fetchAdd(1, .seq_cst);
        if (self.sleepers.load(.seq_cst) > 0) futexWake(&self.word, std.math.maxInt(i32));
    }

    /// Read this before looking for work; pass it to `wait`.
    pub fn seen(self: *const Signal) u32 {
        return self.word.load(.seq_cst);
    }

    /// Sleeps until a ring after `ticket`, or until `deadline_ns` on CLOCK_MONOTONIC. May return
    /// early.
    pub fn wait(self: *Signal, ticket: u32, deadline_ns: ?u64) void {
        _ = self.sleepers.fetchAdd(1, .seq_cst);
        defer _ = self.sleepers.fetchSub(1, .seq_cst);
        futexWait(&self.word, ticket, deadline_ns);
    }
};

/// A lock-free stack of intrusive nodes: any thread pushes, one takes the whole list.
pub fn Stack(comptime Node: type, comptime next_field: []const u8) type {
    return struct {
        head: std.atomic.Value(?*Node) = .init(null),

        const Self = @This();

        pub fn push(self: *Self, node: *Node) void {
            var head = self.head.load(.monotonic);
            while (true) {
                @field(node, next_field) = head;
                head = self.head.cmpxchgWeak(head, node, .acq_rel, .monotonic) orelse return;
            }
        }

        /// The whole list in the order of pushing; the nodes' links belong to the caller now.
        pub fn takeAll(self: *Self) ?*Node {
            var node = self.head.swap(null, .acq_rel);
            var first: ?*Node = null;
            while (node) |present| {
                node = @field(present, next_field);
                @field(present, next_field) = first;
                first = present;
            }
            return first;
        }

        pub fn isEmpty(self: *const Self) bool {
            return self.head.load(.acquire) == null;
        }
    };
}

/// FUTEX_WAIT_BITSET takes an absolute deadline on CLOCK_MONOTONIC.
fn futexWait(word: *std.atomic.Value(u32), expected: u32, deadline_ns: ?u64) void {
    var deadline: linux.timespec = undefined;
    if (deadline_ns) |ns| deadline = .{
        .sec = @intCast(ns / std.time.ns_per_s),
        .nsec = @intCast(ns % std.time.ns_per_s),
    };
    const wait_bitset_private = 9 | 128;
    _ = linux.syscall6(
        .futex,
        @intFromPtr(&word.raw),
        wait_bitset_private,
        expected,
        if (deadline_ns == null) 0 else @intFromPtr(&deadline),
        0,
        0xffff_ffff,
    );
}

fn futexWake(word: *std.atomic.Value(u32), count: u32) void {
    const wake_private = 1 | 128;
    _ = linux.syscall6(.futex, @intFromPtr(&word.raw), wake_private, count, 0, 0, 0);
}
