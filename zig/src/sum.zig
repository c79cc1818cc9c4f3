//! The sum of interleaved samples, in floats and eight at a time. Integers are summed in units of
//! their last place, so one of them alone comes out as it went in; floats are summed as they are.

const std = @import("std");
const assert = std.debug.assert;
const sample = @import("sample.zig");
const Float = sample.Float;
const Format = sample.Format;

const lanes = 8;
const quiet: [1024]u8 = @splat(0);

pub const Sum = struct {
    format: Format,
    count: u32,
    storage: [capacity]f64,

    /// Samples in a sum at most: what is worked on stays in the fastest cache.
    pub const capacity = 2048;

    /// Begins a sum of so many samples.
    pub fn clear(self: *Sum, format: Format, count: u32) void {
        assert(count <= capacity);
        self.format = format;
        self.count = count;
        const bytes = switch (format) {
            inline else => |of| std.mem.sliceAsBytes(self.values(Float(of))),
        };
        // Copied, because the memset that Zig links in stores byte by byte.
        var at: usize = 0;
        while (at < bytes.len) : (at += quiet.len) {
            const part = @min(quiet.len, bytes.len - at);
            @memcpy(bytes[at..][0..part], quiet[0..part]);
        }
    }

    /// Adds samples times a factor, from one of the sum's on.
    pub fn add(self: *Sum, from: usize, samples: []const u8, factor: f32) void {
        switch (self.format) {
            inline else => |format| {
                const count = samples.len / comptime sample.bytesOf(format);
                accumulate(format, self.values(Float(format))[from..][0..count], samples, factor);
            },
        }
    }

    /// Adds a value of full scale 1 for each frame, the same on all channels.
    pub fn addMono(self: *Sum, from: usize, frame_values: []const f32, channels: u32) void {
        const scale: f64 = switch (self.format) {
            inline else => |format| sample.fullScale(format),
        };
        const count = frame_values.len * channels;
        switch (self.format) {
            inline .f32, .f64 => |of| {
                const sums = self.values(Float(of))[from..][0..count];
                accumulateMono(Float(of), sums, frame_values, 1);
            },
            .s32 => accumulateMono(f64, self.values(f64)[from..][0..count], frame_values, scale),
            .u8, .s16, .s24, .s24_3 => accumulateMono(
                f32,
                self.values(f32)[from..][0..count],
                frame_values,
                @floatCast(scale),
            ),
        }
    }

    /// Rounds integers half away from zero, and clips them.
    pub fn store(self: *Sum, to: []u8) void {
        switch (self.format) {
            inline else => |format| storeAll(format, to, self.values(Float(format))),
        }
    }

    fn values(self: *Sum, comptime Value: type) []Value {
        const all: *[capacity]Value = @ptrCast(&self.storage);
        return all[0..self.count];
    }
};

fn accumulate(
    comptime format: Format,
    sums: []Float(format),
    samples: []const u8,
    factor: f32,
) void {
    const bytes = comptime sample.bytesOf(format);
    assert(samples.len == sums.len * bytes);
    const unit = 1.0 / @as(comptime_float, 1 << comptime liftOf(format));
    const factors: @Vector(lanes, Float(format)) = @splat(factor * unit);
    var at: usize = 0;
    while (at + lanes <= sums.len) : (at += lanes) {
        const loaded = loadLanes(format, samples[at * bytes ..][0 .. lanes * bytes]);
        const sum: *[lanes]Float(format) = sums[at..][0..lanes];
        sum.* = @as(@Vector(lanes, Float(format)), sum.*) + loaded * factors;
    }
    for (sums[at..], at..) |*sum, index| {
        sum.* += sample.loadUnits(format, samples[index * bytes ..].ptr) * factor;
    }
}

fn accumulateMono(
    comptime Value: type,
    sums: []Value,
    frame_values: []const f32,
    scale: Value,
) void {
    const channels = sums.len / frame_values.len;
    for (frame_values, 0..) |value, frame| {
        const units = value * scale;
        for (sums[frame * channels ..][0..channels]) |*sum| sum.* += units;
    }
}

fn storeAll(comptime format: Format, to: []u8, sums: []const Float(format)) void {
    const bytes = comptime sample.bytesOf(format);
    assert(to.len == sums.len * bytes);
    switch (format) {
        .f32, .f64 => @memcpy(to, std.mem.sliceAsBytes(sums)),
        else => {
            var at: usize = 0;
            while (at + lanes <= sums.len) : (at += lanes) {
                storeLanes(format, to[at * bytes ..][0 .. lanes * bytes], sums[at..][0..lanes].*);
            }
            if (at == sums.len) return;
            var rest: [lanes]Float(format) = @splat(0);
            @memcpy(rest[0 .. sums.len - at], sums[at..]);
            var stored: [lanes * bytes]u8 = undefined;
            storeLanes(format, &stored, rest);
            @memcpy(to[at * bytes ..], stored[0 .. to.len - at * bytes]);
        },
    }
}

/// By how many bits loaded integers are shifted up: into the top of a word, where that saves
/// extending the sign, and where every one of them is a float all the same.
fn liftOf(comptime format: Format) u5 {
    return switch (format) {
        .s16 => 16,
        .s24, .s24_3 => 8,
        .u8, .s32, .f32, .f64 => 0,
    };
}

fn loadLanes(
    comptime format: Format,
    from: *const [lanes * sample.bytesOf(format)]u8,
) @Vector(lanes, Float(format)) {
    switch (format) {
        .f32, .f64 => return @bitCast(from.*),
        .u8 => {
            const integers: @Vector(lanes, i32) = @as(@Vector(lanes, u8), from.*);
            return @floatFromInt(integers - @as(@Vector(lanes, i32), @splat(128)));
        },
        .s16 => {
            const integers: @Vector(lanes, i16) = @bitCast(from.*);
            const zeros: @Vector(lanes, i16) = @splat(0);
            const pairs: @Vector(2 * lanes, i16) = std.simd.interlace(.{ zeros, integers });
            return @floatFromInt(@as(@Vector(lanes, i32), @bitCast(pairs)));
        },
        .s24 => {
            const words: @Vector(lanes, i32) = @bitCast(from.*);
            return @floatFromInt(words << @as(@Vector(lanes, u5), @splat(8)));
        },
        .s32 => {
            const integers: @Vector(lanes, i32) = @bitCast(from.*);
            return @floatFromInt(integers);
        },
        .s24_3 => {
            var words: [lanes]i32 = undefined;
            words[0] = std.mem.readInt(i32, from[0..4], .little) << 8;
            // With the last byte of the sample before, which is masked.
            inline for (words[1..], 1..) |*word, lane| {
                word.* = std.mem.readInt(i32, from[lane * 3 - 1 ..][0..4], .little);
            }
            const mask: @Vector(lanes, i32) = @splat(-256);
            return @floatFromInt(@as(@Vector(lanes, i32), words) & mask);
        },
    }
}

fn storeLanes(
    comptime format: Format,
    to: *[lanes * sample.bytesOf(format)]u8,
    sums: @Vector(lanes, Float(format)),
) void {
    const integers = nearest(format, sums);
    switch (format) {
        .u8 => {
            const middle: @Vector(lanes, i32) = @splat(128);
            to.* = @as(@Vector(lanes, u8), @intCast(integers + middle));
        },
        .s16 => to.* = @bitCast(@as(@Vector(lanes, i16), @intCast(integers))),
        .s24, .s32 => to.* = @bitCast(integers),
        .s24_3 => inline for (0..lanes) |lane| {
            std.mem.writeInt(i24, to[lane * 3 ..][0..3], @intCast(integers[lane]), .little);
        },
        .f32, .f64 => comptime unreachable,
    }
}

fn nearest(
    comptime format: Format,
    sums: @Vector(lanes, Float(format)),
) @Vector(lanes, i32) {
    const Vector = @Vector(lanes, Float(format));
    const highest: Vector = @splat(sample.fullScale(format));
    const lowest: Vector = @splat(-sample.fullScale(format) - 1);
    const half: Vector = @splat(0.5);
    const rounded = sums + @select(Float(format), sums < @as(Vector, @splat(0)), -half, half);
    const below = @select(Float(format), rounded < highest, rounded, highest);
    const clipped = @select(Float(format), below > lowest, below, lowest);
    return @intFromFloat(clipped);
}

const testing = std.testing;

test "one sample alone comes out as it went in, in every integer format" {
    var prng: std.Random.DefaultPrng = .init(3);
    var sum: Sum = undefined;
    inline for (.{ .u8, .s16, .s24, .s24_3, .s32 }) |format| {
        const count = 1003;
        const bytes = comptime sample.bytesOf(format);
        var samples: [count * bytes]u8 = undefined;
        prng.random().bytes(&samples);
        if (format == .s24) for (0..count) |index| {
            const at = samples[index * 4 ..][0..4];
            std.mem.writeInt(i32, at, std.mem.readInt(i24, at[0..3], .little), .little);
        };
        sum.clear(format, count);
        sum.add(0, &samples, 1);
        var stored: [count * bytes]u8 = undefined;
        sum.store(&stored);
        try testing.expectEqualSlices(u8, &samples, &stored);
    }
}

test "sums are clipped at both ends, and rounded half away from zero" {
    const samples = [_]i16{ 32_767, -32_768, 1, -1, 3, -3, 0, 100, 7 };
    var stored: [samples.len]i16 = undefined;
    var sum: Sum = undefined;
    sum.clear(.s16, samples.len);
    sum.add(0, std.mem.sliceAsBytes(&samples), 1);
    sum.add(0, std.mem.sliceAsBytes(&samples), 0.5);
    sum.store(std.mem.sliceAsBytes(&stored));
    const expected = [_]i16{ 32_767, -32_768, 2, -2, 5, -5, 0, 150, 11 };
    try testing.expectEqualSlices(i16, &expected, &stored);
}

test "samples are added from one of the sum's on, a value for a frame to all its channels" {
    const samples = [_]f32{ 1, 2, 3 };
    var stored: [6]f32 = undefined;
    var sum: Sum = undefined;
    sum.clear(.f32, 6);
    sum.add(3, std.mem.sliceAsBytes(&samples), 2);
    sum.addMono(2, &.{ 0.5, -1 }, 2);
    sum.store(std.mem.sliceAsBytes(&stored));
    try testing.expectEqualSlices(f32, &.{ 0, 0, 0.5, 2.5, 3, 5 }, &stored);
}
