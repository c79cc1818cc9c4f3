//! A heap of streams by deadline, four children a node, which share a line of the cache. The heap
//! knows the place of each stream, so a new deadline moves it instead of adding it twice. It knows
//! by tables of its own, since of a thousand streams the memory of most has left the cache.
//! Capacity is fixed: the realtime thread never allocates.

const std = @import("std");
const assert = std.debug.assert;

pub const Slot = u16;
pub const none = std.math.maxInt(Slot);

/// `Item` has the field `slot: Slot` (initially `none`).
pub fn DeadlineQueue(comptime Item: type, comptime capacity: u32) type {
    assert(capacity <= none);
    return struct {
        storage: *Storage,
        count: u32 = 0,
        /// Slots that were ever used, and the first of those that were given back.
        slots_used: Slot = 0,
        free_slot: Slot = none,

        const Self = @This();
        const children = 4;

        pub const Deadline = struct {
            at_ns: u64,
            /// An earlier time is fine, too.
            or_earlier: bool = false,
            /// In which it was given.
            round: u32,
        };

        /// Until when deadlines count as due.
        pub const Limits = struct { at_ns: u64, or_earlier_ns: u64 };

        pub const Due = struct { at_ns: u64, item: *Item };

        const Entry = struct {
            at_ns: u64,
            round: u32,
            slot: Slot,
            or_earlier: bool,

            comptime {
                const line_bytes = 64;
                assert(@sizeOf(Entry) * children == line_bytes);
            }
        };

        pub const Storage = struct {
            heap: [capacity]Entry,
            /// By slot: the item, and its place in the heap or, of a free slot, the next free one.
            items: [capacity]*Item,
            places: [capacity]Slot,
        };

        /// The earliest deadline.
        pub fn first(self: *const Self) ?u64 {
            return if (self.count == 0) null else self.storage.heap[0].at_ns;
        }

        pub fn deadlineOf(self: *const Self, item: *const Item) ?u64 {
            if (item.slot == none) return null;
            const place = self.storage.places[item.slot];
            return if (place == none) null else self.storage.heap[place].at_ns;
        }

        /// Takes out the item of the earliest deadline, if that is due and was not given in this
        /// round. Whoever takes an item schedules or removes it.
        pub fn take(self: *Self, limits: Limits, round: u32) ?Due {
            if (self.count == 0) return null;
            const entry = self.storage.heap[0];
            const limit_ns = if (entry.or_earlier) limits.or_earlier_ns else limits.at_ns;
            if (entry.at_ns > limit_ns or entry.round == round) return null;
            self.cut(0);
            return .{ .at_ns = entry.at_ns, .item = self.storage.items[entry.slot] };
        }

        /// Adds the item, or moves it to its new deadline.
        pub fn schedule(self: *Self, item: *Item, deadline: Deadline) void {
            if (item.slot == none) self.seat(item);
            assert(self.storage.items[item.slot] == item);
            const entry: Entry = .{
                .at_ns = deadline.at_ns,
                .round = deadline.round,
                .slot = item.slot,
                .or_earlier = deadline.or_earlier,
            };
            const place = self.storage.places[item.slot];
            if (place == none) {
                self.count += 1;
                self.siftUp(entry, self.count - 1);
            } else {
                self.replace(place, entry);
            }
        }

        pub fn remove(self: *Self, item: *Item) void {
            const slot = item.slot;
            if (slot == none) return;
            assert(self.storage.items[slot] == item);
            const place = self.storage.places[slot];
            if (place != none) self.cut(place);
            self.storage.places[slot] = self.free_slot;
            self.free_slot = slot;
            item.slot = none;
        }

        fn seat(self: *Self, item: *Item) void {
            item.slot = self.free_slot;
            if (item.slot != none) {
                self.free_slot = self.storage.places[item.slot];
            } else {
                assert(self.slots_used < capacity);
                item.slot = self.slots_used;
                self.slots_used += 1;
            }
            self.storage.items[item.slot] = item;
            self.storage.places[item.slot] = none;
        }

        fn cut(self: *Self, place: u32) void {
            self.storage.places[self.storage.heap[place].slot] = none;
            self.count -= 1;
            if (place < self.count) self.replace(place, self.storage.heap[self.count]);
        }

        fn replace(self: *Self, place: u32, entry: Entry) void {
            if (entry.at_ns < self.storage.heap[place].at_ns) {
                self.siftUp(entry, place);
            } else {
                self.siftDown(entry, place);
            }
        }

        fn put(self: *Self, entry: Entry, place: u32) void {
            self.storage.heap[place] = entry;
            self.storage.places[entry.slot] = @intCast(place);
        }

        fn siftUp(self: *Self, entry: Entry, start: u32) void {
            var place = start;
            while (place > 0) {
                const parent = (place - 1) / children;
                if (self.storage.heap[parent].at_ns <= entry.at_ns) break;
                self.put(self.storage.heap[parent], place);
                place = parent;
            }
            self.put(entry, place);
        }

        fn siftDown(self: *Self, entry: Entry, start: u32) void {
            var place = start;
            while (self.firstChild(place)) |child| {
                if (entry.at_ns <= self.storage.heap[child].at_ns) break;
                self.put(self.storage.heap[child], place);
                place = child;
            }
            self.put(entry, place);
        }

        /// Of a node's children the one with the earliest deadline.
        fn firstChild(self: *const Self, place: u32) ?u32 {
            const begin = children * place + 1;
            if (begin >= self.count) return null;
            var earliest = begin;
            for (begin + 1..@min(begin + children, self.count)) |child| {
                const heap = &self.storage.heap;
                if (heap[child].at_ns < heap[earliest].at_ns) earliest = @intCast(child);
            }
            return earliest;
        }
    };
}

const TestItem = struct { at_ns: u64 = 0, slot: Slot = none, present: bool = false };
const TestQueue = DeadlineQueue(TestItem, 64);

test "items leave in the order of their deadlines, moved and removed ones included" {
    var storage: TestQueue.Storage = undefined;
    var queue: TestQueue = .{ .storage = &storage };
    var items: [64]TestItem = @splat(.{});
    var prng: std.Random.DefaultPrng = .init(42);
    const random = prng.random();

    for (0..10_000) |round| {
        const item = &items[random.uintLessThan(usize, items.len)];
        switch (random.uintLessThan(u8, 4)) {
            0 => {
                queue.remove(item);
                item.present = false;
            },
            1 => {
                const at_ns = random.uintLessThan(u64, 1000);
                const limits: TestQueue.Limits = .{ .at_ns = at_ns, .or_earlier_ns = at_ns };
                const due = queue.take(limits, std.math.maxInt(u32)) orelse continue;
                try std.testing.expect(due.at_ns <= at_ns);
                try std.testing.expectEqual(due.item.at_ns, due.at_ns);
                due.item.present = false;
                if (random.boolean()) queue.remove(due.item);
            },
            else => {
                item.at_ns = random.uintLessThan(u64, 1000);
                queue.schedule(item, .{ .at_ns = item.at_ns, .round = @intCast(round) });
                item.present = true;
            },
        }
        var least: ?u64 = null;
        for (&items) |*other| {
            const expected: ?u64 = if (other.present) other.at_ns else null;
            try std.testing.expectEqual(expected, queue.deadlineOf(other));
            if (other.present) least = @min(least orelse other.at_ns, other.at_ns);
        }
        try std.testing.expectEqual(least, queue.first());
    }
}

test "what was given a deadline in a round is not taken in the same one" {
    var storage: TestQueue.Storage = undefined;
    var queue: TestQueue = .{ .storage = &storage };
    var item: TestItem = .{};
    const limits: TestQueue.Limits = .{ .at_ns = 5, .or_earlier_ns = 5 };
    queue.schedule(&item, .{ .at_ns = 5, .round = 1 });
    try std.testing.expectEqual(null, queue.take(limits, 1));
    try std.testing.expectEqual(&item, queue.take(limits, 2).?.item);
    try std.testing.expectEqual(null, queue.take(limits, 2));
}

test "only what may be earlier is taken earlier, and nothing behind what may not" {
    var storage: TestQueue.Storage = undefined;
    var queue: TestQueue = .{ .storage = &storage };
    var items: [3]TestItem = @splat(.{});
    const limits: TestQueue.Limits = .{ .at_ns = 2, .or_earlier_ns = 9 };
    queue.schedule(&items[0], .{ .at_ns = 5, .or_earlier = true, .round = 0 });
    queue.schedule(&items[1], .{ .at_ns = 6, .round = 0 });
    queue.schedule(&items[2], .{ .at_ns = 7, .or_earlier = true, .round = 0 });
    try std.testing.expectEqual(&items[0], queue.take(limits, 1).?.item);
    try std.testing.expectEqual(null, queue.take(limits, 1));
}
