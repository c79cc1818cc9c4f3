//! The ring between the card's hardware, which may run on a realtime thread, and whoever records
//! what it played: interleaved frames, one producer, one consumer, no lock and no allocation.

const std = @import("std");
const assert = std.debug.assert;
const alsa = @import("../alsa/libasound.zig");
const memory = @import("../memory.zig");

pub const TapRing = struct {
    bytes: memory.Bytes,
    frame_bytes: u32,
    capacity_frames: u64,
    /// Frames since the ring was made; each advanced by its own side only.
    written: std.atomic.Value(u64) = .init(0),
    read: std.atomic.Value(u64) = .init(0),

    pub fn create(capacity_frames: u64, frame_bytes: u32) memory.Error!TapRing {
        assert(capacity_frames > 0 and frame_bytes > 0);
        const bytes = try memory.map(capacity_frames * frame_bytes);
        // Whole frames only, so that none is split at the ring's end.
        return .{
            .bytes = bytes,
            .frame_bytes = frame_bytes,
            .capacity_frames = bytes.len / frame_bytes,
        };
    }

    pub fn destroy(self: *TapRing) void {
        memory.unmap(self.bytes);
        self.* = undefined;
    }

    /// Producer: takes as many of the frames as there is room for, out of areas of any `first` and
    /// `step`. `offset_frames + frames` lies inside the areas.
    pub fn writeAreas(
        self: *TapRing,
        areas: []const alsa.ChannelArea,
        offset_frames: u64,
        frames: u64,
    ) u64 {
        const taken = @min(frames, self.room());
        const head = self.span(self.written.load(.monotonic), taken);
        const head_frames = head.len / self.frame_bytes;
        gather(head, self.frame_bytes, areas, offset_frames);
        if (head_frames < taken) {
            const tail = self.bytes[0 .. (taken - head_frames) * self.frame_bytes];
            gather(tail, self.frame_bytes, areas, offset_frames + head_frames);
        }
        self.publish(taken);
        return taken;
    }

    /// Producer: the same with silence.
    pub fn writeSilence(self: *TapRing, silence_byte: u8, frames: u64) u64 {
        const taken = @min(frames, self.room());
        const head = self.span(self.written.load(.monotonic), taken);
        @memset(head, silence_byte);
        @memset(self.bytes[0 .. taken * self.frame_bytes - head.len], silence_byte);
        self.publish(taken);
        return taken;
    }

    /// Consumer: the next frames that lie in one piece; empty when there are none.
    pub fn readable(self: *const TapRing) []const u8 {
        const read = self.read.load(.monotonic);
        return self.span(read, self.written.load(.acquire) - read);
    }

    /// Consumer: done with the first `frames` of `readable`.
    pub fn release(self: *TapRing, frames: u64) void {
        const read = self.read.load(.monotonic);
        assert(frames <= self.written.load(.acquire) - read);
        self.read.store(read + frames, .release);
    }

    fn room(self: *const TapRing) u64 {
        return self.capacity_frames -
            (self.written.load(.monotonic) - self.read.load(.acquire));
    }

    fn publish(self: *TapRing, frames: u64) void {
        self.written.store(self.written.load(.monotonic) + frames, .release);
    }

    /// From `position` to `frames` later or to the end of the ring, whichever comes first.
    fn span(self: *const TapRing, position: u64, frames: u64) []u8 {
        const start = position % self.capacity_frames;
        const length = @min(frames, self.capacity_frames - start);
        return self.bytes[start * self.frame_bytes ..][0 .. length * self.frame_bytes];
    }
};

/// Fills `target` with interleaved frames out of the areas.
fn gather(
    target: []u8,
    frame_bytes: u32,
    areas: []const alsa.ChannelArea,
    offset_frames: u64,
) void {
    const sample_bytes = frame_bytes / areas.len;
    assert(sample_bytes * areas.len == frame_bytes and target.len % frame_bytes == 0);
    if (isInterleaved(areas, frame_bytes)) {
        const source = firstSample(areas[0]) + offset_frames * frame_bytes;
        @memcpy(target, source[0..target.len]);
        return;
    }
    const frames = target.len / frame_bytes;
    switch (sample_bytes) {
        inline 1, 2, 3, 4, 8 => |bytes| for (areas, 0..) |area, channel| {
            const step_bytes = area.step / 8;
            var from = firstSample(area) + offset_frames * step_bytes;
            var to = channel * bytes;
            for (0..frames) |_| {
                target[to..][0..bytes].* = from[0..bytes].*;
                from += step_bytes;
                to += frame_bytes;
            }
        },
        else => unreachable,
    }
}

fn isInterleaved(areas: []const alsa.ChannelArea, frame_bytes: u32) bool {
    const sample_bytes = frame_bytes / areas.len;
    for (areas, 0..) |area, channel| {
        if (area.step != frame_bytes * 8) return false;
        if (firstSample(area) != firstSample(areas[0]) + channel * sample_bytes) return false;
    }
    return true;
}

fn firstSample(area: alsa.ChannelArea) [*]const u8 {
    // ALSA counts in bits; all formats of the engine are whole bytes.
    assert(area.first % 8 == 0 and area.step % 8 == 0);
    const address: [*]const u8 = @ptrCast(area.addr.?);
    return address + area.first / 8;
}

const testing = std.testing;

test "frames out of areas of any layout come out interleaved, in order, across the ring's end" {
    const frames = 7;
    inline for ([_]usize{ 1, 2, 3, 4, 8 }) |sample_bytes| {
        const frame_bytes = 2 * sample_bytes;
        var interleaved: [frames * frame_bytes]u8 = undefined;
        for (&interleaved, 0..) |*byte, index| byte.* = @truncate(index *% 37);
        // The left channel alone, the right one with a gap behind every sample.
        var left: [frames * sample_bytes]u8 = undefined;
        var right: [frames * sample_bytes * 2]u8 = undefined;
        for (0..frames) |frame| {
            const samples = interleaved[frame * frame_bytes ..][0..frame_bytes];
            @memcpy(left[frame * sample_bytes ..][0..sample_bytes], samples[0..sample_bytes]);
            @memcpy(right[frame * frame_bytes ..][0..sample_bytes], samples[sample_bytes..]);
        }
        const layouts = [_][2]alsa.ChannelArea{
            .{
                .{ .addr = &interleaved, .first = 0, .step = frame_bytes * 8 },
                .{ .addr = &interleaved, .first = sample_bytes * 8, .step = frame_bytes * 8 },
            },
            .{
                .{ .addr = &left, .first = 0, .step = sample_bytes * 8 },
                .{ .addr = &right, .first = 0, .step = frame_bytes * 8 },
            },
        };
        for (layouts) |areas| {
            var ring: TapRing = try .create(5, frame_bytes);
            defer ring.destroy();
            ring.capacity_frames = 5;
            var out: [frames * frame_bytes]u8 = undefined;
            var out_length: usize = 0;
            var taken: u64 = 0;
            while (taken < frames) {
                taken += ring.writeAreas(&areas, taken, @min(4, frames - taken));
                const piece = ring.readable();
                @memcpy(out[out_length..][0..piece.len], piece);
                out_length += piece.len;
                ring.release(piece.len / frame_bytes);
            }
            const rest = ring.readable();
            @memcpy(out[out_length..][0..rest.len], rest);
            try testing.expectEqualSlices(u8, &interleaved, &out);
        }
    }
}

test "a full ring takes what fits and says so" {
    var ring: TapRing = try .create(100, 3);
    defer ring.destroy();
    const capacity = ring.capacity_frames;
    try testing.expectEqual(capacity, ring.writeSilence(0x80, capacity + 9));
    try testing.expectEqual(0, ring.writeSilence(0x80, 1));
    ring.release(4);
    try testing.expectEqual(4, ring.writeSilence(0, 5));
    const piece = ring.readable();
    try testing.expectEqual((capacity - 4) * 3, piece.len);
    for (piece) |byte| try testing.expectEqual(0x80, byte);
}
