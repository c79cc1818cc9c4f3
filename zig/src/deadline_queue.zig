//! A binary heap of streams by deadline. Each stream knows its place in the heap, so a new deadline
//! moves it instead of adding it twice. Capacity is fixed: the realtime thread never allocates.

const std = @import("std");
const assert = std.debug.assert;

pub const none = std.math.maxInt(u32);

/// `Item` has the fields `deadline_ns: u64` and `heap_index: u32` (initially `none`).
pub fn DeadlineQueue(comptime Item: type) type {
    return struct {
        items: []*Item,
        count: u32 = 0,

        const Self = @This();

        pub fn peek(self: *const Self) ?*Item {
            return if (self.count == 0) null else self.items[0];
        }

        pub fn holds(_: *const Self, item: *const Item) bool {
            return item.heap_index != none;
        }

        /// Adds the item, or moves it to its new deadline.
        pub fn schedule(self: *Self, item: *Item, deadline_ns: u64) void {
            if (item.heap_index == none) {
                assert(self.count < self.items.len);
                item.deadline_ns = deadline_ns;
                self.place(item, self.count);
                self.count += 1;
                self.siftUp(item.heap_index);
                return;
            }
            const earlier = deadline_ns < item.deadline_ns;
            item.deadline_ns = deadline_ns;
            if (earlier) self.siftUp(item.heap_index) else self.siftDown(item.heap_index);
        }

        pub fn remove(self: *Self, item: *Item) void {
            if (item.heap_index == none) return;
            const index = item.heap_index;
            assert(self.items[index] == item);
            self.count -= 1;
            const last = self.items[self.count];
            item.heap_index = none;
            if (last == item) return;
            self.place(last, index);
            self.siftUp(index);
            self.siftDown(last.heap_index);
        }

        fn place(self: *Self, item: *Item, index: u32) void {
            self.items[index] = item;
            item.heap_index = index;
        }

        fn siftUp(self: *Self, start: u32) void {
            const item = self.items[start];
            var index = start;
            while (index > 0) {
                const parent = self.items[(index - 1) / 2];
                if (parent.deadline_ns <= item.deadline_ns) break;
                self.place(parent, index);
                index = (index - 1) / 2;
            }
            self.place(item, index);
        }

        fn siftDown(self: *Self, start: u32) void {
            const item = self.items[start];
            var index = start;
            while (true) {
                var child = 2 * index + 1;
                if (child >= self.count) break;
                if (child + 1 < self.count and
                    self.items[child + 1].deadline_ns < self.items[child].deadline_ns) child += 1;
                if (item.deadline_ns <= self.items[child].deadline_ns) break;
                self.place(self.items[child], index);
                index = child;
            }
            self.place(item, index);
        }
    };
}

test "items leave in the order of their deadlines, moved and removed ones included" {
    const Item = struct { deadline_ns: u64 = 0, heap_index: u32 = none, present: bool = false };
    var storage: [64]*Item = undefined;
    var queue: DeadlineQueue(Item) = .{ .items = &storage };
    var items: [64]Item = @splat(.{});
    var prng: std.Random.DefaultPrng = .init(42);
    const random = prng.random();

    for (0..10_000) |_| {
        const item = &items[random.uintLessThan(usize, items.len)];
        if (random.uintLessThan(u8, 4) == 0) {
            queue.remove(item);
            item.present = false;
        } else {
            queue.schedule(item, random.uintLessThan(u64, 1000));
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
