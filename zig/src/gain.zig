//! Gain with linear ramps. At gain 1 no sample is touched, so what plays is bit for bit what was
//! given.

const std = @import("std");
const assert = std.debug.assert;
const Block = @import("block.zig").Block;
const sample = @import("sample.zig");

/// A value that moves in a straight line, frame by frame.
pub const Ramp = struct {
    value: f32,
    target: f32,
    frames_left: u32 = 0,

    pub fn constant(value: f32) Ramp {
        return .{ .value = value, .target = value };
    }

    pub fn moveTo(self: *Ramp, target: f32, frames: u32) void {
        self.target = target;
        self.frames_left = frames;
        if (frames == 0) self.value = target;
    }

    pub fn at(self: *const Ramp, frame: u32) f32 {
        if (frame >= self.frames_left) return self.target;
        const share = @as(f32, @floatFromInt(frame)) / @as(f32, @floatFromInt(self.frames_left));
        return self.value + (self.target - self.value) * share;
    }

    pub fn advance(self: *Ramp, frames: u32) void {
        self.value = self.at(frames);
        self.frames_left -|= frames;
    }

    pub fn isUnity(self: *const Ramp) bool {
        return self.frames_left == 0 and self.target == 1;
    }
};

/// Multiplies the block by both ramps, from where they are now.
pub fn apply(block: *const Block, level: *const Ramp, fade: *const Ramp) void {
    if (level.isUnity() and fade.isUnity()) return;
    switch (block.format) {
        inline else => |format| for (0..block.frames) |frame| {
            const factor = level.at(@intCast(frame)) * fade.at(@intCast(frame));
            for (block.channel[0..block.channels]) |channel| {
                sample.scale(format, channel + frame * block.stride_bytes, factor);
            }
        },
    }
}

test "a ramp split into blocks is the same line" {
    var ramp: Ramp = .constant(0);
    ramp.moveTo(1, 100);
    const whole = ramp;
    var frame: u32 = 0;
    for ([_]u32{ 13, 1, 50, 36, 10 }) |frames| {
        for (0..frames) |index| {
            try std.testing.expectApproxEqAbs(
                whole.at(frame + @as(u32, @intCast(index))),
                ramp.at(@intCast(index)),
                1e-6,
            );
        }
        ramp.advance(frames);
        frame += frames;
    }
    try std.testing.expect(ramp.isUnity());
}
