//! A card's frame clock: how many frames its hardware has played at an instant of its time. Exact
//! integer arithmetic, so that no rounding adds up over hours.

const std = @import("std");
const assert = std.debug.assert;

const one_billion = 1_000_000_000;

pub const FrameClock = struct {
    /// Frames in 10^18 ns: the rate times (10^9 + drift in parts per milliard).
    pace: u64,
    /// Frames that passed in no time.
    skipped_frames: u64 = 0,
    /// Time that passed until the clock last stood still.
    elapsed_before_ns: u64 = 0,
    /// Since when it runs; null while it stands still.
    resumed_at_ns: ?u64 = null,

    pub fn init(rate: u32, drift_ppb: i64) FrameClock {
        assert(rate > 0 and @abs(drift_ppb) < one_billion);
        return .{ .pace = @as(u64, rate) * @as(u64, @intCast(one_billion + drift_ppb)) };
    }

    /// Back to frame 0, standing still.
    pub fn reset(self: *FrameClock) void {
        self.skipped_frames = 0;
        self.elapsed_before_ns = 0;
        self.resumed_at_ns = null;
    }

    /// Stands still until an instant that may lie ahead, and runs from then on.
    pub fn run(self: *FrameClock, from_ns: u64) void {
        assert(self.resumed_at_ns == null);
        self.resumed_at_ns = from_ns;
    }

    /// Runs on as if so many frames more had passed.
    pub fn skip(self: *FrameClock, frames: u64) void {
        self.skipped_frames += frames;
    }

    pub fn stop(self: *FrameClock, now_ns: u64) void {
        self.elapsed_before_ns = self.elapsed(now_ns);
        self.resumed_at_ns = null;
    }

    /// Frames played since frame 0. An instant counts as over: start and now may both have been
    /// rounded up to whole nanoseconds, and their difference must not lose the frame in between.
    pub fn position(self: *const FrameClock, now_ns: u64) u64 {
        const elapsed_ns: u128 = self.elapsed(now_ns);
        const passed: u64 = @intCast((elapsed_ns + 1) * self.pace / (one_billion * one_billion));
        return passed + self.skipped_frames;
    }

    /// The first instant at which the running clock has played `frames`.
    pub fn instantOf(self: *const FrameClock, frames: u64) u64 {
        const passing: u128 = frames -| self.skipped_frames;
        const wanted = passing * one_billion * one_billion;
        const elapsed_ns: u64 = @intCast((wanted + self.pace - 1) / self.pace -| 1);
        return self.resumed_at_ns.? +| (elapsed_ns -| self.elapsed_before_ns);
    }

    fn elapsed(self: *const FrameClock, now_ns: u64) u64 {
        const resumed_at_ns = self.resumed_at_ns orelse return self.elapsed_before_ns;
        return self.elapsed_before_ns + (now_ns -| resumed_at_ns);
    }
};

const clock = @import("../clock.zig");
const testing = std.testing;
const rates = [_]u32{ 4_000, 8_000, 11_025, 22_050, 44_100, 48_000, 96_000, 192_000, 768_000 };

test "between any two instants that were rounded up lie exactly the frames that they stand for" {
    var prng: std.Random.DefaultPrng = .init(1);
    for (rates) |rate| for (0..500) |_| {
        const start = prng.random().uintLessThan(u64, 1 << 40);
        const frames = prng.random().uintLessThan(u64, 1 << 36);
        var frame_clock: FrameClock = .init(rate, 0);
        frame_clock.run(clock.nsOf(start, rate));
        const now_ns = clock.nsOf(start + frames, rate);
        try testing.expectEqual(frames, frame_clock.position(now_ns));
    };
}

test "the instant of a frame is the first one that has played it" {
    for (rates) |rate| for ([_]i64{ 0, 100_000, -250_000, 12_345 }) |drift_ppb| {
        var frame_clock: FrameClock = .init(rate, drift_ppb);
        frame_clock.run(77);
        for ([_]u64{ 1, 2, 479, 480, 44_101, 1 << 33 }) |frames| {
            const instant_ns = frame_clock.instantOf(frames);
            try testing.expectEqual(frames, frame_clock.position(instant_ns));
            try testing.expectEqual(frames - 1, frame_clock.position(instant_ns - 1));
        }
    };
}

test "drift makes an hour longer or shorter by its parts per million" {
    const hour_ns = 3600 * one_billion;
    var fast: FrameClock = .init(48_000, 50_000);
    fast.run(0);
    try testing.expectEqual(48_000 * 3600 + 8640, fast.position(hour_ns));
    var slow: FrameClock = .init(48_000, -50_000);
    slow.run(0);
    try testing.expectEqual(48_000 * 3600 - 8640, slow.position(hour_ns));
}

test "frames that are skipped pass in no time, and those behind them as early" {
    var frame_clock: FrameClock = .init(44_100, 0);
    frame_clock.run(1_000);
    const before_ns = frame_clock.instantOf(300);
    frame_clock.skip(1_000);
    try testing.expectEqual(1_300, frame_clock.position(before_ns));
    try testing.expectEqual(before_ns, frame_clock.instantOf(1_300));
    try testing.expectEqual(1_000, frame_clock.instantOf(1_000));
    frame_clock.reset();
    try testing.expectEqual(0, frame_clock.position(before_ns));
}

test "a clock that runs from an instant ahead stands still until then" {
    var frame_clock: FrameClock = .init(48_000, 0);
    frame_clock.run(0);
    frame_clock.stop(clock.nsOf(100, 48_000));
    frame_clock.run(clock.nsOf(500, 48_000));
    try testing.expectEqual(100, frame_clock.position(clock.nsOf(300, 48_000)));
    try testing.expectEqual(100, frame_clock.position(clock.nsOf(500, 48_000)));
    try testing.expectEqual(101, frame_clock.position(clock.nsOf(501, 48_000)));
    frame_clock.stop(clock.nsOf(400, 48_000));
    frame_clock.run(std.math.maxInt(u64));
    try testing.expectEqual(std.math.maxInt(u64), frame_clock.instantOf(1 << 40));
}

test "time in which the clock stands still does not count, and no part of a frame is lost" {
    var frame_clock: FrameClock = .init(44_100, 0);
    var now_ns: u64 = 5;
    for (0..44_100) |_| {
        frame_clock.run(now_ns);
        now_ns += 10_000;
        frame_clock.stop(now_ns);
        now_ns += 123_456;
    }
    try testing.expectEqual(441 * 44_100 / 1000, frame_clock.position(now_ns));
    frame_clock.run(now_ns);
    const instant_ns = frame_clock.instantOf(20_000);
    try testing.expectEqual(20_000, frame_clock.position(instant_ns));
    frame_clock.reset();
    try testing.expectEqual(0, frame_clock.position(now_ns));
}
