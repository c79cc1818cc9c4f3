//! The queue between JavaScript and the realtime thread: a lock-free ring of interleaved frames
//! with one producer and one consumer. Positions count frames since open and never wrap in
//! practice.

const std = @import("std");
const assert = std.debug.assert;
const Block = @import("block.zig").Block;
const memory = @import("memory.zig");
const Span = @import("ring.zig").Span;

pub const Queue = struct {
    bytes: []u8,
    /// `bytes` is this queue's own.
    owned: bool,
    capacity_frames: u32,
    frame_bytes: u32,
    /// Advanced by the producer only.
    written: std.atomic.Value(u64) = .init(0),
    /// Advanced by the consumer only.
    read: std.atomic.Value(u64) = .init(0),

    pub fn create(capacity_frames: u32, frame_bytes: u32) memory.Error!Queue {
        const bytes = try memory.map(@as(usize, capacity_frames) * frame_bytes);
        var queue: Queue = .over(bytes, capacity_frames, frame_bytes);
        queue.owned = true;
        return queue;
    }

    /// In memory of somebody else's.
    pub fn over(bytes: []u8, capacity_frames: u32, frame_bytes: u32) Queue {
        assert(bytes.len >= @as(usize, capacity_frames) * frame_bytes);
        return .{
            .bytes = bytes,
            .owned = false,
            .capacity_frames = capacity_frames,
            .frame_bytes = frame_bytes,
        };
    }

    pub fn destroy(self: *Queue) void {
        if (self.owned) memory.unmap(@alignCast(self.bytes));
        self.* = undefined;
    }

    /// Frames that wait to be consumed. Exact on either side for what it may rely on: the consumer
    /// never sees more than there is, the producer never less than there is.
    pub fn level(self: *const Queue) u32 {
        const read = self.read.load(.seq_cst);
        return @intCast(self.written.load(.seq_cst) - read);
    }

    pub fn free(self: *const Queue) u32 {
        return self.capacity_frames - self.level();
    }

    /// Producer: takes as many whole frames as there is room for.
    pub fn push(self: *Queue, source: []const u8) u32 {
        assert(source.len % self.frame_bytes == 0);
        const frames: u32 = @intCast(@min(source.len / self.frame_bytes, self.free()));
        const position = self.written.load(.monotonic);
        const head = self.span(position, frames);
        @memcpy(head, source[0..head.len]);
        const tail = self.bytes[0 .. @as(usize, frames) * self.frame_bytes - head.len];
        @memcpy(tail, source[head.len..][0..tail.len]);
        self.written.store(position + frames, .seq_cst);
        return frames;
    }

    /// Producer: where the next frames go, in one piece and at most `frames`; null without room.
    pub fn begin(self: *Queue, frames: u32) ?Span {
        const position = self.written.load(.monotonic);
        const piece = self.span(position, @min(frames, self.free()));
        if (piece.len == 0) return null;
        return .{
            .offset_frames = @intCast(position % self.capacity_frames),
            .frames = @intCast(piece.len / self.frame_bytes),
            .position = position,
        };
    }

    /// Producer: that many of the frames begun are there.
    pub fn end(self: *Queue, frames: u32) void {
        assert(frames <= self.free());
        self.written.store(self.written.load(.monotonic) + frames, .seq_cst);
    }

    /// Consumer: copies the next frames without consuming them.
    pub fn render(self: *const Queue, block: *const Block) void {
        assert(block.frames <= self.level());
        const position = self.read.load(.monotonic);
        const head = self.span(position, block.frames);
        const head_frames: u32 = @intCast(head.len / self.frame_bytes);
        block.first(head_frames).copyInterleaved(head);
        if (head_frames == block.frames) return;
        const tail_frames = block.frames - head_frames;
        const tail = self.bytes[0 .. @as(usize, tail_frames) * self.frame_bytes];
        block.from(head_frames).copyInterleaved(tail);
    }

    /// Consumer: the next frames that lie in one piece, at most `frames`.
    pub fn contiguous(self: *const Queue, frames: u32) []const u8 {
        assert(frames <= self.level());
        return self.span(self.read.load(.monotonic), frames);
    }

    /// Consumer: as `contiguous`, from `offset` frames further on.
    pub fn ahead(self: *const Queue, offset: u32, frames: u32) []const u8 {
        return self.span(self.read.load(.monotonic) + offset, frames);
    }

    pub fn consume(self: *Queue, frames: u64) void {
        assert(frames <= self.level());
        self.read.store(self.read.load(.monotonic) + frames, .seq_cst);
    }

    /// From `position` to `frames` later or to the end of the ring, whichever comes first.
    fn span(self: *const Queue, position: u64, frames: u32) []u8 {
        const start: u32 = @intCast(position % self.capacity_frames);
        const length = @min(frames, self.capacity_frames - start);
        const from = @as(usize, start) * self.frame_bytes;
        return self.bytes[from..][0 .. @as(usize, length) * self.frame_bytes];
    }
};

test "random pushes and renders across the ring's end keep every byte in order" {
    var queue: Queue = try .create(97, 2);
    defer queue.destroy();
    var prng: std.Random.DefaultPrng = .init(1);
    const random = prng.random();
    var pushed: u16 = 0;
    var rendered: u16 = 0;
    for (0..5000) |_| {
        var source: [60][2]u8 = undefined;
        const offered = random.uintAtMost(usize, source.len);
        for (source[0..offered], 0..) |*frame, index| {
            std.mem.writeInt(u16, frame, pushed +% @as(u16, @intCast(index)), .little);
        }
        pushed +%= @intCast(queue.push(std.mem.sliceAsBytes(source[0..offered])));

        var target: [60][2]u8 = undefined;
        const wanted: u32 = @min(random.uintAtMost(u32, target.len), queue.level());
        const block: Block = .ofInterleaved(@ptrCast(&target), 1, .s16, wanted);
        queue.render(&block);
        for (target[0..wanted]) |frame| {
            try std.testing.expectEqual(rendered, std.mem.readInt(u16, &frame, .little));
            rendered +%= 1;
        }
        queue.consume(wanted);
    }
    try std.testing.expect(rendered > 1000);
}
