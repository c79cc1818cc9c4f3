//! A heap of streams by deadline, four children a node, which share a line of the cache. Each
//! stream knows its place in the heap, so a new deadline moves it instead of adding it twice.
//! Capacity is fixed: the realtime thread never allocates.

const std = @import("std");
const assert = std.debug.assert;

pub const none = std.math.maxInt(u32);

/// `Item` has the field `heap_index: u32` (initially `none`).
pub fn DeadlineQueue(comptime Item: type) type {
    return struct {
        entries: []Entry,
        count: u32 = 0,

        const Self = @This();
        const children = 4;

        /// The deadline lies beside the pointer: comparing must not touch the items.
        pub const Entry = struct { deadline_ns: u64, item: *Item };

        pub fn peek(self: *const Self) ?Entry {
            return if (self.count == 0) null else self.entries[0];
        }

        /// What comes after the first, as it stands now.
        pub fn peekSecond(self: *const Self) ?*Item {
            const index = self.firstChild(0) orelse return null;
            return self.entries[index].item;
        }

        /// Of a node's children the one with the earliest deadline.
        fn firstChild(self: *const Self, index: u32) ?u32 {
            const begin = children * index + 1;
            if (begin >= self.count) return null;
            var first = begin;
            for (begin + 1..@min(begin + children, self.count)) |child| {
                if (self.entries[child].deadline_ns < self.entries[first].deadline_ns) {
                    first = @intCast(child);
                }
            }
            return first;
        }

        pub fn deadlineOf(self: *const Self, item: *const Item) ?u64 {
            if (item.heap_index == none) return null;
            return self.entries[item.heap_index].deadline_ns;
        }

        /// Adds the item, or moves it to its new deadline.
        pub fn schedule(self: *Self, item: *Item, deadline_ns: u64) void {
            const entry: Entry = .{ .deadline_ns = deadline_ns, .item = item };
            if (item.heap_index == none) {
                assert(self.count < self.entries.len);
                self.place(entry, self.count);
                self.count += 1;
                self.siftUp(item.heap_index);
                return;
            }
            const index = item.heap_index;
            const earlier = deadline_ns < self.entries[index].deadline_ns;
            self.entries[index] = entry;
            if (earlier) self.siftUp(index) else self.siftDown(index);
        }

        pub fn remove(self: *Self, item: *Item) void {
            if (item.heap_index == none) return;
            const index = item.heap_index;
            assert(self.entries[index].item == item);
            self.count -= 1;
            const last = self.entries[self.count];
            item.heap_index = none;
            if (last.item == item) return;
            self.place(last, index);
            self.siftUp(index);
            self.siftDown(last.item.heap_index);
        }

        fn place(self: *Self, entry: Entry, index: u32) void {
            self.entries[index] = entry;
            entry.item.heap_index = index;
        }

        fn siftUp(self: *Self, start: u32) void {
            const entry = self.entries[start];
            var index = start;
            while (index > 0) {
                const parent = (index - 1) / children;
                if (self.entries[parent].deadline_ns <= entry.deadline_ns) break;
                self.place(self.entries[parent], index);
                index = parent;
            }
            self.place(entry, index);
        }

        fn siftDown(self: *Self, start: u32) void {
            const entry = self.entries[start];
            var index = start;
            while (self.firstChild(index)) |child| {
                if (entry.deadline_ns <= self.entries[child].deadline_ns) break;
                self.place(self.entries[child], index);
                index = child;
            }
            self.place(entry, index);
        }
    };
}

test "items leave in the order of their deadlines, moved and removed ones included" {
    const Item = struct { deadline_ns: u64 = 0, heap_index: u32 = none, present: bool = false };
    var storage: [64]DeadlineQueue(Item).Entry = undefined;
    var queue: DeadlineQueue(Item) = .{ .entries = &storage };
    var items: [64]Item = @splat(.{});
    var prng: std.Random.DefaultPrng = .init(42);
    const random = prng.random();

    for (0..10_000) |_| {
        const item = &items[random.uintLessThan(usize, items.len)];
        if (random.uintLessThan(u8, 4) == 0) {
            queue.remove(item);
            item.present = false;
        } else {
            item.deadline_ns = random.uintLessThan(u64, 1000);
            queue.schedule(item, item.deadline_ns);
            item.present = true;
        }
        var least: ?u64 = null;
        for (items) |other| {
            if (other.present) least = @min(least orelse other.deadline_ns, other.deadline_ns);
        }
        const top: ?u64 = if (queue.peek()) |first| first.deadline_ns else null;
        try std.testing.expectEqual(least, top);
    }
}
