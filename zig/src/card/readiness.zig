//! When a PCM of the card is ready, as the kernel's poll tells it, for clients that wait on its
//! descriptor.

const std = @import("std");
const assert = std.debug.assert;
const linux = std.os.linux;
const alsa = @import("../alsa/libasound.zig");
const poll_timer = @import("poll_timer.zig");
const Substream = @import("substream.zig").Substream;

const POLL = linux.POLL;

/// Poll events, and when to look again.
const Readiness = struct { c_ushort, poll_timer.Wake };

/// Sets the poll descriptor for the state that the PCM is in, or is about to enter.
pub fn arm(self: *Substream, state: alsa.PcmState) c_ushort {
    const events, const wake = readiness(self, state);
    self.timer.arm(wake);
    return events;
}

/// Whether the PCM is ready in `state`, as the kernel's poll tells it.
fn readiness(self: *const Substream, state: alsa.PcmState) Readiness {
    switch (state) {
        .running, .prepared, .paused => {
            if (self.phase == .underrun) return .{ POLL.OUT | POLL.ERR, .now };
            if (self.availableFrames() >= self.software.avail_min) return .{ POLL.OUT, .now };
            if (self.phase != .running) return .{ 0, .never };
            return .{ 0, whenAt(self, readyPosition(self)) };
        },
        .draining => {
            if (self.phase != .running) return .{ POLL.OUT, .now };
            return .{ 0, whenAt(self, self.endPosition().?) };
        },
        .open, .setup => return .{ POLL.OUT, .now },
        else => return .{ POLL.OUT | POLL.ERR, .now },
    }
}

/// Where there will be room for `avail_min`, or the underrun that comes before. For a client that
/// writes whole periods that is a period boundary. One that writes whatever there is room for is
/// off the boundaries by its lateness, and would miss each by a few frames.
fn readyPosition(self: *const Substream) u64 {
    const missing = @as(i64, @intCast(self.software.avail_min)) - self.availableFrames();
    assert(missing > 0);
    const enough = self.position_frames + @as(u64, @intCast(missing));
    return @min(enough, self.endPosition() orelse enough);
}

fn whenAt(self: *const Substream, position_frames: u64) poll_timer.Wake {
    return if (self.instantOf(position_frames)) |at_ns| .{ .at_ns = at_ns } else .never;
}
