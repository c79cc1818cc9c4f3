//! A block of frames somewhere in memory: in the DMA ring, interleaved or not, or in a scratch
//! buffer. Sources render into it; nothing else in the engine computes addresses of samples.

const std = @import("std");
const assert = std.debug.assert;
const alsa = @import("alsa/libasound.zig");
const sample = @import("sample.zig");

const quiet_zero: [1024]u8 = @splat(0);
const quiet_middle: [1024]u8 = @splat(sample.silenceByte(.u8));

pub const Block = struct {
    /// The first sample of each channel.
    channel: [sample.max_channels][*]u8,
    channels: u32,
    /// From one frame to the next within a channel.
    stride_bytes: u32,
    frames: u32,
    format: sample.Format,
    /// Frames lie one behind the other without gaps, all channels together.
    interleaved: bool,

    /// The block behind libasound's areas, which are walked by `first` and `step`, never assumed.
    pub fn ofAreas(
        areas: [*]const alsa.ChannelArea,
        channels: u32,
        format: sample.Format,
        offset_frames: u64,
        frames: u32,
    ) Block {
        assert(channels >= 1 and channels <= sample.max_channels);
        const sample_bytes = sample.bytesOf(format);
        var block: Block = .{
            .channel = undefined,
            .channels = channels,
            .stride_bytes = areas[0].step / 8,
            .frames = frames,
            .format = format,
            .interleaved = areas[0].step == channels * sample_bytes * 8,
        };
        for (areas[0..channels], 0..) |area, index| {
            assert(area.first % 8 == 0 and area.step % 8 == 0);
            assert(area.step / 8 == block.stride_bytes);
            const base: [*]u8 = @ptrCast(area.addr.?);
            block.channel[index] = base + area.first / 8 + offset_frames * block.stride_bytes;
            const packed_at = block.channel[0] + index * sample_bytes;
            if (block.channel[index] != packed_at) block.interleaved = false;
        }
        return block;
    }

    pub fn ofInterleaved(base: [*]u8, channels: u32, format: sample.Format, frames: u32) Block {
        assert(channels >= 1 and channels <= sample.max_channels);
        const sample_bytes = sample.bytesOf(format);
        var block: Block = .{
            .channel = undefined,
            .channels = channels,
            .stride_bytes = channels * sample_bytes,
            .frames = frames,
            .format = format,
            .interleaved = true,
        };
        for (block.channel[0..channels], 0..) |*at, index| at.* = base + index * sample_bytes;
        return block;
    }

    /// Each channel on its own, one behind the other, `frames` long.
    pub fn ofPlanar(base: [*]u8, channels: u32, format: sample.Format, frames: u32) Block {
        assert(channels >= 1 and channels <= sample.max_channels);
        const sample_bytes = sample.bytesOf(format);
        var block: Block = .{
            .channel = undefined,
            .channels = channels,
            .stride_bytes = sample_bytes,
            .frames = frames,
            .format = format,
            .interleaved = channels == 1,
        };
        const plane_bytes = @as(usize, sample_bytes) * frames;
        for (block.channel[0..channels], 0..) |*at, index| at.* = base + index * plane_bytes;
        return block;
    }

    /// The part that starts `frames` in.
    pub fn from(self: *const Block, frames: u32) Block {
        assert(frames <= self.frames);
        var rest = self.*;
        rest.frames -= frames;
        for (rest.channel[0..rest.channels]) |*at| at.* += @as(usize, frames) * rest.stride_bytes;
        return rest;
    }

    pub fn first(self: *const Block, frames: u32) Block {
        assert(frames <= self.frames);
        var part = self.*;
        part.frames = frames;
        return part;
    }

    /// Copies interleaved frames into the whole block.
    pub fn copyInterleaved(self: *const Block, source: []const u8) void {
        const sample_bytes = sample.bytesOf(self.format);
        assert(source.len == @as(usize, self.frames) * self.channels * sample_bytes);
        if (self.interleaved) {
            @memcpy(self.channel[0][0..source.len], source);
            return;
        }
        switch (sample_bytes) {
            inline 1, 2, 3, 4, 8 => |bytes| for (0..self.channels) |index| {
                const frame_bytes = self.channels * bytes;
                var to = self.channel[index];
                var from_offset = index * bytes;
                for (0..self.frames) |_| {
                    to[0..bytes].* = source[from_offset..][0..bytes].*;
                    to += self.stride_bytes;
                    from_offset += frame_bytes;
                }
            },
            else => unreachable,
        }
    }

    pub fn silence(self: *const Block) void {
        const byte = sample.silenceByte(self.format);
        const sample_bytes = sample.bytesOf(self.format);
        if (self.interleaved) {
            const bytes = @as(usize, self.frames) * self.channels * sample_bytes;
            const quiet = if (byte == 0) &quiet_zero else &quiet_middle;
            // Copied, because the memset that Zig links in stores byte by byte.
            var at: usize = 0;
            while (at < bytes) : (at += quiet.len) {
                const part = @min(quiet.len, bytes - at);
                @memcpy(self.channel[0][at..][0..part], quiet[0..part]);
            }
            return;
        }
        for (self.channel[0..self.channels]) |start| {
            var at = start;
            for (0..self.frames) |_| {
                @memset(at[0..sample_bytes], byte);
                at += self.stride_bytes;
            }
        }
    }
};

test "a non-interleaved copy holds every sample where its area says" {
    const frames = 5;
    var memory: [3 * frames * 2]u8 = undefined;
    const block: Block = .ofPlanar(&memory, 3, .s16, frames);
    var source: [frames * 3 * 2]u8 = undefined;
    for (&source, 0..) |*byte, index| byte.* = @intCast(index);
    block.copyInterleaved(&source);
    for (0..frames) |frame| for (0..3) |channel| {
        const expected = source[(frame * 3 + channel) * 2 ..][0..2];
        try std.testing.expectEqualSlices(u8, expected, block.channel[channel][frame * 2 ..][0..2]);
    };
}
