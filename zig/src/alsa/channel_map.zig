//! Which loudspeaker each channel of a PCM is for: what it offers, what is asked of it, and what it
//! grants.

const std = @import("std");
const abi = @import("../abi.zig");
const alsa = @import("libasound.zig");
const sample = @import("../sample.zig");

const Position = abi.ChannelPosition;
/// Other bits tell of inverted phases and of positions that only the driver knows.
const position_mask = 0xffff;
const driver_specific = 0x2_0000;

/// The positions of so many channels; of none where nothing is known.
pub const ChannelMap = struct {
    count: u32 = 0,
    positions: [sample.max_channels]Position = undefined,

    pub fn of(map: *const alsa.Chmap) ?ChannelMap {
        if (map.channels > sample.max_channels) return null;
        var self: ChannelMap = .{ .count = map.channels };
        for (map.positions(), self.positions[0..map.channels]) |raw, *to| to.* = positionOf(raw);
        return self;
    }

    pub fn items(self: *const ChannelMap) []const Position {
        return self.positions[0..self.count];
    }

    pub fn eql(self: *const ChannelMap, other: *const ChannelMap) bool {
        return std.mem.eql(Position, self.items(), other.items());
    }

    /// As in "FL FR".
    pub fn format(self: ChannelMap, writer: *std.Io.Writer) std.Io.Writer.Error!void {
        for (self.items(), 0..) |position, index| {
            if (index > 0) try writer.writeByte(' ');
            try writer.writeAll(@tagName(position));
        }
    }

    /// A PCM that does not know its map may well say that each position is unknown.
    fn isKnown(self: *const ChannelMap) bool {
        for (self.items()) |position| if (position != .UNKNOWN) return true;
        return false;
    }
};

fn positionOf(raw: c_uint) Position {
    if (raw & driver_specific != 0) return .UNKNOWN;
    return std.enums.fromInt(Position, raw & position_mask) orelse .UNKNOWN;
}

/// The map of a PCM that has its parameters.
pub fn current(asound: *const alsa.Libasound, pcm: *alsa.Pcm) ChannelMap {
    const map = asound.snd_pcm_get_chmap(pcm) orelse return .{};
    defer std.c.free(@constCast(map));
    const known = ChannelMap.of(map) orelse return .{};
    return if (known.isKnown()) known else .{};
}

/// Asks for a map. Whether the PCM has it then: some say yes and keep theirs.
pub fn set(asound: *const alsa.Libasound, pcm: *alsa.Pcm, wanted: *const ChannelMap) bool {
    if (current(asound, pcm).eql(wanted)) return true;
    var raw: [1 + sample.max_channels]c_uint = undefined;
    raw[0] = wanted.count;
    for (wanted.items(), raw[1..][0..wanted.count]) |position, *to| to.* = @intFromEnum(position);
    if (asound.snd_pcm_set_chmap(pcm, @ptrCast(&raw)) < 0) return false;
    return current(asound, pcm).eql(wanted);
}

/// Writes the maps that a PCM offers, each behind its kind: "fixed FL FR, variable FL FR RL RR".
pub fn writeOffered(
    asound: *const alsa.Libasound,
    pcm: *alsa.Pcm,
    separator: []const u8,
    writer: *std.Io.Writer,
) std.Io.Writer.Error!void {
    const offered = asound.snd_pcm_query_chmaps(pcm) orelse return;
    defer asound.snd_pcm_free_chmaps(offered);
    var index: usize = 0;
    while (offered[index]) |query| : (index += 1) {
        const map = ChannelMap.of(&query.map) orelse continue;
        const kind = switch (query.type) {
            .@"var" => "variable",
            .paired => "paired",
            else => "fixed",
        };
        try writer.print("{s}{s} {f}", .{ if (index > 0) separator else "", kind, map });
    }
}

test "positions that are not ALSA's own are unknown, and flags do not matter" {
    try std.testing.expectEqual(Position.FL, positionOf(3));
    try std.testing.expectEqual(Position.FL, positionOf(0x1_0003));
    try std.testing.expectEqual(Position.UNKNOWN, positionOf(0x2_0003));
    try std.testing.expectEqual(Position.BRC, positionOf(36));
    try std.testing.expectEqual(Position.UNKNOWN, positionOf(37));
}

test "a map is told by the names of its positions" {
    const raw = [_]c_uint{ 3, 3, 4, 8 };
    const map = ChannelMap.of(@ptrCast(&raw)).?;
    var buffer: [32]u8 = undefined;
    try std.testing.expectEqualStrings("FL FR LFE", try std.fmt.bufPrint(&buffer, "{f}", .{map}));
}
