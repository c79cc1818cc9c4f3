//! A sound in native memory: interleaved frames, played once or for ever.

const std = @import("std");
const assert = std.debug.assert;
const Block = @import("block.zig").Block;
const memory = @import("memory.zig");

pub const Clip = struct {
    samples: []const u8,
    /// The clip's own memory, or none.
    owned: memory.Bytes = &.{},
    frames: u32,
    frame_bytes: u32,
    loop: bool,
    position: u32 = 0,

    /// Copies the samples.
    pub fn create(source: []const u8, frame_bytes: u32, loop: bool) memory.Error!Clip {
        const bytes = try memory.map(source.len);
        @memcpy(bytes[0..source.len], source);
        var clip: Clip = .of(bytes[0..source.len], frame_bytes, loop);
        clip.owned = bytes;
        return clip;
    }

    /// Plays memory that belongs to somebody else, and is not destroyed.
    pub fn of(samples: []const u8, frame_bytes: u32, loop: bool) Clip {
        assert(samples.len > 0 and samples.len % frame_bytes == 0);
        return .{
            .samples = samples,
            .frames = @intCast(samples.len / frame_bytes),
            .frame_bytes = frame_bytes,
            .loop = loop,
        };
    }

    pub fn destroy(self: *Clip) void {
        memory.unmap(self.owned);
        self.* = undefined;
    }

    pub fn available(self: *const Clip) u64 {
        return if (self.loop) std.math.maxInt(u64) else self.frames - self.position;
    }

    /// From the present position to the clip's end, at most `frames`.
    pub fn contiguous(self: *const Clip, frames: u32) []const u8 {
        return self.span(self.position, frames);
    }

    /// As `contiguous`, from `offset` frames further on.
    pub fn ahead(self: *const Clip, offset: u32, frames: u32) []const u8 {
        const position = @as(u64, self.position) + offset;
        return self.span(@intCast(if (self.loop) position % self.frames else position), frames);
    }

    pub fn render(self: *const Clip, block: *const Block) void {
        assert(block.frames <= self.available());
        var rest = block.*;
        var position = self.position;
        while (rest.frames > 0) {
            const part = self.span(position, rest.frames);
            const frames: u32 = @intCast(part.len / self.frame_bytes);
            rest.first(frames).copyInterleaved(part);
            rest = rest.from(frames);
            position = if (position + frames == self.frames) 0 else position + frames;
        }
    }

    pub fn advance(self: *Clip, frames: u64) void {
        assert(frames <= self.available());
        const position = self.position + frames;
        self.position = @intCast(if (self.loop) position % self.frames else position);
    }

    fn span(self: *const Clip, position: u32, frames: u32) []const u8 {
        const length = @min(frames, self.frames - position);
        const from = @as(usize, position) * self.frame_bytes;
        return self.samples[from..][0 .. @as(usize, length) * self.frame_bytes];
    }
};

test "a looping clip repeats without a seam, one that does not ends" {
    const source = [_]u8{ 1, 2, 3 };
    var clip: Clip = try .create(&source, 1, true);
    defer clip.destroy();
    var memory_: [8]u8 = undefined;
    clip.render(&.ofInterleaved(&memory_, 1, .u8, 8));
    try std.testing.expectEqualSlices(u8, &.{ 1, 2, 3, 1, 2, 3, 1, 2 }, &memory_);
    clip.advance(8);
    try std.testing.expectEqual(2, clip.position);

    var once: Clip = try .create(&source, 1, false);
    defer once.destroy();
    once.advance(2);
    try std.testing.expectEqual(1, once.available());
}
