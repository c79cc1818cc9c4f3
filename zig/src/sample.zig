//! The sample formats: their sizes, their silence, and conversion from and to a float at full scale
//! 1.

const std = @import("std");
const abi = @import("abi.zig");
const alsa = @import("alsa/libasound.zig");

pub const Format = abi.Format;

/// The most channels a stream may have, and the widest sample.
pub const max_channels = 32;
pub const max_sample_bytes = 8;

pub fn bytesOf(format: Format) u32 {
    return switch (format) {
        .u8 => 1,
        .s16 => 2,
        .s24_3 => 3,
        .s24, .s32, .f32 => 4,
        .f64 => 8,
    };
}

pub fn toAlsa(format: Format) alsa.PcmFormat {
    return switch (format) {
        .u8 => .u8,
        .s16 => .s16_le,
        .s24 => .s24_le,
        .s24_3 => .s24_3le,
        .s32 => .s32_le,
        .f32 => .float_le,
        .f64 => .float64_le,
    };
}

pub fn fromAlsa(format: alsa.PcmFormat) ?Format {
    inline for (@typeInfo(Format).@"enum".fields) |field| {
        const candidate: Format = @enumFromInt(field.value);
        if (toAlsa(candidate) == format) return candidate;
    }
    return null;
}

/// Every byte of silence is the same byte in all formats.
pub fn silenceByte(format: Format) u8 {
    return if (format == .u8) 0x80 else 0;
}

/// The float that holds every value of the format without loss where one does.
pub fn Float(comptime format: Format) type {
    return switch (format) {
        .u8, .s16, .s24, .s24_3, .f32 => f32,
        .s32, .f64 => f64,
    };
}

/// Largest positive integer value; the negative one is allowed one step more.
pub fn fullScale(comptime format: Format) comptime_int {
    return switch (format) {
        .u8 => 127,
        .s16 => 32_767,
        .s24, .s24_3 => 8_388_607,
        .s32 => 2_147_483_647,
        .f32, .f64 => 1,
    };
}

/// Stores `value` (full scale 1, clipped) at `at`.
pub fn store(comptime format: Format, at: [*]u8, value: Float(format)) void {
    switch (format) {
        .f32, .f64 => std.mem.writeInt(
            if (format == .f32) u32 else u64,
            at[0..comptime bytesOf(format)],
            @bitCast(value),
            .little,
        ),
        else => storeInteger(format, at, @as(f64, value) * fullScale(format)),
    }
}

/// Stores the first `count` values, already multiplied by full scale and within it, `stride_bytes`
/// apart; integers are rounded to the nearest.
pub fn storeScaled(
    comptime format: Format,
    comptime lanes: comptime_int,
    at: [*]u8,
    stride_bytes: u32,
    values: @Vector(lanes, f64),
    count: usize,
) void {
    const Stored = switch (format) {
        .u8 => u8,
        .s16 => i16,
        .s24, .s32 => i32,
        .s24_3 => i24,
        .f32 => f32,
        .f64 => f64,
    };
    const stored: [lanes]Stored = switch (format) {
        .f32, .f64 => @as(@Vector(lanes, Stored), @floatCast(values)),
        .u8 => stored: {
            const middle: @Vector(lanes, i32) = @splat(128);
            break :stored @as(@Vector(lanes, u8), @intCast(roundAll(lanes, values) + middle));
        },
        else => @as(@Vector(lanes, Stored), @intCast(roundAll(lanes, values))),
    };
    const bytes = comptime bytesOf(format);
    if (count == lanes and stride_bytes == bytes and @sizeOf(Stored) == bytes) {
        const whole: [lanes * bytes]u8 = @bitCast(stored);
        at[0 .. lanes * bytes].* = whole;
        return;
    }
    for (stored[0..count], 0..) |value, lane| {
        const Word = @Int(.unsigned, bytes * 8);
        std.mem.writeInt(Word, (at + lane * stride_bytes)[0..bytes], @bitCast(value), .little);
    }
}

/// Rounds as the processor does: where a double has no bits left for a fraction, the low ones are
/// the integer.
fn roundAll(comptime lanes: comptime_int, values: @Vector(lanes, f64)) @Vector(lanes, i32) {
    const integers_only: @Vector(lanes, f64) = @splat(3 << 51);
    const bits: @Vector(lanes, u64) = @bitCast(values + integers_only);
    return @bitCast(@as(@Vector(lanes, u32), @truncate(bits)));
}

pub fn load(comptime format: Format, at: [*]const u8) Float(format) {
    switch (format) {
        .f32 => return @bitCast(std.mem.readInt(u32, at[0..4], .little)),
        .f64 => return @bitCast(std.mem.readInt(u64, at[0..8], .little)),
        else => {
            const integer: Float(format) = @floatFromInt(loadInteger(format, at));
            return integer / fullScale(format);
        },
    }
}

/// An integer as it is, in units of its last place; a float as it is.
pub fn loadUnits(comptime format: Format, at: [*]const u8) Float(format) {
    return switch (format) {
        .f32, .f64 => load(format, at),
        else => @floatFromInt(loadInteger(format, at)),
    };
}

/// `load` times `factor`, stored again; integers are rounded and clipped.
pub fn scale(comptime format: Format, at: [*]u8, factor: f32) void {
    switch (format) {
        .f32, .f64 => store(format, at, load(format, at) * factor),
        else => {
            const integer: f64 = @floatFromInt(loadInteger(format, at));
            storeInteger(format, at, integer * factor);
        },
    }
}

fn loadInteger(comptime format: Format, at: [*]const u8) i32 {
    return switch (format) {
        .u8 => @as(i32, at[0]) - 128,
        .s16 => std.mem.readInt(i16, at[0..2], .little),
        .s24 => std.mem.readInt(i24, at[0..3], .little),
        .s24_3 => std.mem.readInt(i24, at[0..3], .little),
        .s32 => std.mem.readInt(i32, at[0..4], .little),
        .f32, .f64 => comptime unreachable,
    };
}

/// Rounds half away from zero and clips. No @round: without SSE4.1 that is a call a sample.
fn storeInteger(comptime format: Format, at: [*]u8, value: f64) void {
    const limit = fullScale(format);
    const nearest = value + @as(f64, if (value < 0) -0.5 else 0.5);
    // Written so that NaN takes the first branch.
    const clipped: i32 = if (!(nearest > -limit - 1))
        -limit - 1
    else if (nearest >= limit)
        limit
    else
        @intFromFloat(nearest);
    switch (format) {
        .u8 => at[0] = @intCast(clipped + 128),
        .s16 => std.mem.writeInt(i16, at[0..2], @intCast(clipped), .little),
        .s24 => std.mem.writeInt(i32, at[0..4], clipped, .little),
        .s24_3 => std.mem.writeInt(i24, at[0..3], @intCast(clipped), .little),
        .s32 => std.mem.writeInt(i32, at[0..4], clipped, .little),
        .f32, .f64 => comptime unreachable,
    }
}

test "storing what was loaded gives the same bits for every format" {
    var prng: std.Random.DefaultPrng = .init(7);
    inline for (@typeInfo(Format).@"enum".fields) |field| {
        const format: Format = @enumFromInt(field.value);
        for (0..2000) |_| {
            var bytes: [max_sample_bytes]u8 = @splat(0);
            const value: Float(format) = @floatCast(prng.random().float(f64) * 2 - 1);
            store(format, &bytes, value);
            var again: [max_sample_bytes]u8 = @splat(0);
            store(format, &again, load(format, &bytes));
            try std.testing.expectEqualSlices(u8, &bytes, &again);
        }
    }
}

test "values outside full scale are clipped, and NaN is the lowest value" {
    var bytes: [4]u8 = undefined;
    store(.s16, &bytes, 1.5);
    try std.testing.expectEqual(32_767, std.mem.readInt(i16, bytes[0..2], .little));
    store(.s16, &bytes, -1.5);
    try std.testing.expectEqual(-32_768, std.mem.readInt(i16, bytes[0..2], .little));
    store(.s32, &bytes, 2);
    try std.testing.expectEqual(2_147_483_647, std.mem.readInt(i32, bytes[0..4], .little));
    store(.s16, &bytes, std.math.nan(f32));
    try std.testing.expectEqual(-32_768, std.mem.readInt(i16, bytes[0..2], .little));
}
