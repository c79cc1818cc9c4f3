//! Flushes the taps of a card on the real-time clock. It sleeps for good while nothing plays, so a
//! paused or idle card costs no wake-up.

const std = @import("std");
const clock = @import("../clock.zig");
const sync = @import("../sync.zig");
const threads = @import("../threads.zig");
const Card = @import("card.zig").Card;

const interval_ns = 50 * std.time.ns_per_ms;

pub const TapThread = struct {
    /// Constant while substreams exist; null where nobody needs the thread.
    thread: ?std.Thread = null,
    signal: sync.Signal = .{},
    ending: std.atomic.Value(bool) = .init(false),
    running_substreams: std.atomic.Value(u32) = .init(0),

    pub fn start(self: *TapThread, card: *Card) threads.Error!void {
        self.thread = try threads.spawn(flushUntilEnd, .{ self, card });
    }

    pub fn end(self: *TapThread) void {
        const thread = self.thread orelse return;
        self.ending.store(true, .release);
        self.signal.ring();
        thread.join();
        self.thread = null;
    }

    /// Hardware side: rings, but never waits.
    pub fn substreamStarted(self: *TapThread) void {
        if (self.thread == null) return;
        if (self.running_substreams.fetchAdd(1, .monotonic) == 0) self.signal.ring();
    }

    /// Hardware side, after the last frames were given to the tap.
    pub fn substreamStopped(self: *TapThread) void {
        if (self.thread == null) return;
        const before = self.running_substreams.fetchSub(1, .release);
        std.debug.assert(before > 0);
    }

    fn flushUntilEnd(self: *TapThread, card: *Card) void {
        threads.enter("halflap-tap");
        defer threads.leave();
        while (!self.ending.load(.acquire)) {
            const ticket = self.signal.seen();
            // Read before the flush: at 0 nothing can follow what is flushed now.
            const is_playing = self.running_substreams.load(.acquire) > 0;
            // Each tap remembers its failure for the next flush that somebody asks for.
            _ = card.flush();
            self.signal.wait(ticket, if (is_playing) clock.monotonicNs() + interval_ns else null);
        }
    }
};
