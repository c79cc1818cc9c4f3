//! What the realtime thread tells about a stream: it writes a whole snapshot after each wake-up,
//! any other thread reads one that is consistent, and neither ever waits for the other's lock.

const std = @import("std");
const abi = @import("abi.zig");

pub const Snapshot = struct {
    state: abi.State = .open,
    frames_written: u64 = 0,
    frames_padded: u64 = 0,
    frames_played: u64 = 0,
    frames_dropped: u64 = 0,
    delay_frames: u64 = 0,
    xruns: u64 = 0,
    wake_ups: u64 = 0,
    idle_wake_ups: u64 = 0,
    timestamp_frames: u64 = 0,
    timestamp_ns: u64 = 0,
    gain: f32 = 1,
    clock_demotions: u32 = 0,
    completed: Completed = @splat(.{}),
};

pub const command_kinds = @typeInfo(abi.Command).@"enum".fields.len;
pub const Completed = [command_kinds]struct { count: u32 = 0, result: abi.ErrorCode = .ok };

/// A sequence lock: odd while the writer is inside, read again if it moved.
pub const Published = struct {
    sequence: std.atomic.Value(u32) = .init(0),
    words: [word_count]std.atomic.Value(u64) = @splat(.init(0)),

    const word_count = std.math.divCeil(usize, @sizeOf(Snapshot), 8) catch unreachable;
    const Words = [word_count]u64;

    pub fn write(self: *Published, snapshot: *const Snapshot) void {
        var words: Words = @splat(0);
        @memcpy(std.mem.asBytes(&words)[0..@sizeOf(Snapshot)], std.mem.asBytes(snapshot));
        const sequence = self.sequence.load(.monotonic);
        self.sequence.store(sequence +% 1, .monotonic);
        for (&self.words, words) |*to, word| to.store(word, .release);
        self.sequence.store(sequence +% 2, .release);
    }

    pub fn read(self: *const Published) Snapshot {
        var words: Words = undefined;
        while (true) {
            const before = self.sequence.load(.acquire);
            for (&words, &self.words) |*to, *word| to.* = word.load(.acquire);
            if (before % 2 == 0 and self.sequence.load(.acquire) == before) break;
            std.Thread.yield() catch {};
        }
        var snapshot: Snapshot = undefined;
        @memcpy(std.mem.asBytes(&snapshot), std.mem.asBytes(&words)[0..@sizeOf(Snapshot)]);
        return snapshot;
    }
};

test "a snapshot is read as it was written" {
    var published: Published = .{};
    var snapshot: Snapshot = .{ .state = .running, .frames_written = 7, .gain = 0.5 };
    snapshot.completed[2] = .{ .count = 3, .result = .timeout };
    published.write(&snapshot);
    try std.testing.expectEqualDeep(snapshot, published.read());
}
