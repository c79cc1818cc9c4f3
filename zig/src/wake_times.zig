//! How far the device may go before the next wake-up.

const std = @import("std");

pub const Ring = struct {
    buffer_frames: u32,
    period_frames: u32,
    /// Frames to play, behind the fill.
    held_frames: u32,
    /// The pointer moves by whole periods.
    batch: bool = false,
    /// Nobody hears it, and only our clock says when it is empty.
    self_clocked: bool = false,
    /// What the source gives may be waiting to be looked at.
    looked_at_early: bool = false,
    /// Room that somebody waits for.
    wanted_frames: u32 = 0,
    /// Frames until the end is heard, where that has been written.
    tail_frames: ?u64 = null,

    /// Half a buffer of 4 periods and more, else a period. On a batch device a period earlier, since
    /// what its pointer says can be so much behind, but not long before it can have moved; by our
    /// own clock when a period is left.
    /// A ring that is `dry` got nothing although there was that much room: it is looked at again
    /// when it runs empty, or half a period before; a write wakes earlier.
    pub fn framesUntilWake(ring: *const Ring, dry: bool) u32 {
        const avail_frames = ring.buffer_frames - ring.held_frames;
        const transfer_frames = ring.transferFrames();
        var frames = ring.held_frames;
        const early_frames = ring.period_frames / 2;
        if (ring.looked_at_early and frames > 2 * early_frames) frames -= early_frames;
        if (avail_frames < transfer_frames and !dry) frames = transfer_frames - avail_frames;
        if (ring.tail_frames) |tail| frames = @intCast(@min(frames, tail));
        // Not more often than a coarse pointer moves.
        return @max(frames, ring.period_frames / 8, 1);
    }

    /// The room at which a wake-up is worth it.
    pub fn transferFrames(ring: *const Ring) u32 {
        const many = ring.buffer_frames / ring.period_frames >= 4;
        const frames = if (!many)
            ring.period_frames
        else if (ring.self_clocked)
            ring.buffer_frames - ring.period_frames
        else
            ring.buffer_frames / 2;
        const usual_frames = if (ring.batch)
            @max(frames -| ring.period_frames, ring.period_frames - ring.period_frames / 8)
        else
            frames;
        return @max(usual_frames, ring.wanted_frames);
    }
};

const expectEqual = std.testing.expectEqual;

test "four periods and more are filled by halves, fewer by periods" {
    const four: Ring = .{ .buffer_frames = 960, .period_frames = 240, .held_frames = 960 };
    try expectEqual(480, four.framesUntilWake(false));
    const two: Ring = .{ .buffer_frames = 480, .period_frames = 240, .held_frames = 480 };
    try expectEqual(240, two.framesUntilWake(false));
    const three: Ring = .{ .buffer_frames = 720, .period_frames = 240, .held_frames = 700 };
    try expectEqual(220, three.framesUntilWake(false));
}

test "a self-clocked sink is filled when a period is left" {
    var ring: Ring = .{
        .buffer_frames = 960,
        .period_frames = 240,
        .held_frames = 960,
        .self_clocked = true,
    };
    try expectEqual(720, ring.framesUntilWake(false));
    ring.held_frames = 700;
    try expectEqual(460, ring.framesUntilWake(false));
    ring = .{
        .buffer_frames = 480,
        .period_frames = 240,
        .held_frames = 480,
        .self_clocked = true,
    };
    try expectEqual(240, ring.framesUntilWake(false));
}

test "a batch device has a period of headroom" {
    var ring: Ring = .{
        .buffer_frames = 960,
        .period_frames = 240,
        .held_frames = 960,
        .batch = true,
    };
    try expectEqual(240, ring.framesUntilWake(false));
    ring.buffer_frames = 480;
    ring.held_frames = 480;
    try expectEqual(210, ring.framesUntilWake(false));
}

test "a dry queue and a tail are looked at when they end" {
    const half: Ring = .{ .buffer_frames = 960, .period_frames = 240, .held_frames = 300 };
    try expectEqual(300, half.framesUntilWake(true));
    var ring: Ring = .{
        .buffer_frames = 960,
        .period_frames = 240,
        .held_frames = 960,
        .tail_frames = 77,
    };
    try expectEqual(77, ring.framesUntilWake(false));
    ring.tail_frames = 3;
    try expectEqual(30, ring.framesUntilWake(false));
}
