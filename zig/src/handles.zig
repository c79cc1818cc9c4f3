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

/// Whether the handle stands for something, of whatever type.
pub fn isLive(handle: u32) bool {
    const word = slots[handle & (capacity - 1)].word.load(.acquire);
    return (word >> 32) + 1 == handle >> index_bits and word & Slot.live != 0;
}

/// Another number for the same object, whose handle the caller has pinned: the number it had is
/// stale from now on. Calls in progress go on.
pub fn renew(handle: u32) u32 {
    const index = handle & (capacity - 1);
    const slot = &slots[index];
    var word = slot.word.load(.acquire);
    while (true) {
        const generation = generationAfter(word >> 32);
        const next = generation << 32 | @as(u32, @truncate(word));
        word = slot.word.cmpxchgWeak(word, next, .acq_rel, .acquire) orelse
            return @intCast((generation + 1) << index_bits | index);
    }
}

/// All objects of a type, one after the other, each pinned until `unpin` of its handle.
pub fn Iterator(comptime T: type) type {
    return struct {
        index: u32 = 0,

        pub const Entry = struct { handle: u32, object: *T };

        pub fn next(self: *@This()) ?Entry {
            while (self.index < capacity) {
                const index = self.index;
                self.index += 1;
                const word = slots[index].word.load(.acquire);
                if (word & Slot.live == 0) continue;
                const handle: u32 = @intCast(((word >> 32) + 1) << index_bits | index);
                const object = pin(T, handle) orelse continue;
                return .{ .handle = handle, .object = object };
            }
            return null;
        }
    };
}

/// Ends the handle, which the caller has pinned once, and returns when no other call uses it.
/// False: another call is about to end it, and the caller still has its pin.
pub fn remove(handle: u32) bool {
    const index = handle & (capacity - 1);
    const slot = &slots[index];
    const before = slot.word.fetchAnd(~Slot.live, .acq_rel);
    if (before & Slot.live == 0) return false;
    // Calls are short; one that waits (a doorbell) is refused to be closed by its owner.
    while (slot.word.load(.acquire) & (Slot.live - 1) > 1) std.Thread.yield() catch {};

    mutex.lock();
    defer mutex.unlock();
    const generation = slot.word.load(.monotonic) >> 32;
    slot.word.store(generationAfter(generation) << 32, .release);
    slots[last_free].next_free_offset = index -% (last_free + 1);
    last_free = index;
    _ = live_count.fetchSub(1, .monotonic);
    return true;
}

fn generationAfter(generation: u64) u64 {
    return (generation + 1) % generation_max;
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
    try std.testing.expect(remove(handle));
    try std.testing.expect(pin(Thing, handle) == null);

    const next = try add(Thing, &thing);
    try std.testing.expect(next != handle);
    _ = pin(Thing, next).?;
    try std.testing.expect(remove(next));
}

test "a renewed handle is stale, and the call that had pinned it goes on" {
    const Thing = struct { value: u32 };
    var thing: Thing = .{ .value = 3 };
    const handle = try add(Thing, &thing);
    try std.testing.expect(pin(Thing, handle) != null);
    const renewed = renew(handle);
    try std.testing.expect(renewed != handle);
    try std.testing.expect(pin(Thing, handle) == null);
    try std.testing.expect(!isLive(handle) and isLive(renewed));

    var all: Iterator(Thing) = .{};
    const entry = all.next().?;
    try std.testing.expectEqual(renewed, entry.handle);
    try std.testing.expectEqual(&thing, entry.object);
    try std.testing.expect(all.next() == null);
    unpin(entry.handle);
    // The pin from before the renewal is the one that ends it.
    try std.testing.expect(remove(handle));
    try std.testing.expect(!isLive(renewed));
}

test "a handle is ended once" {
    const Thing = struct { value: u64 };
    var thing: Thing = .{ .value = 3 };
    const handle = try add(Thing, &thing);
    _ = pin(Thing, handle).?;
    _ = pin(Thing, handle).?;
    _ = slots[handle & (capacity - 1)].word.fetchAnd(~Slot.live, .acq_rel);
    try std.testing.expect(!remove(handle));
    unpin(handle);
    _ = slots[handle & (capacity - 1)].word.fetchOr(Slot.live, .acq_rel);
    try std.testing.expect(remove(handle));
}
