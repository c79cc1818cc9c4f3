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
    xruns_by_cause: [cause_count]u64 = @splat(0),
    /// Number of the last xrun that is over.
    xruns_over: u64 = 0,
    /// Times the device was brought back after an xrun, a suspend or an error.
    recoveries: u32 = 0,
    /// Times the device's pointer was found further on, or less far, than can be.
    pointer_jumps: u32 = 0,
    pointer_stalls: u32 = 0,
    wake_ups: u64 = 0,
    idle_wake_ups: u64 = 0,
    /// The most wake-ups without progress in a row.
    idle_wake_ups_in_a_row: u32 = 0,
    timestamp_frames: u64 = 0,
    timestamp_ns: u64 = 0,
    gain: f32 = 1,
    rate_deviation_ppm: f32 = 0,
    clock_demotions: u32 = 0,
    completed: Completed = @splat(.{}),
};

const cause_count = @typeInfo(abi.XrunCause).@"enum".fields.len;
pub const command_kinds = @typeInfo(abi.Command).@"enum".fields.len;
pub const Completed = [command_kinds]struct { count: u32 = 0, result: abi.ErrorCode = .ok };

/// A sequence lock around a value: odd while the writer is inside, read again if it moved.
pub fn Published(comptime Value: type) type {
    return struct {
        sequence: std.atomic.Value(u32) = .init(0),
        words: [word_count]std.atomic.Value(u64) = @splat(.init(0)),

        const Self = @This();
        const word_count = std.math.divCeil(usize, @sizeOf(Value), 8) catch unreachable;
        const Words = [word_count]u64;

        pub fn write(self: *Self, value: *const Value) void {
            var words: Words = @splat(0);
            @memcpy(std.mem.asBytes(&words)[0..@sizeOf(Value)], std.mem.asBytes(value));
            const sequence = self.sequence.load(.monotonic);
            self.sequence.store(sequence +% 1, .monotonic);
            for (&self.words, words) |*to, word| to.store(word, .release);
            self.sequence.store(sequence +% 2, .release);
        }

        /// All zeros before the first write.
        pub fn read(self: *const Self) Value {
            var words: Words = undefined;
            while (true) {
                const before = self.sequence.load(.acquire);
                for (&words, &self.words) |*to, *word| to.* = word.load(.acquire);
                if (before % 2 == 0 and self.sequence.load(.acquire) == before) break;
                std.Thread.yield() catch {};
            }
            var value: Value = undefined;
            @memcpy(std.mem.asBytes(&value), std.mem.asBytes(&words)[0..@sizeOf(Value)]);
            return value;
        }
    };
}

test "a snapshot is read as it was written" {
    var published: Published(Snapshot) = .{};
    var snapshot: Snapshot = .{ .state = .running, .frames_written = 7, .gain = 0.5 };
    snapshot.completed[2] = .{ .count = 3, .result = .timeout };
    published.write(&snapshot);
    try std.testing.expectEqualDeep(snapshot, published.read());
}
