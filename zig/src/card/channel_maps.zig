//! The channel maps of a virtual card: those that ALSA's drivers have for so many channels, fixed
//! or with positions that can be swapped.

const std = @import("std");
const linux = std.os.linux;
const abi = @import("../abi.zig");
const alsa = @import("../alsa/libasound.zig");
const ioplug = @import("ioplug.zig");
const Substream = @import("substream.zig").Substream;

const Position = abi.ChannelPosition;

/// By ALSA's order, a pair after the other.
const order = [_]Position{ .FL, .FR, .RL, .RR, .FC, .LFE, .SL, .SR };
const counts = [_]u32{ 1, 2, 4, 6, 8 };

/// The positions that a substream was given, until it gets other parameters.
pub const Chosen = struct {
    count: u32 = 0,
    positions: [order.len]c_uint = undefined,
};

/// Of none where there is no such map.
fn usual(count: u32) []const Position {
    if (std.mem.indexOfScalar(u32, &counts, count) == null) return &.{};
    return if (count == 1) &.{.MONO} else order[0..count];
}

/// Answers `snd_pcm_query_chmaps`, by memory that libasound frees.
pub fn query(handle: *ioplug.Handle) callconv(.c) ?*anyopaque {
    const self: *Substream = .of(handle);
    const options = &self.card.options;
    if (options.channel_maps == .none) return null;
    const list = allocate(?*alsa.ChmapQuery, counts.len + 1) orelse return null;
    var length: usize = 0;
    for (counts) |count| {
        if (count < options.channels_min or count > options.channels_max) continue;
        const words = allocate(c_uint, 2 + count) orelse break;
        const kind: alsa.ChmapType = if (options.channel_maps == .fixed) .fixed else .@"var";
        words[0] = @intCast(@intFromEnum(kind));
        fill(words + 1, usual(count));
        list[length] = @ptrCast(words);
        length += 1;
    }
    list[length] = null;
    return @ptrCast(list);
}

/// Answers `snd_pcm_get_chmap`, by memory that libasound's caller frees.
pub fn get(handle: *ioplug.Handle) callconv(.c) ?*anyopaque {
    const self: *Substream = .of(handle);
    self.mutex.lock();
    defer self.mutex.unlock();
    const positions = usual(handle.channels);
    if (self.card.options.channel_maps == .none or positions.len == 0) return null;
    const words = allocate(c_uint, 1 + handle.channels) orelse return null;
    fill(words, positions);
    const chosen = &self.channel_map;
    if (chosen.count > 0) @memcpy(words[1..][0..chosen.count], chosen.positions[0..chosen.count]);
    return @ptrCast(words);
}

pub fn set(handle: *ioplug.Handle, wanted: *const anyopaque) callconv(.c) c_int {
    const self: *Substream = .of(handle);
    self.mutex.lock();
    defer self.mutex.unlock();
    if (self.card.options.channel_maps != .variable) return fail(.NXIO);
    const map: *const alsa.Chmap = @ptrCast(@alignCast(wanted));
    const positions = usual(handle.channels);
    if (positions.len == 0 or map.channels != handle.channels) return fail(.INVAL);
    // Each position once: they can be swapped, no more.
    for (positions) |position| {
        const raw = @as(c_uint, @intFromEnum(position));
        if (std.mem.indexOfScalar(c_uint, map.positions(), raw) == null) return fail(.INVAL);
    }
    self.channel_map.count = map.channels;
    @memcpy(self.channel_map.positions[0..map.channels], map.positions());
    return 0;
}

fn fill(words: [*]c_uint, positions: []const Position) void {
    words[0] = @intCast(positions.len);
    for (positions, words[1..][0..positions.len]) |position, *to| to.* = @intFromEnum(position);
}

fn allocate(comptime T: type, count: usize) ?[*]T {
    const memory = std.c.malloc(count * @sizeOf(T)) orelse return null;
    return @ptrCast(@alignCast(memory));
}

fn fail(errno: linux.E) c_int {
    return -@as(c_int, @intFromEnum(errno));
}
