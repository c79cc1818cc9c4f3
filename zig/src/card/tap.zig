//! Records what one substream played, in memory or as a WAV file. The hardware side only copies
//! into a ring; memory is taken and files are written by whoever flushes.

const std = @import("std");
const linux = std.os.linux;
const abi = @import("../abi.zig");
const alsa = @import("../alsa/libasound.zig");
const sample = @import("../sample.zig");
const sync = @import("../sync.zig");
const Recording = @import("recording.zig").Recording;
const TapRing = @import("tap_ring.zig").TapRing;
const wav = @import("wav.zig");

pub const Shape = wav.Shape;

/// What a tap does with the frames, and the path of the file if it writes one.
pub const Target = union(abi.Tap) {
    none,
    memory,
    wav: [:0]const u8,
};

/// How long nobody may flush before frames are lost, unless that takes too much memory.
const ring_seconds = 2;
const ring_bytes_ceiling = 16 * 1024 * 1024;
const ring_buffers_floor = 4;

pub const Tap = struct {
    target: Target,
    /// Guards everything but the hardware's side of the ring. Never taken by the hardware side.
    mutex: sync.Mutex = .{},
    shape: ?Shape = null,
    ring: ?TapRing = null,
    recording: Recording = .{},
    file: ?wav.WavFile = null,
    /// Frames that left the ring.
    flushed_frames: u64 = 0,
    lost_frames: std.atomic.Value(u64) = .init(0),
    /// The first failure to record; SUCCESS while there was none.
    failure: linux.E = .SUCCESS,

    pub fn deinit(self: *Tap) void {
        std.debug.assert(self.ring == null and self.file == null);
        self.recording.deinit();
        self.* = undefined;
    }

    /// Before playback in this shape. A tap holds one shape: once it has recorded, another is BUSY.
    pub fn configure(self: *Tap, shape: Shape, buffer_frames: u64) linux.E {
        if (self.target == .none) return .SUCCESS;
        self.mutex.lock();
        defer self.mutex.unlock();
        self.drain();
        const is_new = self.shape == null or !std.meta.eql(self.shape.?, shape);
        if (is_new and self.hasRecorded()) return .BUSY;
        if (is_new) self.closeTarget();
        if (self.target == .wav and self.file == null) {
            self.file = @as(wav.WavFile, undefined);
            const errno = self.file.?.create(self.target.wav, shape);
            if (errno != .SUCCESS) {
                self.file = null;
                return errno;
            }
        }
        self.shape = shape;
        return self.makeRing(shape, buffer_frames);
    }

    /// The end of playback: everything is in its place on return, and only the recording is kept.
    pub fn finish(self: *Tap) linux.E {
        self.mutex.lock();
        defer self.mutex.unlock();
        self.drain();
        self.closeTarget();
        return self.failure;
    }

    /// Hardware side: frames that lie in one piece in the areas. Returns for how many there was
    /// room.
    pub fn recordAreas(
        self: *Tap,
        areas: []const alsa.ChannelArea,
        offset_frames: u64,
        frames: u64,
    ) u64 {
        return if (self.ring) |*ring| ring.writeAreas(areas, offset_frames, frames) else 0;
    }

    /// Hardware side: frames that were played as silence.
    pub fn recordSilence(self: *Tap, frames: u64) void {
        const ring = if (self.ring) |*ring| ring else return;
        self.lose(frames - ring.writeSilence(sample.silenceByte(self.shape.?.format), frames));
    }

    /// Hardware side: frames that were played but are not there to be copied.
    pub fn lose(self: *Tap, frames: u64) void {
        if (self.target == .none or frames == 0) return;
        _ = self.lost_frames.fetchAdd(frames, .monotonic);
    }

    /// Moves what the ring holds to where it belongs. Blocks on the disk.
    pub fn flush(self: *Tap) linux.E {
        self.mutex.lock();
        defer self.mutex.unlock();
        self.drain();
        return self.failure;
    }

    /// Copies whole frames of a memory tap; returns how many bytes, 0 at the end.
    pub fn read(self: *Tap, offset_frames: u64, out: []u8) usize {
        self.mutex.lock();
        defer self.mutex.unlock();
        const shape = self.shape orelse return 0;
        const frame_bytes = shape.frameBytes();
        const whole = out[0 .. out.len - out.len % frame_bytes];
        return self.recording.read(offset_frames *| frame_bytes, whole);
    }

    fn hasRecorded(self: *const Tap) bool {
        return self.flushed_frames > 0 or self.lost_frames.load(.monotonic) > 0;
    }

    fn closeTarget(self: *Tap) void {
        if (self.ring) |*ring| ring.destroy();
        self.ring = null;
        if (self.file) |*file| file.close();
        self.file = null;
    }

    fn makeRing(self: *Tap, shape: Shape, buffer_frames: u64) linux.E {
        const frame_bytes = shape.frameBytes();
        const frames = @max(
            ring_buffers_floor * buffer_frames,
            @min(ring_seconds * shape.rate, ring_bytes_ceiling / frame_bytes),
        );
        if (self.ring) |*ring| {
            if (ring.capacity_frames >= frames) return .SUCCESS;
            ring.destroy();
            self.ring = null;
        }
        self.ring = TapRing.create(frames, frame_bytes) catch return .NOMEM;
        return .SUCCESS;
    }

    fn drain(self: *Tap) void {
        const ring = if (self.ring) |*ring| ring else return;
        while (true) {
            const bytes = ring.readable();
            if (bytes.len == 0) return;
            const frames = bytes.len / ring.frame_bytes;
            const errno = if (self.failure == .SUCCESS) self.store(bytes) else self.failure;
            if (errno != .SUCCESS) self.lose(frames);
            self.failure = errno;
            self.flushed_frames += frames;
            ring.release(frames);
        }
    }

    fn store(self: *Tap, bytes: []const u8) linux.E {
        switch (self.target) {
            // Without a target there is no ring to come from.
            .none => unreachable,
            .memory => self.recording.append(bytes) catch return .NOMEM,
            .wav => return self.file.?.append(bytes),
        }
        return .SUCCESS;
    }
};

/// The file of a card's n-th substream: `PATH` itself for 0, then the number before the extension.
pub fn numberedPath(
    allocator: std.mem.Allocator,
    path: []const u8,
    number: u32,
) std.mem.Allocator.Error![:0]u8 {
    if (number == 0) return allocator.dupeSentinel(u8, path, 0);
    const extension = std.fs.path.extension(path);
    const stem = path[0 .. path.len - extension.len];
    return std.fmt.allocPrintSentinel(allocator, "{s}.{d}{s}", .{ stem, number, extension }, 0);
}

const testing = std.testing;

test "the number of a substream goes before the extension" {
    const cases = [_]struct { []const u8, u32, []const u8 }{
        .{ "/tmp/out.wav", 0, "/tmp/out.wav" },
        .{ "/tmp/out.wav", 3, "/tmp/out.3.wav" },
        .{ "out", 1, "out.1" },
        .{ "a.b/out", 12, "a.b/out.12" },
        .{ "a/.hidden", 2, "a/.hidden.2" },
    };
    for (cases) |case| {
        const path, const number, const expected = case;
        const numbered = try numberedPath(testing.allocator, path, number);
        defer testing.allocator.free(numbered);
        try testing.expectEqualStrings(expected, numbered);
    }
}

test "a memory tap keeps frames and silence, counts what it lost, and holds one shape" {
    var tap: Tap = .{ .target = .memory };
    const shape: Shape = .{ .format = .u8, .channels = 2, .rate = 8_000 };
    const other: Shape = .{ .format = .s16, .channels = 2, .rate = 8_000 };
    // Nothing is recorded yet: the shape may still change.
    try testing.expectEqual(.SUCCESS, tap.configure(other, 8));
    try testing.expectEqual(.SUCCESS, tap.configure(shape, 8));
    var ring = "abcdefgh".*;
    const areas = [_]alsa.ChannelArea{
        .{ .addr = &ring, .first = 0, .step = 16 },
        .{ .addr = &ring, .first = 8, .step = 16 },
    };
    try testing.expectEqual(2, tap.recordAreas(&areas, 1, 2));
    tap.recordSilence(1);
    try testing.expectEqual(.SUCCESS, tap.flush());
    var out: [9]u8 = undefined;
    try testing.expectEqual(6, tap.read(0, &out));
    try testing.expectEqualStrings("cdef\x80\x80", out[0..6]);
    try testing.expectEqual(2, tap.read(2, &out));
    try testing.expectEqual(0, tap.read(3, &out));
    try testing.expectEqual(0, tap.read(std.math.maxInt(u64), &out));

    tap.recordSilence(tap.ring.?.capacity_frames + 5);
    try testing.expectEqual(5, tap.lost_frames.load(.monotonic));
    try testing.expectEqual(0, tap.recordAreas(&areas, 0, 1));
    try testing.expectEqual(.BUSY, tap.configure(other, 8));
    try testing.expectEqual(.SUCCESS, tap.configure(shape, 16));
    try testing.expectEqual(.SUCCESS, tap.finish());
    try testing.expectEqual(2, tap.read(2, out[0..2]));
    tap.deinit();
}

test "a failed write is remembered and its frames are counted as lost" {
    var tap: Tap = .{ .target = .{ .wav = "/dev/full" } };
    const shape: Shape = .{ .format = .s16, .channels = 1, .rate = 8_000 };
    // The header already does not fit.
    try testing.expectEqual(.NOSPC, tap.configure(shape, 8));
    try testing.expect(tap.file == null);

    tap.target = .{ .wav = "/dev/null" };
    try testing.expectEqual(.SUCCESS, tap.configure(shape, 8));
    // As when the disk fills up while the stream plays.
    const null_descriptor = tap.file.?.descriptor;
    const full = linux.open("/dev/full", .{ .ACCMODE = .RDWR }, 0);
    tap.file.?.descriptor = @intCast(full);
    tap.recordSilence(7);
    try testing.expectEqual(.NOSPC, tap.flush());
    try testing.expectEqual(7, tap.lost_frames.load(.monotonic));
    tap.recordSilence(1);
    try testing.expectEqual(.NOSPC, tap.finish());
    try testing.expectEqual(8, tap.lost_frames.load(.monotonic));
    _ = linux.close(null_descriptor);
    tap.deinit();
}
