//! Parameters of a PCM: asks for what the options want, then reads back every value that was
//! granted. Nothing after this file computes with a requested value.

const std = @import("std");
const abi = @import("../abi.zig");
const alsa = @import("libasound.zig");
const channel_map = @import("channel_map.zig");
const sample = @import("../sample.zig");
const failure_module = @import("../failure.zig");
const Failure = failure_module.Failure;

const ChannelMap = channel_map.ChannelMap;
const Libasound = alsa.Libasound;
const Pcm = alsa.Pcm;

pub const Error = error{Negotiation};

pub const Wanted = struct {
    access: abi.Access,
    format: sample.Format,
    channels: u32,
    rate: u32,
    rate_exact: bool,
    period_frames: ?u32,
    periods: ?u32,
    xrun_policy: abi.XrunPolicy,
    /// Of no channels where any will do.
    channel_map: ChannelMap = .{},
    /// A card that is known to run on through an xrun, and whether its pointer moves by periods.
    virtual: ?Virtual = null,

    pub const Virtual = struct { batch: bool };
};

pub const Granted = struct {
    access: abi.Access,
    layout: abi.Layout,
    format: sample.Format,
    channels: u32,
    rate: u32,
    period_frames: u32,
    buffer_frames: u32,
    boundary: u64,
    batch: bool,
    /// The pointer is moved by somebody else's code: a plug-in of ALSA, and the server it talks to.
    served: bool = false,
    can_pause: bool,
    can_resume: bool,
    can_disable_period_wakeup: bool,
    access_reason: []const u8,
    /// Of no channels where the PCM does not tell.
    channel_map: ChannelMap = .{},
    xrun_policy: Policy = .{},
    /// The device interrupts at each period.
    period_wakeups: bool = true,
    /// The kernel says when it looked at the pointer.
    timestamps: bool = false,

    pub const Policy = struct {
        policy: abi.XrunPolicy = .stop,
        reason: abi.XrunPolicyReason = .asked_for,
    };

    /// The device does not stop when it runs dry.
    pub fn runsOn(self: *const Granted) bool {
        return self.xrun_policy.policy != .stop;
    }

    /// How far a pointer can be off without being wrong: drivers move it in bursts, and servers by
    /// what they mix at once. One that moves by whole periods is that much behind already; when it
    /// moves just before a look instead of after it, it seems that much ahead.
    pub fn toleranceFrames(self: *const Granted) u32 {
        if (self.served) return self.servedFrames();
        return self.burstFrames() + if (self.batch) self.period_frames else 0;
    }

    /// How far a pointer can be off that stopped. What a server mixed ahead it had taken.
    pub fn stopToleranceFrames(self: *const Granted) u32 {
        return if (self.served) self.period_frames else self.toleranceFrames();
    }

    /// PipeWire mixes 1024 frames at 48 kHz, unless it is asked for less.
    fn servedFrames(self: *const Granted) u32 {
        const mixed_ms = 25;
        return @max(self.period_frames, self.rate * mixed_ms / 1000);
    }

    fn burstFrames(self: *const Granted) u32 {
        const burst_ms = 2;
        return @max(16, @min(self.period_frames, self.rate * burst_ms / 1000));
    }
};

/// About 5 ms a period and 4 of them: a buffer of at most 25 ms.
pub const default_period_ms = 5;
pub const default_periods = 4;

pub fn negotiate(
    asound: *const Libasound,
    pcm: *Pcm,
    wanted: Wanted,
    failure: *Failure,
) Error!Granted {
    var session: Session = .{ .asound = asound, .pcm = pcm, .failure = failure };
    try session.call("snd_pcm_hw_params_malloc", .{&session.hw_optional});
    defer asound.snd_pcm_hw_params_free(session.hw_optional.?);
    session.hw = session.hw_optional.?;

    try session.call("snd_pcm_hw_params_any", .{ pcm, session.hw });
    const access_reason = try session.setAccess(wanted.access);
    try session.setFormat(wanted.format);
    try session.setChannels(wanted.channels);
    try session.setRate(wanted.rate, wanted.rate_exact);
    try session.setSizes(wanted);
    const period_wakeups = try session.setPeriodWakeups(wanted.xrun_policy);
    try session.callOr(.unsupported_buffer, "snd_pcm_hw_params", .{ pcm, session.hw });

    var granted = try session.readBack();
    granted.access_reason = access_reason;
    granted.period_wakeups = period_wakeups;
    if (wanted.virtual) |virtual| granted.batch = virtual.batch;
    try session.setSoftware(&wanted, &granted);
    try session.setChannelMap(&wanted.channel_map);
    granted.channel_map = channel_map.current(asound, pcm);
    return granted;
}

const Session = struct {
    asound: *const Libasound,
    pcm: *Pcm,
    failure: *Failure,
    hw_optional: ?*alsa.HwParams = null,
    hw: *alsa.HwParams = undefined,

    /// A call of libasound that is expected to work.
    fn call(self: *Session, comptime name: []const u8, arguments: anytype) Error!void {
        return self.callOr(.alsa, name, arguments);
    }

    /// A call of libasound whose failure has a meaning of its own.
    fn callOr(
        self: *Session,
        code: abi.ErrorCode,
        comptime name: []const u8,
        arguments: anytype,
    ) Error!void {
        const result = @call(.auto, @field(self.asound, name), arguments);
        if (result >= 0) return;
        // Only a refusal has that meaning; a full disk or a lost device has not.
        const refused = result == -@as(c_int, @intFromEnum(std.os.linux.E.INVAL));
        const meaning = if (refused) code else failure_module.codeOfOpen(result);
        self.failure.setCall(self.asound, name, result, meaning);
        return error.Negotiation;
    }

    fn refuse(
        self: *Session,
        code: abi.ErrorCode,
        comptime format: []const u8,
        arguments: anytype,
    ) Error {
        self.failure.set(code, format, arguments);
        return error.Negotiation;
    }

    /// Interleaved before non-interleaved; mmap before write where either will do.
    fn setAccess(self: *Session, wanted: abi.Access) Error![]const u8 {
        const mmap = [_]alsa.PcmAccess{ .mmap_interleaved, .mmap_noninterleaved };
        const write = [_]alsa.PcmAccess{ .rw_interleaved, .rw_noninterleaved };
        if (wanted != .write) {
            if (self.trySetAccess(&mmap)) {
                return if (wanted == .mmap) "asked for" else "the PCM grants mmap";
            }
            if (wanted == .mmap) {
                return self.refuse(.unsupported_access, "The PCM does not grant mmap access", .{});
            }
        }
        if (self.trySetAccess(&write)) {
            return if (wanted == .write) "asked for" else "the PCM does not grant mmap";
        }
        return self.refuse(.unsupported_access, "The PCM does not grant write access", .{});
    }

    fn trySetAccess(self: *Session, candidates: []const alsa.PcmAccess) bool {
        for (candidates) |access| {
            const result = self.asound.snd_pcm_hw_params_set_access(self.pcm, self.hw, access);
            if (result >= 0) return true;
        }
        return false;
    }

    fn setFormat(self: *Session, format: sample.Format) Error!void {
        const asound = self.asound;
        const wanted = sample.toAlsa(format);
        const result = asound.snd_pcm_hw_params_set_format(self.pcm, self.hw, wanted);
        if (result >= 0) return;
        // Long enough for the names of all formats.
        var list: [64]u8 = undefined;
        var writer: std.Io.Writer = .fixed(&list);
        inline for (@typeInfo(sample.Format).@"enum".fields) |field| {
            const other: sample.Format = @enumFromInt(field.value);
            const alsa_format = sample.toAlsa(other);
            if (asound.snd_pcm_hw_params_test_format(self.pcm, self.hw, alsa_format) >= 0) {
                const separator = if (writer.end == 0) "" else ", ";
                writer.print("{s}{s}", .{ separator, field.name }) catch unreachable;
            }
        }
        return self.refuse(
            .unsupported_format,
            "The PCM does not take format {s}; it takes: {s}",
            .{ @tagName(format), writer.buffered() },
        );
    }

    fn setChannels(self: *Session, channels: u32) Error!void {
        if (self.asound.snd_pcm_hw_params_set_channels(self.pcm, self.hw, channels) >= 0) return;
        var min: c_uint = 0;
        var max: c_uint = 0;
        try self.call("snd_pcm_hw_params_get_channels_min", .{ self.hw, &min });
        try self.call("snd_pcm_hw_params_get_channels_max", .{ self.hw, &max });
        return self.refuse(
            .unsupported_channels,
            "The PCM does not take {d} channels; it takes {d} to {d}",
            .{ channels, min, max },
        );
    }

    fn setRate(self: *Session, wanted: u32, exact: bool) Error!void {
        // Matters for plug only, where conversion of the rate is what the user chose.
        _ = self.asound.snd_pcm_hw_params_set_rate_resample(self.pcm, self.hw, 1);
        var rate: c_uint = wanted;
        const result = self.asound.snd_pcm_hw_params_set_rate_near(self.pcm, self.hw, &rate, null);
        if (result >= 0 and (rate == wanted or !exact)) return;
        var min: c_uint = rate;
        var max: c_uint = rate;
        if (result < 0) {
            _ = self.asound.snd_pcm_hw_params_get_rate_min(self.hw, &min, null);
            _ = self.asound.snd_pcm_hw_params_get_rate_max(self.hw, &max, null);
        }
        return self.refuse(
            .unsupported_rate,
            "The PCM does not take rate {d}; the nearest is {d}",
            .{ wanted, if (wanted < min) min else max },
        );
    }

    /// The period first: some plug-ins answer a buffer size alone with periods of seconds.
    fn setSizes(self: *Session, wanted: Wanted) Error!void {
        var rate: c_uint = 0;
        try self.call("snd_pcm_hw_params_get_rate", .{ self.hw, &rate, null });
        const default_period_frames = @max(16, rate * default_period_ms / 1000);
        var period: alsa.UFrames = wanted.period_frames orelse default_period_frames;
        try self.callOr(
            .unsupported_buffer,
            "snd_pcm_hw_params_set_period_size_near",
            .{ self.pcm, self.hw, &period, null },
        );
        var buffer: alsa.UFrames = period * (wanted.periods orelse default_periods);
        try self.callOr(
            .unsupported_buffer,
            "snd_pcm_hw_params_set_buffer_size_near",
            .{ self.pcm, self.hw, &buffer },
        );
    }

    /// The engine wakes by its own clock. The kernel needs them to notice that the device is dry
    /// and is to stop, and to fill in silence while nobody else looks at the pointer.
    fn setPeriodWakeups(self: *Session, policy: abi.XrunPolicy) Error!bool {
        const asound = self.asound;
        if (policy != .repeat or !self.isHardware()) return true;
        if (asound.snd_pcm_hw_params_can_disable_period_wakeup(self.hw) != 1) return true;
        try self.call("snd_pcm_hw_params_set_period_wakeup", .{ self.pcm, self.hw, 0 });
        return false;
    }

    fn readBack(self: *Session) Error!Granted {
        const asound = self.asound;
        var access: alsa.PcmAccess = undefined;
        try self.call("snd_pcm_hw_params_get_access", .{ self.hw, &access });
        var format: alsa.PcmFormat = undefined;
        try self.call("snd_pcm_hw_params_get_format", .{ self.hw, &format });
        var channels: c_uint = 0;
        try self.call("snd_pcm_hw_params_get_channels", .{ self.hw, &channels });
        var rate: c_uint = 0;
        try self.call("snd_pcm_hw_params_get_rate", .{ self.hw, &rate, null });
        var period: alsa.UFrames = 0;
        try self.call("snd_pcm_hw_params_get_period_size", .{ self.hw, &period, null });
        var buffer: alsa.UFrames = 0;
        try self.call("snd_pcm_hw_params_get_buffer_size", .{ self.hw, &buffer });
        if (buffer < 2 or period == 0 or buffer > std.math.maxInt(u31)) {
            return self.refuse(
                .unsupported_buffer,
                "The PCM granted a buffer of {d} frames in periods of {d}",
                .{ buffer, period },
            );
        }
        const disable_wakeup = asound.snd_pcm_hw_params_can_disable_period_wakeup(self.hw) == 1;
        return .{
            .access = switch (access) {
                .mmap_interleaved, .mmap_noninterleaved => .mmap,
                else => .write,
            },
            .layout = switch (access) {
                .mmap_noninterleaved, .rw_noninterleaved => .noninterleaved,
                else => .interleaved,
            },
            .format = sample.fromAlsa(format) orelse
                return self.refuse(
                    .unsupported_format,
                    "The PCM granted the unknown format {d}",
                    .{@intFromEnum(format)},
                ),
            .channels = channels,
            .rate = rate,
            .period_frames = @intCast(period),
            .buffer_frames = @intCast(buffer),
            .boundary = 0,
            .batch = asound.snd_pcm_hw_params_is_batch(self.hw) == 1,
            .can_pause = asound.snd_pcm_hw_params_can_pause(self.hw) == 1,
            .can_resume = asound.snd_pcm_hw_params_can_resume(self.hw) == 1,
            .can_disable_period_wakeup = disable_wakeup,
            .access_reason = "",
        };
    }

    /// The engine starts the PCM itself, so its own start threshold is one that is never reached.
    fn setSoftware(self: *Session, wanted: *const Wanted, granted: *Granted) Error!void {
        const asound = self.asound;
        var optional: ?*alsa.SwParams = null;
        try self.call("snd_pcm_sw_params_malloc", .{&optional});
        const sw = optional.?;
        defer asound.snd_pcm_sw_params_free(sw);
        try self.call("snd_pcm_sw_params_current", .{ self.pcm, sw });
        var boundary: alsa.UFrames = 0;
        try self.call("snd_pcm_sw_params_get_boundary", .{ sw, &boundary });
        granted.boundary = boundary;
        try self.call("snd_pcm_sw_params_set_start_threshold", .{ self.pcm, sw, boundary });
        try self.call("snd_pcm_sw_params_set_avail_min", .{ self.pcm, sw, granted.period_frames });
        if (self.isHardware()) granted.timestamps = self.setTimestamps(sw);
        granted.xrun_policy = try self.setPolicy(wanted, granted, sw);
    }

    fn isHardware(self: *const Session) bool {
        return self.asound.snd_pcm_type(self.pcm) == .hw;
    }

    /// On CLOCK_MONOTONIC; older kernels cannot.
    fn setTimestamps(self: *Session, sw: *alsa.SwParams) bool {
        const enable = 1;
        const monotonic = 1;
        return self.asound.snd_pcm_sw_params_set_tstamp_mode(self.pcm, sw, enable) >= 0 and
            self.asound.snd_pcm_sw_params_set_tstamp_type(self.pcm, sw, monotonic) >= 0;
    }

    /// Once the PCM has its parameters: before, it knows no map.
    fn setChannelMap(self: *Session, wanted: *const ChannelMap) Error!void {
        if (wanted.count == 0 or channel_map.set(self.asound, self.pcm, wanted)) return;
        var buffer: [256]u8 = undefined;
        var writer: std.Io.Writer = .fixed(&buffer);
        // A list that does not fit is cut.
        channel_map.writeOffered(self.asound, self.pcm, ", ", &writer) catch {};
        const list = writer.buffered();
        return self.refuse(
            .unsupported_channel_map,
            "The PCM does not take the channel map {f}; it offers: {s}",
            .{ wanted.*, if (list.len > 0) list else "none" },
        );
    }

    fn setPolicy(
        self: *Session,
        wanted: *const Wanted,
        granted: *const Granted,
        sw: *alsa.SwParams,
    ) Error!Granted.Policy {
        const knows = self.isHardware() or wanted.virtual != null;
        if (wanted.xrun_policy != .stop and knows) {
            if (try self.tryRunOn(wanted.xrun_policy, granted.boundary, sw)) {
                return .{ .policy = wanted.xrun_policy };
            }
        }
        const buffer_frames = granted.buffer_frames;
        try self.call("snd_pcm_sw_params_set_silence_size", .{ self.pcm, sw, 0 });
        try self.call("snd_pcm_sw_params_set_stop_threshold", .{ self.pcm, sw, buffer_frames });
        try self.call("snd_pcm_sw_params", .{ self.pcm, sw });
        if (wanted.xrun_policy == .stop) return .{};
        return .{ .reason = if (knows) .refused else .plug_in };
    }

    /// Whether the PCM took it.
    fn tryRunOn(
        self: *Session,
        policy: abi.XrunPolicy,
        boundary: u64,
        sw: *alsa.SwParams,
    ) Error!bool {
        const pcm = self.pcm;
        const asound = self.asound;
        const silence_frames = if (policy == .silence) boundary else 0;
        try self.call("snd_pcm_sw_params_set_stop_threshold", .{ pcm, sw, boundary });
        try self.call("snd_pcm_sw_params_set_silence_threshold", .{ pcm, sw, 0 });
        try self.call("snd_pcm_sw_params_set_silence_size", .{ pcm, sw, silence_frames });
        if (asound.snd_pcm_sw_params(pcm, sw) < 0) return false;
        try self.call("snd_pcm_sw_params_current", .{ pcm, sw });
        var stop_threshold: alsa.UFrames = 0;
        var silence_size: alsa.UFrames = 0;
        try self.call("snd_pcm_sw_params_get_stop_threshold", .{ sw, &stop_threshold });
        try self.call("snd_pcm_sw_params_get_silence_size", .{ sw, &silence_size });
        return stop_threshold == boundary and silence_size == silence_frames;
    }
};
