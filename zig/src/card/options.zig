//! What a virtual card can do: the caller's options, and the limits that they leave, as constraints
//! on the hardware parameters of its PCMs.

const std = @import("std");
const abi = @import("../abi.zig");
const alsa = @import("../alsa/libasound.zig");
const ioplug = @import("ioplug.zig");
const sample = @import("../sample.zig");

pub const rate_floor = 4_000;
pub const rate_ceiling = 768_000;
pub const period_frames_floor = 16;
pub const periods_floor = 2;
pub const periods_ceiling = 1024;
pub const buffer_bytes_ceiling = 4 * 1024 * 1024;
pub const default_substreams = 8192;
const period_frames_ceiling = buffer_bytes_ceiling / periods_floor;
const drift_ppm_ceiling = 100_000;

/// The fields of `abi.CardOptions` as integers; 0 in a limit means "no limit but the engine's own".
pub const Options = struct {
    clock: abi.CardClock = .realtime,
    /// Deviation of the card's frame clock in parts per million, at most 100 000 either way.
    drift_ppm: f64 = 0,
    /// Bit n allows `abi.Format` n.
    format_mask: u32 = 0,
    /// Bit 0 mmap interleaved, 1 mmap non-interleaved, 2 write interleaved, 3 write
    /// non-interleaved.
    access_mask: u32 = 0,
    rate_min: u32 = 0,
    rate_max: u32 = 0,
    channels_min: u32 = 0,
    channels_max: u32 = 0,
    period_frames_min: u32 = 0,
    period_frames_max: u32 = 0,
    periods_min: u32 = 0,
    periods_max: u32 = 0,
    /// Streams that may be open at once; 0 for as many as there are handles.
    substreams: u32 = 0,
    no_pause: bool = false,
    /// The hardware transfers whole periods: its pointer moves from one to the next.
    batch: bool = false,
    /// For tests of the pointers' wrap: `prepare` sets them to this distance before the boundary.
    /// 0: they start at 0, as on any device.
    frames_before_boundary: u32 = 0,
    channel_maps: abi.CardChannelMaps = .none,

    pub const Error = error{InvalidArgument};

    /// The same with every 0 replaced by the engine's own limit.
    pub fn resolve(options: Options) Error!Options {
        var resolved = options;
        if (!(@abs(options.drift_ppm) <= drift_ppm_ceiling)) return error.InvalidArgument;
        resolved.format_mask = try mask(options.format_mask, formats.len);
        resolved.access_mask = try mask(options.access_mask, accesses.len);
        if (options.substreams == 0) resolved.substreams = default_substreams;
        try range(&resolved.rate_min, &resolved.rate_max, rate_floor, rate_ceiling);
        try range(&resolved.channels_min, &resolved.channels_max, 1, sample.max_channels);
        try range(
            &resolved.period_frames_min,
            &resolved.period_frames_max,
            period_frames_floor,
            period_frames_ceiling,
        );
        try range(&resolved.periods_min, &resolved.periods_max, periods_floor, periods_ceiling);
        const bytes: Bytes = .of(&resolved);
        if (bytes.buffer_min > buffer_bytes_ceiling) return error.InvalidArgument;
        return resolved;
    }

    /// Deviation in parts per milliard, for exact arithmetic.
    pub fn driftPpb(options: *const Options) i64 {
        return @intFromFloat(@round(options.drift_ppm * 1000));
    }

    /// Tells libasound the limits. ioplug constrains the period and the buffer in bytes only: for
    /// frames that will have the expected size that is exactly the limit in frames, otherwise it is
    /// the widest range of bytes that some allowed format needs, and `admits` refuses the rest.
    pub fn constrain(
        options: *const Options,
        asound: *const alsa.Libasound,
        handle: *ioplug.Handle,
        expected: ?Expected,
    ) c_int {
        const bytes: Bytes = .of(&options.narrowedTo(expected));
        const ranges = [_]struct { ioplug.HwParam, u64, u64 }{
            .{ .channels, options.channels_min, options.channels_max },
            .{ .rate, options.rate_min, options.rate_max },
            .{ .period_bytes, bytes.period_min, bytes.period_max },
            .{ .buffer_bytes, bytes.buffer_min, bytes.buffer_max },
            .{ .periods, options.periods_min, options.periods_max },
        };
        for (ranges) |limit| {
            const param, const min, const max = limit;
            const result = asound.snd_pcm_ioplug_set_param_minmax(
                handle,
                @intFromEnum(param),
                @intCast(min),
                @intCast(max),
            );
            if (result < 0) return result;
        }
        const result = setList(asound, handle, .access, options.access_mask, &accesses);
        if (result < 0) return result;
        return setList(asound, handle, .format, options.format_mask, &formats);
    }

    /// What an opener says it will ask for, so that limits in frames can be told in bytes.
    pub const Expected = struct { format: abi.Format, channels: u32 };

    /// What the card does not do at all is left to libasound to refuse.
    fn narrowedTo(options: *const Options, expected: ?Expected) Options {
        var narrowed = options.*;
        const one = expected orelse return narrowed;
        const bit = @as(u32, 1) << @intCast(@intFromEnum(one.format));
        if (options.format_mask & bit != 0) narrowed.format_mask = bit;
        if (one.channels >= options.channels_min and one.channels <= options.channels_max) {
            narrowed.channels_min = one.channels;
            narrowed.channels_max = one.channels;
        }
        return narrowed;
    }

    /// Whether the period that libasound chose is inside the limits in frames. The number of
    /// periods is: ioplug constrains it as such.
    pub fn admits(options: *const Options, period_frames: u64) bool {
        return period_frames >= options.period_frames_min and
            period_frames <= options.period_frames_max;
    }
};

/// The values of an option's mask, bit 0 first.
const accesses = [_]alsa.PcmAccess{
    .mmap_interleaved,
    .mmap_noninterleaved,
    .rw_interleaved,
    .rw_noninterleaved,
};
const formats = formats: {
    const fields = @typeInfo(abi.Format).@"enum".fields;
    var list: [fields.len]alsa.PcmFormat = undefined;
    for (fields) |field| list[field.value] = sample.toAlsa(@enumFromInt(field.value));
    break :formats list;
};

fn mask(given: u32, comptime bits: u5) Options.Error!u32 {
    const all = (1 << bits) - 1;
    if (given & ~@as(u32, all) != 0) return error.InvalidArgument;
    return if (given == 0) all else given;
}

fn range(min: *u32, max: *u32, floor: u32, ceiling: u32) Options.Error!void {
    if (min.* == 0) min.* = floor;
    if (max.* == 0) max.* = ceiling;
    if (min.* < floor or max.* > ceiling or min.* > max.*) return error.InvalidArgument;
}

fn setList(
    asound: *const alsa.Libasound,
    handle: *ioplug.Handle,
    param: ioplug.HwParam,
    allowed: u32,
    values: anytype,
) c_int {
    var list: [values.len]c_uint = undefined;
    var length: c_uint = 0;
    for (values, 0..) |value, bit| {
        if (allowed >> @intCast(bit) & 1 == 0) continue;
        list[length] = @intCast(@intFromEnum(value));
        length += 1;
    }
    return asound.snd_pcm_ioplug_set_param_list(handle, @intFromEnum(param), length, &list);
}

/// The limits in bytes over all allowed formats and channel counts.
const Bytes = struct {
    period_min: u64,
    period_max: u64,
    buffer_min: u64,
    buffer_max: u64,

    fn of(options: *const Options) Bytes {
        var sample_min: u64 = sample.max_sample_bytes;
        var sample_max: u64 = 1;
        for (0..formats.len) |bit| {
            if (options.format_mask >> @intCast(bit) & 1 == 0) continue;
            const bytes = sample.bytesOf(@enumFromInt(bit));
            sample_min = @min(sample_min, bytes);
            sample_max = @max(sample_max, bytes);
        }
        const period_min = options.period_frames_min * sample_min * options.channels_min;
        const period_max = @min(
            options.period_frames_max * sample_max * options.channels_max,
            buffer_bytes_ceiling / options.periods_min,
        );
        return .{
            .period_min = period_min,
            .period_max = period_max,
            .buffer_min = period_min * options.periods_min,
            .buffer_max = @min(period_max * options.periods_max, buffer_bytes_ceiling),
        };
    }
};

test "no limit given means the engine's own" {
    const resolved = try (Options{}).resolve();
    try std.testing.expectEqual(0b111_1111, resolved.format_mask);
    try std.testing.expectEqual(0b1111, resolved.access_mask);
    try std.testing.expectEqual(rate_ceiling, resolved.rate_max);
    try std.testing.expectEqual(default_substreams, resolved.substreams);
    const bytes: Bytes = .of(&resolved);
    try std.testing.expectEqual(16, bytes.period_min);
    try std.testing.expectEqual(buffer_bytes_ceiling, bytes.buffer_max);
}

test "with one format and one channel count limits in frames are exact in bytes" {
    const options: Options = .{
        .format_mask = 1 << @intFromEnum(abi.Format.s24_3),
        .channels_min = 2,
        .channels_max = 2,
        .period_frames_min = 100,
        .period_frames_max = 200,
        .periods_min = 3,
        .periods_max = 3,
    };
    const bytes: Bytes = .of(&try options.resolve());
    try std.testing.expectEqual(Bytes{
        .period_min = 600,
        .period_max = 1200,
        .buffer_min = 1800,
        .buffer_max = 3600,
    }, bytes);
}

test "contradictory limits and those outside the engine's are refused" {
    const refused = [_]Options{
        .{ .rate_min = 3_999 },
        .{ .rate_max = 768_001 },
        .{ .rate_min = 48_000, .rate_max = 44_100 },
        .{ .channels_max = 33 },
        .{ .period_frames_min = 15 },
        .{ .periods_min = 1 },
        .{ .format_mask = 1 << 7 },
        .{ .access_mask = 1 << 4 },
        .{ .drift_ppm = std.math.nan(f64) },
        .{ .drift_ppm = -100_001 },
        .{ .period_frames_min = 100_000, .channels_min = 32, .periods_min = 2 },
    };
    for (refused) |options| try std.testing.expectError(error.InvalidArgument, options.resolve());
}
