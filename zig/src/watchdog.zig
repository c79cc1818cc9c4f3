//! Tells a device that will never go on from one that is slow: its pointer has not moved for three
//! periods and 200 ms, seen at several looks, so that a thread that slept through that time does
//! not blame the device.

const std = @import("std");

pub const Watchdog = struct {
    frames: u64 = 0,
    moved_ns: u64 = 0,
    looks: u32 = 0,

    const grace_ns = 200 * std.time.ns_per_ms;
    const looks_min = 3;

    pub fn start(frames: u64, now_ns: u64) Watchdog {
        return .{ .frames = frames, .moved_ns = now_ns };
    }

    pub fn limitNs(period_ns: u64) u64 {
        return 3 * period_ns + grace_ns;
    }

    pub const Verdict = enum { moving, still, dead };

    pub fn look(self: *Watchdog, frames: u64, now_ns: u64, period_ns: u64) Verdict {
        if (frames != self.frames) {
            self.* = .start(frames, now_ns);
            return .moving;
        }
        self.looks += 1;
        const still_ns = now_ns -| self.moved_ns;
        return if (self.looks >= looks_min and still_ns > limitNs(period_ns)) .dead else .still;
    }
};

test "a pointer that stands still is dead after its limit, and not for one late look" {
    const ms = std.time.ns_per_ms;
    var watchdog: Watchdog = .start(0, 0);
    try std.testing.expectEqual(.moving, watchdog.look(480, 10 * ms, 10 * ms));
    try std.testing.expectEqual(.still, watchdog.look(480, 20 * ms, 10 * ms));
    try std.testing.expectEqual(.still, watchdog.look(480, 240 * ms, 10 * ms));
    try std.testing.expectEqual(.dead, watchdog.look(480, 241 * ms, 10 * ms));
    try std.testing.expectEqual(.moving, watchdog.look(481, 300 * ms, 10 * ms));
    try std.testing.expectEqual(.still, watchdog.look(481, 5_000 * ms, 10 * ms));
}
