//! What a PCM can do, as libasound tells of one that is open and has no parameters yet. Nothing is
//! set, so a stream that somebody else plays on the same device does not notice.

const std = @import("std");
const abi = @import("../abi.zig");
const alsa = @import("libasound.zig");
const channel_map = @import("channel_map.zig");
const sample = @import("../sample.zig");
const Failure = @import("../failure.zig").Failure;

const Writer = std.Io.Writer;

pub const Error = error{ProbeFailed} || Writer.Error;

/// What to look for between the lowest and the highest rate.
const usual_rates = [_]c_uint{
    4_000,  5_512,  8_000,  11_025, 12_000,  16_000,  22_050,  24_000,  32_000,  44_100,
    48_000, 64_000, 88_200, 96_000, 176_400, 192_000, 352_800, 384_000, 705_600, 768_000,
};

/// As many as `snd_pcm_format_t` and `snd_pcm_access_t` have room for and have.
const formats_max = 64;
const accesses = 5;

/// What is told in words.
pub const Texts = struct { formats: *Writer, rates: *Writer, channel_maps: *Writer };

pub fn read(
    asound: *const alsa.Libasound,
    pcm: *alsa.Pcm,
    texts: Texts,
    failure: *Failure,
) Error!abi.Capabilities {
    var hw_optional: ?*alsa.HwParams = null;
    const made = asound.snd_pcm_hw_params_malloc(&hw_optional);
    if (made < 0) return fail(asound, "snd_pcm_hw_params_malloc", made, failure);
    const hw = hw_optional.?;
    defer asound.snd_pcm_hw_params_free(hw);
    const result = asound.snd_pcm_hw_params_any(pcm, hw);
    if (result < 0) return fail(asound, "snd_pcm_hw_params_any", result, failure);

    const space: Space = .{ .asound = asound, .pcm = pcm, .hw = hw };
    try space.writeFormats(texts.formats);
    try space.writeRates(texts.rates);
    try channel_map.writeOffered(asound, pcm, "\n", texts.channel_maps);
    return space.record();
}

fn fail(asound: *const alsa.Libasound, call: []const u8, result: c_int, failure: *Failure) Error {
    failure.setCall(asound, call, result, .alsa);
    return error.ProbeFailed;
}

/// The parameters that the PCM could take.
const Space = struct {
    asound: *const alsa.Libasound,
    pcm: *alsa.Pcm,
    hw: *alsa.HwParams,

    fn takesFormat(self: *const Space, format: alsa.PcmFormat) bool {
        return self.asound.snd_pcm_hw_params_test_format(self.pcm, self.hw, format) >= 0;
    }

    fn writeFormats(self: *const Space, writer: *Writer) Writer.Error!void {
        for (0..formats_max) |number| {
            const format: alsa.PcmFormat = @enumFromInt(number);
            const name = self.asound.snd_pcm_format_name(format) orelse continue;
            if (!self.takesFormat(format)) continue;
            try writer.print("{s}{s}", .{ if (writer.end == 0) "" else " ", name });
        }
    }

    fn writeRates(self: *const Space, writer: *Writer) Writer.Error!void {
        for (usual_rates) |rate| {
            if (self.asound.snd_pcm_hw_params_test_rate(self.pcm, self.hw, rate, 0) < 0) continue;
            try writer.print("{s}{d}", .{ if (writer.end == 0) "" else " ", rate });
        }
    }

    fn record(self: *const Space) abi.Capabilities {
        const asound = self.asound;
        const hw = self.hw;
        const pcm_type = asound.snd_pcm_type(self.pcm);
        const access_mask = self.accessMask();
        return .{
            .pcm_type = @floatFromInt(@intFromEnum(pcm_type)),
            .format_mask = @floatFromInt(self.formatMask()),
            .access_mask = @floatFromInt(access_mask),
            .rate_min = self.directed("rate_min", c_uint),
            .rate_max = self.directed("rate_max", c_uint),
            .channels_min = self.plain("channels_min", c_uint),
            .channels_max = self.plain("channels_max", c_uint),
            .period_frames_min = self.directed("period_size_min", alsa.UFrames),
            .period_frames_max = self.directed("period_size_max", alsa.UFrames),
            .periods_min = self.directed("periods_min", c_uint),
            .periods_max = self.directed("periods_max", c_uint),
            .buffer_frames_min = self.plain("buffer_size_min", alsa.UFrames),
            .buffer_frames_max = self.plain("buffer_size_max", alsa.UFrames),
            .mmap = @floatFromInt(@intFromEnum(mmapKind(access_mask, pcm_type))),
            .batch = flag(asound.snd_pcm_hw_params_is_batch(hw)),
            .can_pause = flag(asound.snd_pcm_hw_params_can_pause(hw)),
            .can_resume = flag(asound.snd_pcm_hw_params_can_resume(hw)),
            .can_disable_period_wakeup = flag(
                asound.snd_pcm_hw_params_can_disable_period_wakeup(hw),
            ),
        };
    }

    fn formatMask(self: *const Space) u32 {
        var mask: u32 = 0;
        for (std.enums.values(sample.Format)) |format| {
            if (!self.takesFormat(sample.toAlsa(format))) continue;
            mask |= @as(u32, 1) << @intCast(@intFromEnum(format));
        }
        return mask;
    }

    fn accessMask(self: *const Space) u32 {
        var mask: u32 = 0;
        for (0..accesses) |number| {
            const access: alsa.PcmAccess = @enumFromInt(number);
            const result = self.asound.snd_pcm_hw_params_test_access(self.pcm, self.hw, access);
            if (result >= 0) mask |= @as(u32, 1) << @intCast(number);
        }
        return mask;
    }

    /// A limit that can lie just above or below the number; the number is what counts here.
    fn directed(self: *const Space, comptime name: []const u8, comptime T: type) f64 {
        var value: T = 0;
        var side: c_int = 0;
        const get = @field(self.asound, "snd_pcm_hw_params_get_" ++ name);
        return if (get(self.hw, &value, &side) < 0) 0 else @floatFromInt(value);
    }

    fn plain(self: *const Space, comptime name: []const u8, comptime T: type) f64 {
        var value: T = 0;
        const get = @field(self.asound, "snd_pcm_hw_params_get_" ++ name);
        return if (get(self.hw, &value) < 0) 0 else @floatFromInt(value);
    }
};

fn mmapKind(access_mask: u32, pcm_type: alsa.PcmType) abi.MmapKind {
    const mmap_accesses = 0b111;
    if (access_mask & mmap_accesses == 0) return .none;
    return if (pcm_type == .hw) .real else .emulated;
}

fn flag(answer: c_int) f64 {
    return if (answer == 1) 1 else 0;
}
