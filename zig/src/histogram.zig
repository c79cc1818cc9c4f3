//! Log-scaled histograms that one thread fills and any other reads: eight buckets an octave, so
//! that a percentile is right within 7 %, and the maximum is exact. Recording is a few
//! instructions and never waits.

const std = @import("std");
const assert = std.debug.assert;

/// One histogram for each field of an enum.
pub fn Histograms(comptime Quantity: type) type {
    return struct {
        /// Beside each other: with many streams what recording costs is the memory it touches.
        greatest: [quantity_count]std.atomic.Value(u64) = @splat(.init(0)),
        /// Where the last value was counted, and the next one likely will be.
        last: [quantity_count]u16 = @splat(0),
        counts: [quantity_count]Counts = @splat(.{}),

        const Self = @This();
        const quantity_count = @typeInfo(Quantity).@"enum".fields.len;

        /// Only on the thread that owns the histograms.
        pub fn record(self: *Self, quantity: Quantity, value: u64) void {
            const index = @intFromEnum(quantity);
            self.last[index] = self.counts[index].record(value);
            const greatest = &self.greatest[index];
            if (value > greatest.load(.monotonic)) greatest.store(value, .monotonic);
        }

        /// Some time before a round of records.
        pub fn prefetch(self: *const Self) void {
            for (&self.counts, self.last) |*counts, bucket| {
                @prefetch(&counts.buckets[bucket], .{ .rw = .write });
            }
        }

        /// From any thread; values recorded meanwhile may be in or not.
        pub fn summary(self: *const Self, quantity: Quantity) Summary {
            const index = @intFromEnum(quantity);
            return self.counts[index].summary(self.greatest[index].load(.monotonic));
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

const Counts = struct {
    buckets: [bucket_count]std.atomic.Value(u32) = @splat(.init(0)),

    const octave_bits = 3;
    const octave_buckets = 1 << octave_bits;
    /// Values below are their own bucket; the last one holds everything from about 2^35 on.
    const bucket_count = octave_buckets * 33;

    /// The bucket in which it was counted.
    fn record(self: *Counts, value: u64) u16 {
        const bucket = bucketOf(value);
        const count = &self.buckets[bucket];
        count.store(count.load(.monotonic) +| 1, .monotonic);
        return bucket;
    }

    fn bucketOf(value: u64) u16 {
        if (value < octave_buckets) return @intCast(value);
        const exponent: u64 = std.math.log2_int(u64, value);
        const mantissa = (value >> @intCast(exponent - octave_bits)) - octave_buckets;
        const bucket = (exponent - octave_bits + 1) * octave_buckets + mantissa;
        return @intCast(@min(bucket, bucket_count - 1));
    }

    /// The middle of a bucket.
    fn valueOf(bucket: usize) u64 {
        if (bucket < 2 * octave_buckets) return bucket;
        const shift: u6 = @intCast(bucket / octave_buckets - 1);
        const low = (octave_buckets + @as(u64, bucket % octave_buckets)) << shift;
        return low + (@as(u64, 1) << (shift - 1));
    }

    fn summary(self: *const Counts, max: u64) Summary {
        var copy: [bucket_count]u32 = undefined;
        var count: u64 = 0;
        for (&copy, &self.buckets) |*to, *from| {
            to.* = from.load(.monotonic);
            count += to.*;
        }
        if (count == 0) return .{};
        return .{
            .count = count,
            .p50 = percentile(&copy, count, max, 5_000),
            .p99 = percentile(&copy, count, max, 9_900),
            .p999 = percentile(&copy, count, max, 9_990),
            .p9999 = percentile(&copy, count, max, 9_999),
            .max = max,
        };
    }

    /// The value that `per_myriad` of 10,000 values do not exceed.
    fn percentile(copy: *const [bucket_count]u32, count: u64, max: u64, per_myriad: u64) u64 {
        const rank = @max(1, (count * per_myriad + 9_999) / 10_000);
        var seen: u64 = 0;
        for (copy, 0..) |in_bucket, bucket| {
            seen += in_bucket;
            if (seen >= rank) return @min(valueOf(bucket), max);
        }
        unreachable;
    }
};

const testing = std.testing;
const One = Histograms(enum { value });

test "a percentile is right within 7 percent at every magnitude" {
    for ([_]u64{ 1, 7, 8, 15, 16, 100, 12_345, 1_000_000, 20_000_000_000 }) |value| {
        var histogram: One = .{};
        histogram.record(.value, value);
        // The maximum would hide a bucket's middle that is too high.
        histogram.record(.value, value * 4);
        const p50: f64 = @floatFromInt(histogram.summary(.value).p50);
        const exact: f64 = @floatFromInt(value);
        try testing.expect(@abs(p50 - exact) <= 0.07 * exact);
    }
}

test "percentiles are ranks, and the maximum is exact" {
    var histogram: One = .{};
    try testing.expectEqualDeep(Summary{}, histogram.summary(.value));
    for (0..9_999) |_| histogram.record(.value, 5);
    histogram.record(.value, 1_000_003);
    const summary = histogram.summary(.value);
    try testing.expectEqual(10_000, summary.count);
    try testing.expectEqual(5, summary.p50);
    try testing.expectEqual(5, summary.p999);
    try testing.expectEqual(5, summary.p9999);
    try testing.expectEqual(1_000_003, summary.max);
    histogram.record(.value, std.math.maxInt(u64));
    try testing.expectEqual(std.math.maxInt(u64), histogram.summary(.value).max);
}
