//! The rate groups of the process on the real clock: found by period and trust class, made when the
//! first stream of a kind opens, ended with the last. Control side only.

const std = @import("std");
const alsa = @import("alsa/libasound.zig");
const memory = @import("memory.zig");
const realtime = @import("realtime.zig");
const sync = @import("sync.zig");
const threads = @import("threads.zig");
const GroupThread = @import("group_thread.zig").GroupThread;
const Driver = @import("rate_group.zig").Driver;
const Stream = @import("stream.zig").Stream;

pub const Error = threads.Error || error{OutOfMemory};

/// PCMs that run someone else's threads or locks keep to themselves.
pub const Trust = enum { own, foreign };

pub const Key = struct {
    period_ns: u64,
    trust: Trust,
    /// Of SCHED_FIFO; 0 asks for none.
    priority: u7,
    cpus: realtime.Cpus,
};

/// How a group's thread runs.
pub const Scheduled = struct { promoted: bool, pinned: bool };

const Entry = struct {
    key: Key,
    members: u32,
    thread: GroupThread,
    next: ?*Entry,
};

var entries: ?*Entry = null;
var mutex: sync.Mutex = .{};

/// Makes it the stream's group.
pub fn join(
    stream: *Stream,
    key: Key,
    asound: *const alsa.Libasound,
    driver: *const Driver,
) Error!Scheduled {
    mutex.lock();
    defer mutex.unlock();
    const entry = find(key) orelse try create(key, asound, driver);
    entry.members += 1;
    stream.group.store(&entry.thread.group, .seq_cst);
    return .{ .promoted = entry.thread.promoted, .pinned = entry.thread.pinned };
}

/// Streams in the stream's group.
pub fn membersOf(stream: *const Stream) u32 {
    mutex.lock();
    defer mutex.unlock();
    const group = stream.group.load(.seq_cst) orelse return 0;
    const thread: *GroupThread = @alignCast(@fieldParentPtr("group", group));
    const entry: *Entry = @alignCast(@fieldParentPtr("thread", thread));
    return entry.members;
}

/// Ends the group's thread with its last member; not for that thread itself. Nothing is posted to
/// the stream any more.
pub fn leave(stream: *Stream) void {
    const group = stream.group.load(.seq_cst) orelse return;
    const thread: *GroupThread = @alignCast(@fieldParentPtr("group", group));
    // The thread may have seen the last requests by a deadline: then the stream, which is freed
    // soon, is still in the inbox.
    thread.awaitStep();
    mutex.lock();
    defer mutex.unlock();
    stream.group.store(null, .seq_cst);
    const entry: *Entry = @alignCast(@fieldParentPtr("thread", thread));
    entry.members -= 1;
    if (entry.members > 0) return;
    var link = &entries;
    while (link.* != entry) link = &link.*.?.next;
    link.* = entry.next;
    entry.thread.stop();
    entry.thread.group.deinit();
    memory.destroy(Entry, entry);
}

fn find(key: Key) ?*Entry {
    var entry = entries;
    while (entry) |present| : (entry = present.next) {
        if (std.meta.eql(present.key, key)) return present;
    }
    return null;
}

fn create(key: Key, asound: *const alsa.Libasound, driver: *const Driver) Error!*Entry {
    const entry = try memory.create(Entry);
    errdefer memory.destroy(Entry, entry);
    entry.* = .{
        .key = key,
        .members = 0,
        .thread = .{
            .group = try .init(key.period_ns, driver),
            .asound = asound,
            .priority = key.priority,
            .cpus = key.cpus,
        },
        .next = entries,
    };
    errdefer entry.thread.group.deinit();
    try entry.thread.start();
    entries = entry;
    return entry;
}
