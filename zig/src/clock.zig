//! CLOCK_MONOTONIC, and exact conversion between nanoseconds and frames.

const std = @import("std");

/// Through libc, which reads the clock without a system call. `std.os.linux` cannot in a shared
/// library: it finds the vDSO by the auxiliary vector, which only programs are started with.
pub fn monotonicNs() u64 {
    var now: std.c.timespec = undefined;
    const rc = std.c.clock_gettime(.MONOTONIC, &now);
    std.debug.assert(rc == 0);
    return @as(u64, @intCast(now.sec)) * std.time.ns_per_s + @as(u64, @intCast(now.nsec));
}

/// The first nanosecond at which `frames` have passed: rounds up, so that `framesIn` of it gives
/// `frames` again.
pub fn nsOf(frames: u64, rate: u32) u64 {
    std.debug.assert(rate > 0);
    const scaled = @as(u128, frames) * std.time.ns_per_s;
    return @intCast((scaled + rate - 1) / rate);
}

/// Whole frames that pass in `ns`.
pub fn framesIn(ns: u64, rate: u32) u64 {
    return @intCast(@as(u128, ns) * rate / std.time.ns_per_s);
}

test "nsOf and framesIn are inverse at every common rate" {
    for ([_]u32{ 4_000, 8_000, 11_025, 16_000, 44_100, 48_000, 96_000, 192_000, 768_000 }) |rate| {
        for ([_]u64{ 0, 1, 2, 479, 480, 44_099, 1 << 40 }) |frames| {
            try std.testing.expectEqual(frames, framesIn(nsOf(frames, rate), rate));
        }
    }
}
