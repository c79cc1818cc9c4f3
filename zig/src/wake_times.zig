//! How far the device may go before the next wake-up.

const std = @import("std");

pub const Ring = struct {
    buffer_frames: u32,
    period_frames: u32,
    /// Frames to play, behind the fill.
    held_frames: u32,
    /// The pointer moves by whole periods.
    batch: bool = false,
    /// The queue has nothing more to give.
    dry: bool = false,
    /// What it gives may be waiting to be looked at.
    looked_at_early: bool = false,
    /// Room that somebody waits for.
    wanted_frames: u32 = 0,
    /// Frames until the end is heard, where that has been written.
    tail_frames: ?u64 = null,
};

/// Half a buffer of 4 periods and more, else a period; on a batch device a period earlier, since
/// what its pointer says can be so much behind. A source that ran dry is looked at again when the
/// ring runs empty, or half a period before; a write wakes earlier.
pub fn framesUntilWake(ring: Ring) u32 {
    const avail_frames = ring.buffer_frames - ring.held_frames;
    const transfer_frames = @max(transferFrames(ring), ring.wanted_frames);
    var frames = ring.held_frames;
    const early_frames = ring.period_frames / 2;
    if (ring.looked_at_early and frames > 2 * early_frames) frames -= early_frames;
    if (avail_frames < transfer_frames and !ring.dry) frames = transfer_frames - avail_frames;
    if (ring.tail_frames) |tail| frames = @intCast(@min(frames, tail));
    // Not more often than a coarse pointer moves.
    return @max(frames, ring.period_frames / 8, 1);
}

fn transferFrames(ring: Ring) u32 {
    const many = ring.buffer_frames / ring.period_frames >= 4;
    const frames = if (many) ring.buffer_frames / 2 else ring.period_frames;
    if (!ring.batch) return frames;
    return @max(frames -| ring.period_frames, ring.period_frames / 2);
}

const expectEqual = std.testing.expectEqual;

test "four periods and more are filled by halves, fewer by periods" {
    const four: Ring = .{ .buffer_frames = 960, .period_frames = 240, .held_frames = 960 };
    try expectEqual(480, framesUntilWake(four));
    const two: Ring = .{ .buffer_frames = 480, .period_frames = 240, .held_frames = 480 };
    try expectEqual(240, framesUntilWake(two));
    const three: Ring = .{ .buffer_frames = 720, .period_frames = 240, .held_frames = 700 };
    try expectEqual(220, framesUntilWake(three));
}

test "a batch device has a period of headroom" {
    var ring: Ring = .{
        .buffer_frames = 960,
        .period_frames = 240,
        .held_frames = 960,
        .batch = true,
    };
    try expectEqual(240, framesUntilWake(ring));
    ring.buffer_frames = 480;
    ring.held_frames = 480;
    try expectEqual(120, framesUntilWake(ring));
}

test "a dry queue and a tail are looked at when they end" {
    const half: Ring = .{ .buffer_frames = 960, .period_frames = 240, .held_frames = 300 };
    var ring = half;
    ring.dry = true;
    try expectEqual(300, framesUntilWake(ring));
    ring = .{ .buffer_frames = 960, .period_frames = 240, .held_frames = 960, .tail_frames = 77 };
    try expectEqual(77, framesUntilWake(ring));
    ring.tail_frames = 3;
    try expectEqual(30, framesUntilWake(ring));
}
