//! Tells a device that will never go on from one that is slow: its pointer has not moved for three
//! periods and 200 ms, seen at several looks, so that a thread that slept through that time does
//! not blame the device.

const std = @import("std");

pub const Watchdog = struct {
    frames: u64 = 0,
    moved_ns: u64 = 0,
    looks: u32 = 0,
    has_moved: bool = false,

    const grace_ns = 200 * std.time.ns_per_ms;
    const looks_min = 3;
    /// A sound server may have to wake its own device first, or to find it by radio.
    const server_start_ns = 5 * std.time.ns_per_s;

    pub fn start(frames: u64, now_ns: u64) Watchdog {
        return .{ .frames = frames, .moved_ns = now_ns };
    }

    pub fn limitNs(period_ns: u64) u64 {
        return 3 * period_ns + grace_ns;
    }

    /// How long it may stand still now; `served`: by another program.
    pub fn patienceNs(self: *const Watchdog, period_ns: u64, served: bool) u64 {
        return if (served and !self.has_moved) server_start_ns else limitNs(period_ns);
    }

    pub const Verdict = enum { moving, still, dead };

    pub fn look(self: *Watchdog, frames: u64, now_ns: u64, patience_ns: u64) Verdict {
        if (frames != self.frames) {
            self.* = .{ .frames = frames, .moved_ns = now_ns, .has_moved = true };
            return .moving;
        }
        self.looks += 1;
        const still_ns = now_ns -| self.moved_ns;
        return if (self.looks >= looks_min and still_ns > patience_ns) .dead else .still;
    }
};

test "a pointer that stands still is dead after its limit, and not for one late look" {
    const ms = std.time.ns_per_ms;
    const limit_ns = Watchdog.limitNs(10 * ms);
    var watchdog: Watchdog = .start(0, 0);
    try std.testing.expectEqual(.moving, watchdog.look(480, 10 * ms, limit_ns));
    try std.testing.expectEqual(.still, watchdog.look(480, 20 * ms, limit_ns));
    try std.testing.expectEqual(.still, watchdog.look(480, 240 * ms, limit_ns));
    try std.testing.expectEqual(.dead, watchdog.look(480, 241 * ms, limit_ns));
    try std.testing.expectEqual(.moving, watchdog.look(481, 300 * ms, limit_ns));
    try std.testing.expectEqual(.still, watchdog.look(481, 5_000 * ms, limit_ns));
}

test "only a server may take its time, and only until its pointer has moved" {
    const ms = std.time.ns_per_ms;
    var watchdog: Watchdog = .start(0, 0);
    try std.testing.expectEqual(5000 * ms, watchdog.patienceNs(10 * ms, true));
    try std.testing.expectEqual(230 * ms, watchdog.patienceNs(10 * ms, false));
    _ = watchdog.look(1, 10 * ms, 5000 * ms);
    try std.testing.expectEqual(230 * ms, watchdog.patienceNs(10 * ms, true));
}
