//! Commands from JavaScript to a stream, in order: a bounded ring with one producer (the control
//! side) and one consumer (whoever steps the stream).

const std = @import("std");
const abi = @import("abi.zig");

pub const Command = struct {
    kind: abi.Command,
    fade_ms: f32,
    /// Drain: the instant at which waiting ends.
    deadline_ns: u64 = never,
    /// Frames accepted when the command was given: what a drain plays to, what a drop throws away.
    /// For a mix, play requests.
    accepted_frames: u64,

    pub const never = std.math.maxInt(u64);
};

pub const Commands = struct {
    ring: [capacity]Command = undefined,
    written: std.atomic.Value(u32) = .init(0),
    read: std.atomic.Value(u32) = .init(0),

    pub const capacity = 32;

    pub fn push(self: *Commands, command: Command) error{Full}!void {
        const written = self.written.load(.monotonic);
        if (written -% self.read.load(.acquire) == capacity) return error.Full;
        self.ring[written % capacity] = command;
        self.written.store(written +% 1, .release);
    }

    pub fn pop(self: *Commands) ?Command {
        const read = self.read.load(.monotonic);
        if (read == self.written.load(.acquire)) return null;
        defer self.read.store(read +% 1, .release);
        return self.ring[read % capacity];
    }
};

test "commands come out in order and a full ring refuses" {
    var commands: Commands = .{};
    const drain: Command = .{
        .kind = .drain,
        .fade_ms = 0,
        .accepted_frames = 1,
    };
    for (0..Commands.capacity) |_| try commands.push(drain);
    try std.testing.expectError(error.Full, commands.push(drain));
    for (0..Commands.capacity) |_| try std.testing.expectEqual(drain, commands.pop().?);
    try std.testing.expectEqual(null, commands.pop());
}
