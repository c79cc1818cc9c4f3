//! The rate groups of the process on the real clock: found by period and trust class, made when the
//! first stream of a kind opens, ended with the last. Control side only.

const std = @import("std");
const alsa = @import("alsa/libasound.zig");
const sync = @import("sync.zig");
const threads = @import("threads.zig");
const GroupThread = @import("group_thread.zig").GroupThread;
const RateGroup = @import("rate_group.zig").RateGroup;
const Stream = @import("stream.zig").Stream;

pub const Error = threads.Error || error{OutOfMemory};

/// PCMs that run someone else's threads or locks keep to themselves.
pub const Trust = enum { own, foreign };

pub const Key = struct {
    period_ns: u64,
    trust: Trust,
    /// Of SCHED_FIFO; 0 asks for none.
    priority: u7,
};

const Entry = struct {
    key: Key,
    members: u32,
    driver: GroupThread,
    next: ?*Entry,
};

const allocator = std.heap.c_allocator;

var entries: ?*Entry = null;
var mutex: sync.Mutex = .{};

/// Makes it the stream's group, and says whether its thread got the priority.
pub fn join(
    stream: *Stream,
    key: Key,
    asound: *const alsa.Libasound,
    handOver: *const fn (*RateGroup, *Stream) void,
) Error!bool {
    mutex.lock();
    defer mutex.unlock();
    const entry = find(key) orelse try create(key, asound, handOver);
    entry.members += 1;
    stream.group.store(&entry.driver.group, .seq_cst);
    return entry.driver.promotion.load(.acquire) == .granted;
}

/// Ends the group's thread with its last member; not for that thread itself.
pub fn leave(stream: *Stream) void {
    const group = stream.group.swap(null, .seq_cst) orelse return;
    const driver: *GroupThread = @fieldParentPtr("group", group);
    const entry: *Entry = @fieldParentPtr("driver", driver);
    mutex.lock();
    defer mutex.unlock();
    entry.members -= 1;
    if (entry.members > 0) return;
    var link = &entries;
    while (link.* != entry) link = &link.*.?.next;
    link.* = entry.next;
    entry.driver.stop();
    entry.driver.group.deinit(allocator);
    allocator.destroy(entry);
}

fn find(key: Key) ?*Entry {
    var entry = entries;
    while (entry) |present| : (entry = present.next) {
        if (std.meta.eql(present.key, key)) return present;
    }
    return null;
}

fn create(
    key: Key,
    asound: *const alsa.Libasound,
    handOver: *const fn (*RateGroup, *Stream) void,
) Error!*Entry {
    const entry = try allocator.create(Entry);
    errdefer allocator.destroy(entry);
    entry.* = .{
        .key = key,
        .members = 0,
        .driver = .{
            .group = try .init(allocator, key.period_ns / 4, handOver),
            .asound = asound,
            .priority = key.priority,
        },
        .next = entries,
    };
    errdefer entry.driver.group.deinit(allocator);
    try entry.driver.start();
    entries = entry;
    return entry;
}
