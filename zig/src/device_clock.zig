//! The device's clock as seen from CLOCK_MONOTONIC: a delay-locked loop over pairs of a pointer and
//! the time at which it was read. It learns the device's true rate, so that wake-ups fall where the
//! device will have room, and it tells a pointer that is not where it can be.
//!
//! The loop is the second-order one of F. Adriaensen, "Using a DLL to filter time" (Linux Audio
//! Conference 2005), with gains of the actual interval, since wake-ups are not equidistant.

const std = @import("std");
const assert = std.debug.assert;

/// Bandwidth in Hz until the loop has settled, and from then on: jitter of the pointer that is
/// faster is averaged out, drift that is slower is followed.
pub const settling_bandwidth_hz = 1.0;
pub const bandwidth_hz = 0.1;
const settling_s = 2.0;

/// No sound card's crystal is off by more; one that is, is no clock to follow.
const deviation_max = 0.02;

pub const DeviceClock = struct {
    nominal_ns: f64,
    /// Filtered length of a frame.
    frame_ns: f64,
    /// A filtered pair: the pointer was at `frames` at `at_ns`.
    frames: u64,
    at_ns: f64,
    settled_s: f64 = 0,
    /// The last look at the pointer, and the first one that found it where it is.
    looked_ns: u64,
    found_ns: u64,

    pub const Verdict = union(enum) {
        steady,
        /// Frames that the pointer is ahead of what is possible.
        ahead: u64,
        /// Frames that it is behind.
        behind: u64,
    };

    pub const Tolerance = struct {
        /// How far a pointer can be off without being wrong.
        frames: u32,
        /// It moves by whole periods: since the look before, nobody knows when.
        coarse: bool = false,
    };

    pub fn start(rate: u32, frames: u64, now_ns: u64) DeviceClock {
        const nominal_ns = std.time.ns_per_s / @as(f64, @floatFromInt(rate));
        return .{
            .nominal_ns = nominal_ns,
            .frame_ns = nominal_ns,
            .frames = frames,
            .at_ns = @floatFromInt(now_ns),
            .looked_ns = now_ns,
            .found_ns = now_ns,
        };
    }

    /// A pointer read at `now_ns`. One that is off by more than the tolerance restarts the loop
    /// from there; smaller errors are what it filters.
    pub fn observe(self: *DeviceClock, frames: u64, now_ns: u64, tolerance: Tolerance) Verdict {
        const looked_ns = self.looked_ns;
        self.looked_ns = now_ns;
        if (frames < self.frames) return .steady;
        const moved: f64 = @floatFromInt(frames - self.frames);
        const predicted_ns = self.at_ns + moved * self.frame_ns;
        const error_ns = @as(f64, @floatFromInt(now_ns)) - predicted_ns;
        var error_frames = error_ns / self.nominal_ns;
        if (tolerance.coarse and error_frames > 0) {
            // A prediction that is early by less than a step is never found out.
            const found_ago_ns: f64 = @floatFromInt(now_ns -| self.found_ns);
            error_frames = std.math.clamp(found_ago_ns / self.nominal_ns - moved, 0, error_frames);
        }
        if (moved > 0) self.found_ns = now_ns;
        if (@abs(error_frames) > @as(f64, @floatFromInt(tolerance.frames))) {
            self.frames = frames;
            self.at_ns = @floatFromInt(now_ns);
            const distance: u64 = @intFromFloat(@abs(error_frames));
            return if (error_frames < 0) .{ .ahead = distance } else .{ .behind = distance };
        }
        if (moved == 0) return .steady;
        if (!tolerance.coarse) {
            self.follow(frames, moved, predicted_ns, error_ns);
        } else {
            const least_ns = @as(f64, @floatFromInt(looked_ns)) - predicted_ns;
            self.follow(frames, moved, predicted_ns, @max(least_ns, @min(0, error_ns)));
            self.at_ns = @min(self.at_ns, @as(f64, @floatFromInt(now_ns)));
        }
        return .steady;
    }

    fn follow(self: *DeviceClock, frames: u64, moved: f64, predicted_ns: f64, error_ns: f64) void {
        const interval_s = moved * self.nominal_ns / std.time.ns_per_s;
        self.settled_s += interval_s;
        const hz: f64 = if (self.settled_s < settling_s) settling_bandwidth_hz else bandwidth_hz;
        // Beyond this the loop is no longer damped.
        const omega = @min(2 * std.math.pi * hz * interval_s, 0.5);
        self.frames = frames;
        self.at_ns = predicted_ns + std.math.sqrt2 * omega * error_ns;
        const least_ns = self.nominal_ns * (1 - deviation_max);
        const most_ns = self.nominal_ns * (1 + deviation_max);
        const corrected_ns = self.frame_ns + omega * omega * error_ns / moved;
        self.frame_ns = std.math.clamp(corrected_ns, least_ns, most_ns);
    }

    /// When the pointer will be, or was, at `frames`.
    pub fn instantOf(self: *const DeviceClock, frames: u64) u64 {
        const ahead = @as(i64, @intCast(frames)) - @as(i64, @intCast(self.frames));
        const at_ns = self.at_ns + @as(f64, @floatFromInt(ahead)) * self.frame_ns;
        return @intFromFloat(@max(0, @ceil(at_ns)));
    }

    /// Deviation from the nominal rate in parts per million; positive is fast.
    pub fn deviationPpm(self: *const DeviceClock) f64 {
        return (self.nominal_ns / self.frame_ns - 1) * 1e6;
    }
};

const testing = std.testing;
const two_ms: DeviceClock.Tolerance = .{ .frames = 96 };

/// A device that is `ppm` fast and whose pointer is read with up to `jitter_ns` of delay.
fn run(ppm: f64, jitter_ns: u64, seconds: u64) DeviceClock {
    const rate = 48_000;
    var prng: std.Random.DefaultPrng = .init(7);
    var clock: DeviceClock = .start(rate, 0, 1_000);
    var frames: u64 = 0;
    while (frames < rate * seconds) {
        frames += 480 + prng.random().uintLessThan(u64, 200);
        const true_ns = @as(f64, @floatFromInt(frames)) * 1e9 / (rate * (1 + ppm / 1e6));
        const late_ns = if (jitter_ns == 0) 0 else prng.random().uintLessThan(u64, jitter_ns);
        const read_ns = 1_000 + @as(u64, @intFromFloat(true_ns)) + late_ns;
        assert(clock.observe(frames, read_ns, two_ms) == .steady);
    }
    return clock;
}

test "the loop learns a device's deviation, also through jitter" {
    for ([_]f64{ 0, 50, -120, 900 }) |ppm| {
        try testing.expectApproxEqAbs(ppm, run(ppm, 0, 30).deviationPpm(), 1);
        try testing.expectApproxEqAbs(ppm, run(ppm, 300_000, 60).deviationPpm(), 25);
    }
}

/// A device of exactly 48 kHz that moves its pointer by 256 frames at once, and is looked at every
/// 10 ms or so.
fn runInSteps(tolerance_frames: u32) DeviceClock {
    const rate = 48_000;
    const step_frames = 256;
    var prng: std.Random.DefaultPrng = .init(7);
    var clock: DeviceClock = .start(rate, 0, 0);
    var now_ns: u64 = 0;
    while (now_ns < 60 * std.time.ns_per_s) {
        now_ns += 9_000_000 + prng.random().uintLessThan(u64, 2_000_000);
        const frames = now_ns * rate / std.time.ns_per_s / step_frames * step_frames;
        _ = clock.observe(frames, now_ns, .{ .frames = tolerance_frames });
    }
    return clock;
}

test "a pointer that moves in steps is learned from when they are tolerated" {
    try testing.expectApproxEqAbs(0, runInSteps(1200).deviationPpm(), 500);
    try testing.expect(@abs(runInSteps(96).deviationPpm()) > 2000);
}

test "it predicts a second ahead within a tenth of the jitter's width" {
    const clock = run(100, 200_000, 60);
    const true_ns = @as(f64, @floatFromInt(clock.frames + 48_000)) * 1e9 / (48_000 * 1.0001);
    const predicted: f64 = @floatFromInt(clock.instantOf(clock.frames + 48_000));
    // The jitter delays by half its width on average.
    try testing.expectApproxEqAbs(true_ns + 1_000 + 100_000, predicted, 30_000);
}

test "a pointer that moves by whole periods has moved between two looks" {
    const coarse: DeviceClock.Tolerance = .{ .frames = 576, .coarse = true };
    // Started in the middle of a period of 10 ms, of which the pointer tells nothing.
    var clock: DeviceClock = .start(48_000, 0, 5_000_000);
    try testing.expectEqual(.steady, clock.observe(480, 10_000_000, coarse));
    const next: f64 = @floatFromInt(clock.instantOf(960));
    try testing.expectApproxEqAbs(20_000_000, next, 50_000);
    // Looked at late, which says nothing; then just before and after.
    try testing.expectEqual(.steady, clock.observe(960, 23_000_000, coarse));
    const known_ns = clock.instantOf(1440);
    try testing.expect(known_ns < 30_050_000);
    try testing.expectEqual(.steady, clock.observe(960, 31_500_000, coarse));
    try testing.expectEqual(.steady, clock.observe(1440, 32_000_000, coarse));
    try testing.expect(clock.instantOf(1440) > known_ns);
}

test "a slow pointer that is looked at when it is about to move by a period is not behind" {
    const rate = 192_000;
    const period_frames = 36;
    const coarse: DeviceClock.Tolerance = .{ .frames = 2 * period_frames, .coarse = true };
    for ([_]f64{ -500, -100, 0, 100, 500 }) |ppm| {
        const frame_ns = 1e9 / (rate * (1 + ppm / 1e6));
        var clock: DeviceClock = .start(rate, 0, 0);
        var now_ns: u64 = 0;
        while (now_ns < 2 * std.time.ns_per_s) {
            const played: u64 = @intFromFloat(@as(f64, @floatFromInt(now_ns)) / frame_ns);
            const frames = played - played % period_frames;
            try testing.expectEqual(.steady, clock.observe(frames, now_ns, coarse));
            now_ns = @max(now_ns + 30_000, clock.instantOf(frames + 2 * period_frames));
        }
    }
    // One that stands still all the same is found.
    var clock: DeviceClock = .start(rate, 0, 0);
    try testing.expectEqual(.steady, clock.observe(period_frames, 187_500, coarse));
    try testing.expectEqual(.steady, clock.observe(period_frames, 550_000, coarse));
    try testing.expect(clock.observe(period_frames, 570_000, coarse) == .behind);
    // So is one that stood still between two looks.
    clock = .start(rate, 0, 0);
    try testing.expectEqual(.steady, clock.observe(period_frames, 187_500, coarse));
    try testing.expect(clock.observe(2 * period_frames, 770_000, coarse) == .behind);
}

test "a pointer that jumps and one that stands still are told from jitter" {
    var clock: DeviceClock = .start(48_000, 0, 0);
    try testing.expectEqual(.steady, clock.observe(480, 10_000_000, two_ms));
    const jump = clock.observe(960 + 480, 20_000_000, two_ms);
    try testing.expectApproxEqAbs(480, @as(f64, @floatFromInt(jump.ahead)), 2);
    try testing.expectEqual(.steady, clock.observe(1920, 30_000_000, two_ms));
    const stall = clock.observe(1920, 50_000_000, two_ms);
    try testing.expectApproxEqAbs(960, @as(f64, @floatFromInt(stall.behind)), 2);
    try testing.expectEqual(.steady, clock.observe(2400, 60_000_000, two_ms));
}
