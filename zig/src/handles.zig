//! Handles, not pointers, cross the ABI: a slot and a generation in one number. A stale, closed or
//! invented handle is found out; a call in progress keeps its object alive.

const std = @import("std");
const assert = std.debug.assert;
const sync = @import("sync.zig");

const index_bits = 13;
pub const capacity = 1 << index_bits;
const generation_max = (1 << (31 - index_bits)) - 1;

pub const Error = error{TooManyHandles};

/// All zero at first, so that the table takes no room in the library's file.
const Slot = struct {
    /// `(generation - 1) << 32 | live << 31 | pins`: one word, so that pinning checks all at once.
    word: std.atomic.Value(u64) = .init(0),
    object: ?*anyopaque = null,
    kind: usize = 0,
    /// From the slot behind this one to the next free one.
    next_free_offset: u32 = 0,

    const live: u64 = 1 << 31;
};

var slots: [capacity]Slot = @splat(.{});
/// A queue of free slots, so that a number comes back as late as possible.
var first_free: u32 = 0;
var last_free: u32 = capacity - 1;
var live_count: std.atomic.Value(u32) = .init(0);
var mutex: sync.Mutex = .{};

pub fn count() u32 {
    return live_count.load(.monotonic);
}

/// A handle for `object`; `*T` is what `pin` gives back.
pub fn add(comptime T: type, object: *T) Error!u32 {
    mutex.lock();
    defer mutex.unlock();
    if (first_free == last_free) return error.TooManyHandles;
    const index = first_free;
    const slot = &slots[index];
    first_free = index + 1 +% slot.next_free_offset;
    slot.object = object;
    slot.kind = kindOf(T);
    const generation = slot.word.load(.monotonic) >> 32;
    slot.word.store(generation << 32 | Slot.live, .release);
    _ = live_count.fetchAdd(1, .monotonic);
    return @intCast((generation + 1) << index_bits | index);
}

/// The object behind a handle of this type, kept until `unpin`; null for any other number.
pub fn pin(comptime T: type, handle: u32) ?*T {
    if (handle >> index_bits == 0) return null;
    const generation: u64 = (handle >> index_bits) - 1;
    const slot = &slots[handle & (capacity - 1)];
    var word = slot.word.load(.acquire);
    while (true) {
        if (word >> 32 != generation or word & Slot.live == 0) return null;
        word = slot.word.cmpxchgWeak(word, word + 1, .acquire, .acquire) orelse break;
    }
    if (slot.kind == kindOf(T)) return @ptrCast(@alignCast(slot.object.?));
    unpin(handle);
    return null;
}

pub fn unpin(handle: u32) void {
    const before = slots[handle & (capacity - 1)].word.fetchSub(1, .release);
    assert(before & (Slot.live - 1) > 0);
}

/// Ends the handle, which the caller has pinned once, and returns when no other call uses it.
pub fn remove(handle: u32) void {
    const index = handle & (capacity - 1);
    const slot = &slots[index];
    _ = slot.word.fetchAnd(~Slot.live, .acq_rel);
    // Calls are short; one that waits (a doorbell) is refused to be closed by its owner.
    while (slot.word.load(.acquire) & (Slot.live - 1) > 1) std.Thread.yield() catch {};

    mutex.lock();
    defer mutex.unlock();
    const generation = slot.word.load(.monotonic) >> 32;
    const next = (generation + 1) % generation_max;
    slot.word.store(next << 32, .release);
    slots[last_free].next_free_offset = index -% (last_free + 1);
    last_free = index;
    _ = live_count.fetchSub(1, .monotonic);
}

fn kindOf(comptime T: type) usize {
    return @intFromPtr(@typeName(T));
}

test "closed, stale and forged handles are found out, and numbers come back late" {
    const Thing = struct { value: u32 };
    const Other = struct { value: u64 };
    var thing: Thing = .{ .value = 3 };
    const handle = try add(Thing, &thing);
    try std.testing.expect(pin(Other, handle) == null);
    try std.testing.expect(pin(Thing, handle +% 1) == null);
    try std.testing.expect(pin(Thing, 0) == null);
    try std.testing.expect(pin(Thing, std.math.maxInt(u32)) == null);
    try std.testing.expectEqual(3, pin(Thing, handle).?.value);
    remove(handle);
    try std.testing.expect(pin(Thing, handle) == null);

    const next = try add(Thing, &thing);
    try std.testing.expect(next != handle);
    _ = pin(Thing, next).?;
    remove(next);
}
