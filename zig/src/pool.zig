//! Memory for objects that the realtime thread works with, mapped for several of them at once: to map
//! a few pages, touch and lock them was a third of what the call that opens a stream took. Control
//! side only.

const std = @import("std");
const assert = std.debug.assert;
const memory = @import("memory.zig");
const sync = @import("sync.zig");

const allocator = std.heap.c_allocator;

/// Each object has pages of its own.
pub fn Pool(comptime T: type) type {
    return struct {
        mutex: sync.Mutex = .{},
        /// The latest one first, which is the likeliest to have a free place.
        slabs: ?*Slab = null,
        count: u32 = 0,

        const Self = @This();
        const stride = std.mem.alignForward(usize, @sizeOf(T), std.heap.page_size_min);

        /// As many places as there are objects already, up to this.
        const places_max = 16;
        const Places = std.StaticBitSet(places_max);

        const Slab = struct {
            bytes: memory.Bytes,
            free: Places,
            next: ?*Slab,

            fn placeCount(self: *const Slab) usize {
                return self.bytes.len / stride;
            }

            /// The place of an object, or null for one of another slab.
            fn placeOf(self: *const Slab, object: *const T) ?usize {
                const offset = @intFromPtr(object) -% @intFromPtr(self.bytes.ptr);
                return if (offset < self.bytes.len) @divExact(offset, stride) else null;
            }
        };

        /// All pages present; what is in them is not defined.
        pub fn create(self: *Self) memory.Error!*T {
            self.mutex.lock();
            defer self.mutex.unlock();
            const slab = self.withFreePlace() orelse try self.addSlab();
            const place = slab.free.toggleFirstSet().?;
            self.count += 1;
            return @ptrCast(@alignCast(slab.bytes.ptr + place * stride));
        }

        pub fn destroy(self: *Self, object: *T) void {
            self.mutex.lock();
            defer self.mutex.unlock();
            var link = &self.slabs;
            const place = while (link.*) |slab| : (link = &slab.next) {
                if (slab.placeOf(object)) |place| break place;
            } else unreachable;
            const slab = link.*.?;
            assert(!slab.free.isSet(place));
            object.* = undefined;
            slab.free.set(place);
            self.count -= 1;
            if (slab.free.count() < slab.placeCount()) return;
            link.* = slab.next;
            memory.unmap(slab.bytes);
            allocator.destroy(slab);
        }

        fn withFreePlace(self: *Self) ?*Slab {
            var next = self.slabs;
            while (next) |slab| : (next = slab.next) {
                if (slab.free.count() > 0) return slab;
            }
            return null;
        }

        fn addSlab(self: *Self) memory.Error!*Slab {
            const places = std.math.clamp(self.count, 1, places_max);
            const slab = try allocator.create(Slab);
            errdefer allocator.destroy(slab);
            slab.* = .{
                .bytes = try memory.map(places * stride),
                .free = .initEmpty(),
                .next = self.slabs,
            };
            slab.free.setRangeValue(.{ .start = 0, .end = places }, true);
            self.slabs = slab;
            return slab;
        }
    };
}

const TestObject = struct { number: u32, padding: [5_000]u8 };
const TestPool = Pool(TestObject);

test "objects keep what they hold while others come and go, and nothing stays mapped" {
    const bytes_before = memory.byte_count.load(.monotonic);
    var pool: TestPool = .{};
    var objects: [200]?*TestObject = @splat(null);
    var prng: std.Random.DefaultPrng = .init(7);
    const random = prng.random();
    for (0..20_000) |_| {
        const number = random.uintLessThan(u32, objects.len);
        if (objects[number]) |object| {
            try std.testing.expectEqual(number, object.number);
            pool.destroy(object);
            objects[number] = null;
        } else {
            const object = try pool.create();
            try std.testing.expect(std.mem.isAligned(@intFromPtr(object), std.heap.page_size_min));
            object.number = number;
            objects[number] = object;
        }
    }
    for (objects) |held| if (held) |object| pool.destroy(object);
    try std.testing.expectEqual(0, pool.count);
    try std.testing.expectEqual(bytes_before, memory.byte_count.load(.monotonic));
}

test "one object maps its own pages only, and the next ones no more than there are already" {
    const bytes_before = memory.byte_count.load(.monotonic);
    var pool: TestPool = .{};
    var objects: [40]*TestObject = undefined;
    for (&objects, 1..) |*object, count| {
        object.* = try pool.create();
        const mapped = memory.byte_count.load(.monotonic) - bytes_before;
        try std.testing.expect(mapped <= @min(2 * count, count + 15) * TestPool.stride);
    }
    for (objects) |object| pool.destroy(object);
}
