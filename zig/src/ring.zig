//! The device's own ring as the queue: JavaScript renders frames in place, ahead of the application
//! pointer, and the thread that owns the PCM commits them. One producer, one owner; positions count
//! frames since open and never wrap in practice.

const std = @import("std");
const assert = std.debug.assert;
const memory = @import("memory.zig");

/// Frames that lie in one piece.
pub const Span = struct { offset_frames: u32, frames: u32, position: u64 };

pub const Ring = struct {
    /// The ring: not this struct's own.
    bytes: []u8,
    capacity_frames: u32,
    frame_bytes: u32,
    /// The producer renders whole units, each in one piece.
    unit_frames: u32,
    silence: u8,
    /// To move frames by; as large as the ring.
    scratch: memory.Bytes,
    /// Rendered. Advanced by the producer only.
    written: std.atomic.Value(u64) = .init(0),
    /// Given to the device, and of that no longer in its ring. Advanced by the owner only.
    taken: std.atomic.Value(u64) = .init(0),
    freed: std.atomic.Value(u64) = .init(0),
    /// Where position 0 lies in the ring. Who wants to rely on it, or to change it, takes `user`.
    /// An owner that finds it taken says so elsewhere and tries again: neither may miss the other.
    origin_frames: u32 = 0,
    user: std.atomic.Value(User) = .init(.nobody),
    /// Owner: up to here the gain has been applied.
    scaled: u64 = 0,

    const User = enum(u32) { nobody, producer, owner };

    pub fn create(
        bytes: []u8,
        capacity_frames: u32,
        frame_bytes: u32,
        unit_frames: u32,
        silence: u8,
    ) memory.Error!Ring {
        assert(bytes.len >= @as(usize, capacity_frames) * frame_bytes);
        assert(capacity_frames % unit_frames == 0);
        return .{
            .bytes = bytes,
            .capacity_frames = capacity_frames,
            .frame_bytes = frame_bytes,
            .unit_frames = unit_frames,
            .silence = silence,
            .scratch = try memory.map(@as(usize, capacity_frames) * frame_bytes),
        };
    }

    pub fn destroy(self: *Ring) void {
        memory.unmap(self.scratch);
        self.* = undefined;
    }

    /// Frames that wait to be committed.
    pub fn level(self: *const Ring) u32 {
        const taken = self.taken.load(.seq_cst);
        return @intCast(self.written.load(.seq_cst) - taken);
    }

    /// Frames that can be rendered.
    pub fn free(self: *const Ring) u32 {
        const freed = self.freed.load(.seq_cst);
        return self.capacity_frames - @as(u32, @intCast(self.written.load(.seq_cst) - freed));
    }

    fn offsetOf(self: *const Ring, position: u64) u32 {
        return @intCast((position + self.origin_frames) % self.capacity_frames);
    }

    /// Producer: the next frames to render, in one piece and at most `frames`. Until `end` the
    /// owner moves nothing. Null: there is no room, or the owner is moving frames.
    pub fn begin(self: *Ring, frames: u32) ?Span {
        if (self.user.cmpxchgStrong(.nobody, .producer, .seq_cst, .monotonic)) |user| {
            if (user == .owner) return null;
        }
        const position = self.written.load(.monotonic);
        const offset_frames = self.offsetOf(position);
        const piece_frames = @min(frames, self.free(), self.capacity_frames - offset_frames);
        if (piece_frames == 0) {
            self.user.store(.nobody, .seq_cst);
            return null;
        }
        return .{ .offset_frames = offset_frames, .frames = piece_frames, .position = position };
    }

    /// Producer: that many of the frames begun are rendered; 0 gives them back.
    pub fn end(self: *Ring, frames: u32) void {
        assert(self.user.load(.monotonic) == .producer);
        assert(frames <= self.free());
        self.written.store(self.written.load(.monotonic) + frames, .seq_cst);
        self.user.store(.nobody, .seq_cst);
    }

    /// Owner: the device has taken the next frames.
    pub fn take(self: *Ring, frames: u64) void {
        assert(frames <= self.level());
        self.taken.store(self.taken.load(.monotonic) + frames, .seq_cst);
    }

    /// Owner: of what the device took it holds so many, which nobody may overwrite.
    pub fn hold(self: *Ring, frames: u64) void {
        const freed = self.taken.load(.monotonic) -| frames;
        if (freed > self.freed.load(.monotonic)) self.freed.store(freed, .seq_cst);
    }

    /// Owner: of the next `frames`, how many at their end have not been scaled yet; they count as
    /// scaled from now on.
    pub fn toScale(self: *Ring, frames: u32) u32 {
        const end_position = self.taken.load(.monotonic) + frames;
        const count = @min(end_position -| self.scaled, frames);
        self.scaled = @max(self.scaled, end_position);
        return @intCast(count);
    }

    /// Owner: whether the device will take the next frame from where it lies.
    pub fn isAt(self: *const Ring, offset_frames: u32) bool {
        return self.offsetOf(self.taken.load(.monotonic)) == offset_frames;
    }

    /// Owner: how much silence has to come first, so that the producer's units stay in one piece
    /// when the next frame lies behind it.
    pub fn padFrames(self: *const Ring, offset_frames: u32) u32 {
        const unit = self.unit_frames;
        return (unit - (offset_frames + self.level()) % unit) % unit;
    }

    /// Owner: keeps the producer out until `disown`. False: it is at work.
    pub fn own(self: *Ring) bool {
        return self.user.cmpxchgStrong(.nobody, .owner, .seq_cst, .seq_cst) == null;
    }

    pub fn disown(self: *Ring) void {
        assert(self.user.load(.monotonic) == .owner);
        self.user.store(.nobody, .release);
    }

    /// Owner: moves what was rendered, so that the next frame lies at the offset, and leaves
    /// silence.
    pub fn move(self: *Ring, offset_frames: u32) void {
        assert(self.user.load(.monotonic) == .owner);
        const taken = self.taken.load(.monotonic);
        const frames = self.level();
        const kept = self.scratch[0 .. @as(usize, frames) * self.frame_bytes];
        self.copyOut(kept, self.offsetOf(taken));
        @memset(self.ringBytes(), self.silence);
        const before: u32 = @intCast(taken % self.capacity_frames);
        self.origin_frames = (offset_frames + self.capacity_frames - before) % self.capacity_frames;
        self.copyIn(kept, offset_frames);
    }

    fn ringBytes(self: *Ring) []u8 {
        return self.bytes[0 .. @as(usize, self.capacity_frames) * self.frame_bytes];
    }

    fn copyOut(self: *Ring, to: []u8, offset_frames: u32) void {
        const ring = self.ringBytes();
        const head = @min(to.len, ring.len - @as(usize, offset_frames) * self.frame_bytes);
        @memcpy(to[0..head], ring[@as(usize, offset_frames) * self.frame_bytes ..][0..head]);
        @memcpy(to[head..], ring[0 .. to.len - head]);
    }

    fn copyIn(self: *Ring, from: []const u8, offset_frames: u32) void {
        const ring = self.ringBytes();
        const head = @min(from.len, ring.len - @as(usize, offset_frames) * self.frame_bytes);
        @memcpy(ring[@as(usize, offset_frames) * self.frame_bytes ..][0..head], from[0..head]);
        @memcpy(ring[0 .. from.len - head], from[head..]);
    }
};

const expect = std.testing.expect;
const expectEqual = std.testing.expectEqual;

fn render(ring: *Ring, frames: u32, next: *u8) !void {
    const span = ring.begin(frames) orelse return error.NoRoom;
    try expectEqual(frames, span.frames);
    for (ring.bytes[span.offset_frames..][0..frames]) |*byte| {
        byte.* = next.*;
        next.* += 1;
    }
    ring.end(frames);
}

test "frames that the device lost its place in lie in order where it starts again" {
    var bytes: [12]u8 = @splat(0);
    var ring: Ring = try .create(&bytes, 12, 1, 4, 0);
    defer ring.destroy();
    var next: u8 = 1;
    for (0..3) |_| try render(&ring, 4, &next);
    try expectEqual(null, ring.begin(4));
    // The device took two units and played one: there is room for one.
    ring.take(8);
    ring.hold(4);
    try render(&ring, 4, &next);
    try expect(ring.isAt(8));

    // It stops, and starts again at 0.
    ring.hold(0);
    try expect(ring.own());
    ring.move(0);
    ring.disown();
    try expect(ring.isAt(0));
    try std.testing.expectEqualSlices(u8, &.{ 9, 10, 11, 12, 13, 14, 15, 16, 0, 0, 0, 0 }, &bytes);
    try render(&ring, 4, &next);
    try std.testing.expectEqualSlices(u8, &.{ 17, 18, 19, 20 }, bytes[8..]);
}

test "nothing is moved under a producer that is at work" {
    var bytes: [8]u8 = @splat(0);
    var ring: Ring = try .create(&bytes, 8, 1, 4, 0);
    defer ring.destroy();
    _ = ring.begin(4).?;
    try expect(!ring.own());
    ring.end(4);
    try expect(ring.own());
    try expectEqual(null, ring.begin(4));
    ring.disown();
}

test "silence in front keeps whole units in one piece" {
    var bytes: [12]u8 = @splat(0);
    var ring: Ring = try .create(&bytes, 12, 1, 4, 0);
    defer ring.destroy();
    var next: u8 = 1;
    for (0..2) |_| try render(&ring, 4, &next);
    // A fade ended within the first unit.
    ring.take(3);
    ring.hold(0);
    const pad_frames = ring.padFrames(0);
    try expectEqual(3, pad_frames);
    try expect(ring.own());
    ring.move(pad_frames);
    ring.disown();
    try std.testing.expectEqualSlices(u8, &.{ 0, 0, 0, 4, 5, 6, 7, 8, 0, 0, 0, 0 }, &bytes);
    try expectEqual(8, ring.begin(4).?.offset_frames);
}
