//! What a substream played, kept in memory: bytes that only ever grow, in chunks that never move.

const std = @import("std");
const memory = @import("../memory.zig");

const chunk_bytes = 256 * 1024;
const Chunk = [chunk_bytes]u8;

pub const Recording = struct {
    chunks: std.ArrayList(*Chunk) = .empty,
    length: usize = 0,

    const allocator = std.heap.c_allocator;

    pub fn deinit(self: *Recording) void {
        for (self.chunks.items) |chunk| allocator.destroy(chunk);
        _ = memory.byte_count.fetchSub(self.chunks.items.len * chunk_bytes, .monotonic);
        self.chunks.deinit(allocator);
        self.* = .{};
    }

    /// All of the bytes, or none of them.
    pub fn append(self: *Recording, bytes: []const u8) std.mem.Allocator.Error!void {
        while (self.chunks.items.len * chunk_bytes < self.length + bytes.len) {
            try self.chunks.ensureUnusedCapacity(allocator, 1);
            self.chunks.appendAssumeCapacity(try allocator.create(Chunk));
            _ = memory.byte_count.fetchAdd(chunk_bytes, .monotonic);
        }
        var rest = bytes;
        while (rest.len > 0) {
            const chunk = self.chunks.items[self.length / chunk_bytes];
            const place = chunk[self.length % chunk_bytes ..];
            const length = @min(place.len, rest.len);
            @memcpy(place[0..length], rest[0..length]);
            self.length += length;
            rest = rest[length..];
        }
    }

    /// Copies from `offset` on; returns how many bytes there were.
    pub fn read(self: *const Recording, offset: u64, out: []u8) usize {
        if (offset >= self.length) return 0;
        const wanted = out[0..@min(out.len, self.length - offset)];
        var done: usize = 0;
        while (done < wanted.len) {
            const at: usize = @intCast(offset + done);
            const chunk = self.chunks.items[at / chunk_bytes][at % chunk_bytes ..];
            const length = @min(chunk.len, wanted.len - done);
            @memcpy(wanted[done..][0..length], chunk[0..length]);
            done += length;
        }
        return done;
    }
};

test "a recording reads back what was appended, at any offset, across chunks" {
    const bytes_before = memory.byte_count.load(.monotonic);
    var recording: Recording = .{};
    var piece: [10_007]u8 = undefined;
    for (0..100) |round| {
        for (&piece, 0..) |*byte, index| byte.* = @truncate((round * piece.len + index) *% 31);
        try recording.append(&piece);
    }
    try std.testing.expectEqual(100 * piece.len, recording.length);
    var out: [5_000]u8 = undefined;
    for ([_]u64{ 0, 1, chunk_bytes - 1, chunk_bytes, 3 * chunk_bytes - 2_500 }) |offset| {
        try std.testing.expectEqual(out.len, recording.read(offset, &out));
        for (out, 0..) |byte, index| {
            try std.testing.expectEqual(@as(u8, @truncate((offset + index) *% 31)), byte);
        }
    }
    try std.testing.expectEqual(3, recording.read(recording.length - 3, &out));
    try std.testing.expectEqual(0, recording.read(recording.length, &out));
    recording.deinit();
    try std.testing.expectEqual(bytes_before, memory.byte_count.load(.monotonic));
}
