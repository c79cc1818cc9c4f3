//! A sine of constant frequency, phase-continuous from open to close. Within a block the values
//! come from those before, eight frames at a time: sin(a + b) = 2 cos(b) sin(a) - sin(a - b).

const std = @import("std");
const assert = std.debug.assert;
const Block = @import("block.zig").Block;
const sample = @import("sample.zig");

const lanes = 8;
const Vector = @Vector(lanes, f64);

pub const Tone = struct {
    /// In turns, 0 <= phase < 1; f64, so that a day of audio keeps its phase.
    phase: f64 = 0,
    turns_per_frame: f64,
    amplitude: f32,

    pub fn init(frequency_hz: f64, amplitude: f32, rate: u32) Tone {
        assert(frequency_hz >= 0 and frequency_hz <= @as(f64, @floatFromInt(rate)) / 2);
        assert(amplitude >= 0 and amplitude <= 1);
        return .{
            .turns_per_frame = frequency_hz / @as(f64, @floatFromInt(rate)),
            .amplitude = amplitude,
        };
    }

    /// Fills the block with what comes next, without advancing.
    pub fn render(self: *const Tone, block: *const Block) void {
        switch (block.format) {
            inline else => |format| self.renderFormat(format, block),
        }
    }

    pub fn advance(self: *Tone, frames: u64) void {
        self.phase = self.phaseAt(frames);
    }

    fn phaseAt(self: *const Tone, frame: u64) f64 {
        const turns = self.phase + self.turns_per_frame * @as(f64, @floatFromInt(frame));
        // Never negative; @floor would be a call without SSE4.1.
        const whole: u64 = @intFromFloat(turns);
        return turns - @as(f64, @floatFromInt(whole));
    }

    fn renderFormat(self: *const Tone, comptime format: sample.Format, block: *const Block) void {
        const factor = @as(f64, self.amplitude) * sample.fullScale(format);
        const lane_turns = std.simd.iota(f64, lanes) * splat(self.turns_per_frame);
        const eight_turns = self.turns_per_frame * lanes;
        // A block back; a turn more keeps it positive.
        const before = lane_turns + splat(self.phase + 1 - (eight_turns - @trunc(eight_turns)));
        var previous = sineOfTurns(before) * splat(factor);
        var values = sineOfTurns(lane_turns + splat(self.phase)) * splat(factor);
        const double_cosine = splat(2 * sineOfTurns(splat(eight_turns + 0.25))[0]);

        var frame: u32 = 0;
        while (frame < block.frames) : (frame += lanes) {
            const at = @as(usize, frame) * block.stride_bytes;
            const count = @min(lanes, block.frames - frame);
            for (block.channel[0..block.channels]) |channel| {
                sample.storeScaled(format, lanes, channel + at, block.stride_bytes, values, count);
            }
            const next = double_cosine * values - previous;
            previous = values;
            values = next;
        }
    }
};

fn splat(value: f64) Vector {
    return @splat(value);
}

/// sin(2 pi t) by its Taylor series up to the 19th power on the quarter turn around 0; the
/// remainder is below (pi/2)^21/21! = 2.6e-16.
fn sineOfTurns(turns: Vector) Vector {
    const half = splat(0.5);
    // To -1/2 .. 1/2, then fold at a quarter turn: sin(pi - x) = sin(x). Turns are never negative,
    // and @round would be a call a lane without SSE4.1.
    const nearest: @Vector(lanes, i32) = @intFromFloat(turns + half);
    const centred = turns - @as(Vector, @floatFromInt(nearest));
    const magnitude = @abs(centred);
    const folded_magnitude = @min(magnitude, half - magnitude);
    const folded = @select(f64, centred < splat(0), -folded_magnitude, folded_magnitude);

    const x = folded * splat(std.math.tau);
    const square = x * x;
    var sum = splat(0);
    comptime var power = 19;
    inline while (power >= 1) : (power -= 2) {
        const sign = if (power % 4 == 1) 1.0 else -1.0;
        sum = sum * square + splat(sign / factorial(power));
    }
    return sum * x;
}

fn factorial(comptime n: comptime_int) comptime_float {
    return if (n == 0) 1 else n * factorial(n - 1);
}

test "the tone is a sine to within a 24-bit sample" {
    var tone: Tone = .init(997, 1, 48_000);
    var memory: [480 * 4]u8 = undefined;
    const block: Block = .ofInterleaved(&memory, 1, .f32, 480);
    for (0..10) |round| {
        tone.render(&block);
        for (0..480) |frame| {
            const n: f64 = @floatFromInt(round * 480 + frame);
            const expected = @sin(std.math.tau * 997.0 * n / 48_000.0);
            const got = sample.load(.f32, memory[frame * 4 ..].ptr);
            try std.testing.expectApproxEqAbs(expected, got, 1.0 / 16_777_216.0);
        }
        tone.advance(480);
    }
}

test "the lowest tone of the highest rate is as exact at the end of a long block" {
    const rate = 768_000;
    const frames = 16_384;
    const tone: Tone = .init(1, 1, rate);
    const memory = try std.testing.allocator.alloc(u8, frames * 8);
    defer std.testing.allocator.free(memory);
    tone.render(&.ofInterleaved(memory.ptr, 1, .f64, frames));
    for (0..frames) |frame| {
        const expected = @sin(std.math.tau * @as(f64, @floatFromInt(frame)) / rate);
        const got = sample.load(.f64, memory[frame * 8 ..].ptr);
        try std.testing.expectApproxEqAbs(expected, got, 1e-8);
    }
}

test "splitting a tone into blocks of any size changes no bit beyond rounding of the phase" {
    var whole: Tone = .init(441.7, 0.5, 44_100);
    var parts = whole;
    var expected: [100 * 2]u8 = undefined;
    whole.render(&.ofInterleaved(&expected, 1, .s16, 100));
    var got: [100 * 2]u8 = undefined;
    var at: usize = 0;
    for ([_]u32{ 1, 7, 8, 33, 51 }) |frames| {
        parts.render(&.ofInterleaved(got[at * 2 ..].ptr, 1, .s16, frames));
        parts.advance(frames);
        at += frames;
    }
    for (0..100) |frame| {
        const difference = @as(i32, std.mem.readInt(i16, expected[frame * 2 ..][0..2], .little)) -
            std.mem.readInt(i16, got[frame * 2 ..][0..2], .little);
        try std.testing.expect(@abs(difference) <= 1);
    }
}
