//! What feeds a stream: a queue that JavaScript writes or a ring that it renders into, or a native
//! source that needs no JavaScript while it plays. Rendering and advancing are two steps: frames
//! that a device did not take after all are rendered again.

const std = @import("std");
const Block = @import("block.zig").Block;
const Clip = @import("clip.zig").Clip;
const Mix = @import("mix.zig").Mix;
const Queue = @import("queue.zig").Queue;
const Ring = @import("ring.zig").Ring;
const Tone = @import("tone.zig").Tone;

pub const Source = union(enum) {
    queue: Queue,
    ring: Ring,
    tone: Tone,
    clip: Clip,
    silence,
    mix: *Mix,

    pub fn destroy(self: *Source) void {
        switch (self.*) {
            .queue => |*queue| queue.destroy(),
            .ring => |*ring| ring.destroy(),
            .clip => |*clip| clip.destroy(),
            .mix => |mix| mix.destroy(),
            .tone, .silence => {},
        }
    }

    /// Frames that can be had now.
    pub fn available(self: *const Source) u64 {
        return switch (self.*) {
            .queue => |*queue| queue.level(),
            .ring => |*ring| ring.level(),
            .clip => |*clip| clip.available(),
            .tone, .silence, .mix => std.math.maxInt(u64),
        };
    }

    /// JavaScript gives the frames.
    pub fn isFed(self: *const Source) bool {
        return self.* == .queue or self.* == .ring;
    }

    /// Frames that JavaScript has given and the device has not got.
    pub fn level(self: *const Source) u32 {
        return if (self.isFed()) @intCast(self.available()) else 0;
    }

    /// Frames that JavaScript can give now, at most `capacity`.
    pub fn free(self: *const Source) u32 {
        return switch (self.*) {
            .queue => |*queue| queue.free(),
            .ring => |*ring| ring.free(),
            .tone, .clip, .silence, .mix => 0,
        };
    }

    pub fn capacity(self: *const Source) u32 {
        return switch (self.*) {
            .queue => |*queue| queue.capacity_frames,
            .ring => |*ring| ring.capacity_frames,
            .tone, .clip, .silence, .mix => 0,
        };
    }

    /// Position up to which JavaScript has given frames; of a mix, up to which play requests.
    pub fn given(self: *const Source) u64 {
        return switch (self.*) {
            .queue => |*queue| queue.written.load(.acquire),
            .ring => |*ring| ring.written.load(.acquire),
            .mix => |mix| mix.play_requests,
            .tone, .clip, .silence => 0,
        };
    }

    /// Frames from the next one to a position among those given; 0 if it was passed.
    pub fn until(self: *const Source, position: u64) u64 {
        return switch (self.*) {
            .queue => |*queue| position -| queue.read.load(.monotonic),
            .ring => |*ring| position -| ring.taken.load(.monotonic),
            .tone, .clip, .silence, .mix => 0,
        };
    }

    /// Sources that never end by themselves; a drain stops them at once, but a mix.
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
            .ring => {},
            .clip => |*clip| clip.render(block),
            .tone => |*tone| tone.render(block),
            .silence => block.silence(),
            .mix => |mix| mix.render(block),
        }
    }

    /// The next frames as they lie in memory, in one piece and interleaved, where they do.
    pub fn contiguous(self: *const Source, frames: u32) ?[]const u8 {
        return switch (self.*) {
            .queue => |*queue| queue.contiguous(frames),
            .clip => |*clip| clip.contiguous(frames),
            .ring, .tone, .silence, .mix => null,
        };
    }

    pub fn advance(self: *Source, frames: u64) void {
        switch (self.*) {
            .queue => |*queue| queue.consume(frames),
            .ring => |*ring| ring.take(frames),
            .clip => |*clip| clip.advance(frames),
            .tone => |*tone| tone.advance(frames),
            .silence => {},
            .mix => |mix| mix.advance(frames),
        }
    }
};
