//! Log-scaled histograms that one thread fills and any other reads: eight buckets an octave, so
//! that a percentile is right within 7 %, and the maximum is exact. Recording is a few
//! instructions and never waits.

const std = @import("std");
const assert = std.debug.assert;

const octave_bits = 3;
const octave_buckets = 1 << octave_bits;

/// What a histogram tells apart. It takes 32 bytes an octave.
pub const Range = struct {
    /// Steps of values below eight times this, a power of two.
    unit: u64 = 1,
    /// Values from this power of two on share one bucket.
    limit: u64,

    /// From 128 ns to 4.3 s.
    pub const duration: Range = .{ .unit = 1 << 7, .limit = 1 << 32 };
    /// Up to 22 seconds of 48 kHz.
    pub const frames: Range = .{ .limit = 1 << 20 };

    fn bucketCount(comptime range: Range) u16 {
        return range.bucketOf(range.limit) + 1;
    }

    fn bucketOf(comptime range: Range, value: u64) u16 {
        const units = @min(value, range.limit) / range.unit;
        if (units < octave_buckets) return @intCast(units);
        const exponent: u64 = std.math.log2_int(u64, units);
        const mantissa = (units >> @intCast(exponent - octave_bits)) - octave_buckets;
        return @intCast((exponent - octave_bits + 1) * octave_buckets + mantissa);
    }

    /// The middle of a bucket; of the first one its begin, of the last one that it has none.
    fn valueOf(comptime range: Range, bucket: usize) u64 {
        if (bucket == 0) return 0;
        if (bucket == range.bucketCount() - 1) return std.math.maxInt(u64);
        if (bucket < octave_buckets) return bucket * range.unit + range.unit / 2;
        const shift: u6 = @intCast(bucket / octave_buckets - 1);
        const low = (octave_buckets + @as(u64, bucket % octave_buckets)) << shift;
        return low * range.unit + (range.unit << shift) / 2;
    }
};

/// One histogram for each field of an enum, which has a function `range` that tells its `Range`.
pub fn Histograms(comptime Quantity: type) type {
    return struct {
        /// Beside each other: with many streams what recording costs is the memory it touches.
        greatest: [quantities.len]std.atomic.Value(u64) = @splat(.init(0)),
        /// Where the last value was counted, and the next one likely will be.
        last: [quantities.len]u16 = firsts[0..quantities.len].*,
        counts: [firsts[quantities.len]]std.atomic.Value(u32) = @splat(.init(0)),

        const Self = @This();
        const quantities = std.enums.values(Quantity);

        /// The first bucket of each, and behind them all.
        const firsts = firsts: {
            var array: [quantities.len + 1]u16 = undefined;
            array[0] = 0;
            for (quantities, 0..) |quantity, index| {
                array[index + 1] = array[index] + quantity.range().bucketCount();
            }
            break :firsts array;
        };

        /// Only on the thread that owns the histograms.
        pub fn record(self: *Self, comptime quantity: Quantity, value: u64) void {
            const index: usize = @intFromEnum(quantity);
            const range = comptime quantity.range();
            const bucket = firsts[index] + range.bucketOf(value);
            self.last[index] = bucket;
            const count = &self.counts[bucket];
            count.store(count.load(.monotonic) +| 1, .monotonic);
            const greatest = &self.greatest[index];
            if (value > greatest.load(.monotonic)) greatest.store(value, .monotonic);
        }

        /// Some time before a round of records.
        pub fn prefetch(self: *const Self) void {
            for (self.last) |bucket| @prefetch(&self.counts[bucket], .{ .rw = .write });
        }

        /// From any thread; values recorded meanwhile may be in or not.
        pub fn summary(self: *const Self, comptime quantity: Quantity) Summary {
            const index: usize = @intFromEnum(quantity);
            const counts = self.counts[firsts[index]..firsts[index + 1]];
            const max = self.greatest[index].load(.monotonic);
            return summaryOf(comptime quantity.range(), counts, max);
        }
    };
}

pub const Summary = struct {
    count: u64 = 0,
    p50: u64 = 0,
    p99: u64 = 0,
    p999: u64 = 0,
    p9999: u64 = 0,
    max: u64 = 0,
};

fn summaryOf(
    comptime range: Range,
    counts: *const [range.bucketCount()]std.atomic.Value(u32),
    max: u64,
) Summary {
    var copy: [range.bucketCount()]u32 = undefined;
    var count: u64 = 0;
    for (&copy, counts) |*to, *from| {
        to.* = from.load(.monotonic);
        count += to.*;
    }
    if (count == 0) return .{};
    return .{
        .count = count,
        .p50 = percentile(range, &copy, count, max, 5_000),
        .p99 = percentile(range, &copy, count, max, 9_900),
        .p999 = percentile(range, &copy, count, max, 9_990),
        .p9999 = percentile(range, &copy, count, max, 9_999),
        .max = max,
    };
}

/// The value that `per_myriad` of 10,000 values do not exceed.
fn percentile(
    comptime range: Range,
    counts: *const [range.bucketCount()]u32,
    count: u64,
    max: u64,
    per_myriad: u64,
) u64 {
    const rank = @max(1, (count * per_myriad + 9_999) / 10_000);
    var seen: u64 = 0;
    for (counts, 0..) |in_bucket, bucket| {
        seen += in_bucket;
        if (seen >= rank) return @min(range.valueOf(bucket), max);
    }
    unreachable;
}

const testing = std.testing;
const TestQuantity = enum {
    duration_ns,
    count_frames,

    pub fn range(self: TestQuantity) Range {
        return switch (self) {
            .duration_ns => .duration,
            .count_frames => .frames,
        };
    }
};
const Tested = Histograms(TestQuantity);

fn expectClose(exact: u64, found: u64) !void {
    const difference = @abs(@as(f64, @floatFromInt(found)) - @as(f64, @floatFromInt(exact)));
    try testing.expect(difference <= 0.07 * @as(f64, @floatFromInt(exact)));
}

test "a percentile is right within 7 percent at every magnitude" {
    for ([_]u64{ 1, 7, 8, 15, 16, 100, 12_345, 100_000, 1_048_575 }) |frames| {
        var histograms: Tested = .{};
        histograms.record(.count_frames, frames);
        // The maximum would hide a bucket's middle that is too high.
        histograms.record(.count_frames, frames * 4);
        try expectClose(frames, histograms.summary(.count_frames).p50);
    }
    for ([_]u64{ 1_024, 1_100, 12_345, 1_000_000, 4_200_000_000 }) |duration_ns| {
        var histograms: Tested = .{};
        histograms.record(.duration_ns, duration_ns);
        histograms.record(.duration_ns, duration_ns * 4);
        try expectClose(duration_ns, histograms.summary(.duration_ns).p50);
    }
}

test "durations of less than a microsecond are told by steps of 128 ns" {
    var histograms: Tested = .{};
    for ([_]u64{ 0, 0, 300, 5_000 }) |duration_ns| histograms.record(.duration_ns, duration_ns);
    try testing.expectEqual(0, histograms.summary(.duration_ns).p50);
    histograms.record(.duration_ns, 300);
    try testing.expectEqual(320, histograms.summary(.duration_ns).p50);
}

test "what is beyond the range is told by the maximum" {
    var histograms: Tested = .{};
    for ([_]u64{ 1 << 20, 1 << 30, std.math.maxInt(u64) }) |frames| {
        histograms.record(.count_frames, frames);
        try testing.expectEqual(frames, histograms.summary(.count_frames).p50);
    }
}

test "quantities are counted apart" {
    var histograms: Tested = .{};
    histograms.record(.duration_ns, std.math.maxInt(u64));
    try testing.expectEqualDeep(Summary{}, histograms.summary(.count_frames));
    histograms.record(.count_frames, 0);
    try testing.expectEqual(1, histograms.summary(.duration_ns).count);
    try testing.expectEqual(1, histograms.summary(.count_frames).count);
}

test "percentiles are ranks, and the maximum is exact" {
    var histograms: Tested = .{};
    for (0..9_999) |_| histograms.record(.count_frames, 5);
    histograms.record(.count_frames, 1_000_003);
    const summary = histograms.summary(.count_frames);
    try testing.expectEqual(10_000, summary.count);
    try testing.expectEqual(5, summary.p50);
    try testing.expectEqual(5, summary.p999);
    try testing.expectEqual(5, summary.p9999);
    try testing.expectEqual(1_000_003, summary.max);
}
