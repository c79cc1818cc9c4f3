//! What feeds a stream: a queue that JavaScript writes, or a native source that needs no JavaScript
//! while it plays. Rendering and advancing are two steps: frames that a device did not take after
//! all are rendered again.

const std = @import("std");
const abi = @import("abi.zig");
const Block = @import("block.zig").Block;
const Clip = @import("clip.zig").Clip;
const Queue = @import("queue.zig").Queue;
const Tone = @import("tone.zig").Tone;

pub const Source = union(abi.SourceKind) {
    queue: Queue,
    tone: Tone,
    clip: Clip,
    silence,

    pub fn destroy(self: *Source) void {
        switch (self.*) {
            .queue => |*queue| queue.destroy(),
            .clip => |*clip| clip.destroy(),
            .tone, .silence => {},
        }
    }

    /// Frames that can be had now.
    pub fn available(self: *const Source) u64 {
        return switch (self.*) {
            .queue => |*queue| queue.level(),
            .clip => |*clip| clip.available(),
            .tone, .silence => std.math.maxInt(u64),
        };
    }

    /// Sources that never end by themselves; a drain stops them at once.
    pub fn isEndless(self: *const Source) bool {
        return self.available() == std.math.maxInt(u64);
    }

    /// No further frame will ever come.
    pub fn isExhausted(self: *const Source) bool {
        return self.* == .clip and self.available() == 0;
    }

    pub fn render(self: *const Source, block: *const Block) void {
        switch (self.*) {
            .queue => |*queue| queue.render(block),
            .clip => |*clip| clip.render(block),
            .tone => |*tone| tone.render(block),
            .silence => block.silence(),
        }
    }

    /// The next frames as they lie in memory, in one piece and interleaved, where they do.
    pub fn contiguous(self: *const Source, frames: u32) ?[]const u8 {
        return switch (self.*) {
            .queue => |*queue| queue.contiguous(frames),
            .clip => |*clip| clip.contiguous(frames),
            .tone, .silence => null,
        };
    }

    pub fn advance(self: *Source, frames: u64) void {
        switch (self.*) {
            .queue => |*queue| queue.consume(frames),
            .clip => |*clip| clip.advance(frames),
            .tone => |*tone| tone.advance(frames),
            .silence => {},
        }
    }
};
