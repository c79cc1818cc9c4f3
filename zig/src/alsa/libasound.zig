//! libasound as a table of typed function pointers, filled by `dlopen` when the first PCM is
//! opened: importing the engine never fails where ALSA is missing, opening a stream does.

const std = @import("std");
const resident = @import("../resident.zig");
const sync = @import("../sync.zig");

pub const Pcm = opaque {};
pub const HwParams = opaque {};
pub const SwParams = opaque {};
pub const Status = opaque {};
pub const Ctl = opaque {};
pub const CardInfo = opaque {};
pub const PcmInfo = opaque {};
/// One of the names that the configuration gives PCMs, with what it says of them.
pub const Hint = opaque {};
pub const Config = opaque {};
pub const ConfigIterator = opaque {};

/// Frame counts as libasound types them (`snd_pcm_uframes_t`, `snd_pcm_sframes_t`).
pub const UFrames = c_ulong;
pub const SFrames = c_long;

/// `snd_htimestamp_t`.
pub const Timespec = std.os.linux.timespec;

pub const Stream = enum(c_int) { playback = 0, capture = 1 };

pub const PcmState = enum(c_int) {
    open = 0,
    setup = 1,
    prepared = 2,
    running = 3,
    xrun = 4,
    draining = 5,
    paused = 6,
    suspended = 7,
    disconnected = 8,
    _,
};

pub const PcmAccess = enum(c_int) {
    mmap_interleaved = 0,
    mmap_noninterleaved = 1,
    mmap_complex = 2,
    rw_interleaved = 3,
    rw_noninterleaved = 4,
    _,
};

/// `snd_pcm_format_t`, the little-endian ones the engine speaks.
pub const PcmFormat = enum(c_int) {
    u8 = 1,
    s16_le = 2,
    s24_le = 6,
    s32_le = 10,
    float_le = 14,
    float64_le = 16,
    s24_3le = 32,
    _,
};

/// `snd_pcm_type_t`, as far as the engine tells types apart.
pub const PcmType = enum(c_int) { hw = 0, file = 3, null = 4, _ };

/// One channel's place in memory: bit `first` at `addr`, then every `step` bits.
pub const ChannelArea = extern struct {
    addr: ?*anyopaque,
    first: c_uint,
    step: c_uint,
};

pub const PollDescriptor = std.os.linux.pollfd;

pub const open_nonblock: c_int = 0x1;
pub const ctl_readonly: c_int = 0x4;
pub const no_auto_resample: c_int = 0x10000;
pub const no_auto_channels: c_int = 0x20000;
pub const no_auto_format: c_int = 0x40000;

/// `snd_pcm_chmap_type`: whether the positions of channels can be set.
pub const ChmapType = enum(c_int) { none = 0, fixed = 1, @"var" = 2, paired = 3, _ };

/// `snd_pcm_chmap_t`, which has so many positions behind it. Made by malloc.
pub const Chmap = extern struct {
    channels: c_uint,

    pub fn positions(self: *const Chmap) []const c_uint {
        const all: [*]const c_uint = @ptrCast(self);
        return all[1..][0..self.channels];
    }
};

/// `snd_pcm_chmap_query_t`.
pub const ChmapQuery = extern struct { type: ChmapType, map: Chmap };

/// Called by libasound instead of printing on stderr; `args` is a `va_list`.
pub const LocalErrorHandler = *const fn (
    file: [*:0]const u8,
    line: c_int,
    function: [*:0]const u8,
    err: c_int,
    format: [*:0]const u8,
    args: *anyopaque,
) callconv(.c) void;

/// Prints on stderr, or calls the local handler; the arguments are as for `printf`.
pub const ErrorHandler = *const fn (
    file: [*:0]const u8,
    line: c_int,
    function: [*:0]const u8,
    err: c_int,
    format: [*:0]const u8,
    ...,
) callconv(.c) void;

/// What the engine uses of libasound; a field's name is its symbol's name. All are functions but
/// for `snd_lib_error`, a variable.
pub const Libasound = struct {
    snd_strerror: *const fn (c_int) callconv(.c) [*:0]const u8,
    snd_asoundlib_version: *const fn () callconv(.c) [*:0]const u8,
    snd_lib_error_set_local: *const fn (?LocalErrorHandler) callconv(.c) ?LocalErrorHandler,

    snd_pcm_open: *const fn (*?*Pcm, [*:0]const u8, Stream, c_int) callconv(.c) c_int,
    snd_pcm_close: *const fn (*Pcm) callconv(.c) c_int,
    snd_pcm_name: *const fn (*Pcm) callconv(.c) ?[*:0]const u8,
    snd_pcm_type: *const fn (*Pcm) callconv(.c) PcmType,
    snd_pcm_poll_descriptors: *const fn (*Pcm, [*]PollDescriptor, c_uint) callconv(.c) c_int,
    snd_pcm_poll_descriptors_revents: *const fn (
        *Pcm,
        [*]PollDescriptor,
        c_uint,
        *c_ushort,
    ) callconv(.c) c_int,
    snd_pcm_state: *const fn (*Pcm) callconv(.c) PcmState,
    snd_pcm_prepare: *const fn (*Pcm) callconv(.c) c_int,
    snd_pcm_start: *const fn (*Pcm) callconv(.c) c_int,
    snd_pcm_drop: *const fn (*Pcm) callconv(.c) c_int,
    snd_pcm_pause: *const fn (*Pcm, c_int) callconv(.c) c_int,
    snd_pcm_resume: *const fn (*Pcm) callconv(.c) c_int,
    snd_pcm_nonblock: *const fn (*Pcm, c_int) callconv(.c) c_int,
    snd_pcm_avail: *const fn (*Pcm) callconv(.c) SFrames,
    snd_pcm_avail_update: *const fn (*Pcm) callconv(.c) SFrames,
    snd_pcm_avail_delay: *const fn (*Pcm, *SFrames, *SFrames) callconv(.c) c_int,
    snd_pcm_forward: *const fn (*Pcm, UFrames) callconv(.c) SFrames,
    snd_pcm_htimestamp: *const fn (*Pcm, *UFrames, *Timespec) callconv(.c) c_int,
    snd_pcm_status_malloc: *const fn (*?*Status) callconv(.c) c_int,
    snd_pcm_status_free: *const fn (*Status) callconv(.c) void,
    snd_pcm_status: *const fn (*Pcm, *Status) callconv(.c) c_int,
    snd_pcm_status_get_avail: *const fn (*const Status) callconv(.c) UFrames,
    snd_pcm_status_get_trigger_htstamp: *const fn (*const Status, *Timespec) callconv(.c) void,
    snd_pcm_delay: *const fn (*Pcm, *SFrames) callconv(.c) c_int,
    snd_pcm_writei: *const fn (*Pcm, *const anyopaque, UFrames) callconv(.c) SFrames,
    snd_pcm_writen: *const fn (*Pcm, [*]const ?*anyopaque, UFrames) callconv(.c) SFrames,
    snd_pcm_mmap_begin: *const fn (
        *Pcm,
        *[*]const ChannelArea,
        *UFrames,
        *UFrames,
    ) callconv(.c) c_int,
    snd_pcm_mmap_commit: *const fn (*Pcm, UFrames, UFrames) callconv(.c) SFrames,

    snd_pcm_hw_params_malloc: *const fn (*?*HwParams) callconv(.c) c_int,
    snd_pcm_hw_params_free: *const fn (*HwParams) callconv(.c) void,
    snd_pcm_hw_params_any: *const fn (*Pcm, *HwParams) callconv(.c) c_int,
    snd_pcm_hw_params: *const fn (*Pcm, *HwParams) callconv(.c) c_int,
    snd_pcm_hw_params_test_access: *const fn (*Pcm, *HwParams, PcmAccess) callconv(.c) c_int,
    snd_pcm_hw_params_set_access: *const fn (*Pcm, *HwParams, PcmAccess) callconv(.c) c_int,
    snd_pcm_hw_params_get_access: *const fn (*HwParams, *PcmAccess) callconv(.c) c_int,
    snd_pcm_hw_params_test_format: *const fn (*Pcm, *HwParams, PcmFormat) callconv(.c) c_int,
    snd_pcm_hw_params_set_format: *const fn (*Pcm, *HwParams, PcmFormat) callconv(.c) c_int,
    snd_pcm_hw_params_get_format: *const fn (*HwParams, *PcmFormat) callconv(.c) c_int,
    snd_pcm_hw_params_set_channels: *const fn (*Pcm, *HwParams, c_uint) callconv(.c) c_int,
    snd_pcm_hw_params_get_channels: *const fn (*HwParams, *c_uint) callconv(.c) c_int,
    snd_pcm_hw_params_get_channels_min: *const fn (*HwParams, *c_uint) callconv(.c) c_int,
    snd_pcm_hw_params_get_channels_max: *const fn (*HwParams, *c_uint) callconv(.c) c_int,
    snd_pcm_hw_params_set_rate_resample: *const fn (*Pcm, *HwParams, c_uint) callconv(.c) c_int,
    snd_pcm_hw_params_set_rate_near: *const fn (
        *Pcm,
        *HwParams,
        *c_uint,
        ?*c_int,
    ) callconv(.c) c_int,
    snd_pcm_hw_params_test_rate: *const fn (*Pcm, *HwParams, c_uint, c_int) callconv(.c) c_int,
    snd_pcm_hw_params_get_rate: *const fn (*HwParams, *c_uint, ?*c_int) callconv(.c) c_int,
    snd_pcm_hw_params_get_rate_min: *const fn (*HwParams, *c_uint, ?*c_int) callconv(.c) c_int,
    snd_pcm_hw_params_get_rate_max: *const fn (*HwParams, *c_uint, ?*c_int) callconv(.c) c_int,
    snd_pcm_hw_params_set_period_size_near: *const fn (
        *Pcm,
        *HwParams,
        *UFrames,
        ?*c_int,
    ) callconv(.c) c_int,
    snd_pcm_hw_params_get_period_size: *const fn (*HwParams, *UFrames, ?*c_int) callconv(.c) c_int,
    snd_pcm_hw_params_set_buffer_size_near: *const fn (
        *Pcm,
        *HwParams,
        *UFrames,
    ) callconv(.c) c_int,
    snd_pcm_hw_params_get_buffer_size: *const fn (*HwParams, *UFrames) callconv(.c) c_int,
    snd_pcm_hw_params_get_period_size_min: *const fn (
        *HwParams,
        *UFrames,
        ?*c_int,
    ) callconv(.c) c_int,
    snd_pcm_hw_params_get_period_size_max: *const fn (
        *HwParams,
        *UFrames,
        ?*c_int,
    ) callconv(.c) c_int,
    snd_pcm_hw_params_get_periods_min: *const fn (*HwParams, *c_uint, ?*c_int) callconv(.c) c_int,
    snd_pcm_hw_params_get_periods_max: *const fn (*HwParams, *c_uint, ?*c_int) callconv(.c) c_int,
    snd_pcm_hw_params_get_buffer_size_min: *const fn (*HwParams, *UFrames) callconv(.c) c_int,
    snd_pcm_hw_params_get_buffer_size_max: *const fn (*HwParams, *UFrames) callconv(.c) c_int,
    snd_pcm_hw_params_is_batch: *const fn (*HwParams) callconv(.c) c_int,
    snd_pcm_hw_params_can_pause: *const fn (*HwParams) callconv(.c) c_int,
    snd_pcm_hw_params_can_resume: *const fn (*HwParams) callconv(.c) c_int,
    snd_pcm_hw_params_set_period_wakeup: *const fn (*Pcm, *HwParams, c_uint) callconv(.c) c_int,
    snd_pcm_hw_params_can_disable_period_wakeup: *const fn (*HwParams) callconv(.c) c_int,

    snd_pcm_format_name: *const fn (PcmFormat) callconv(.c) ?[*:0]const u8,

    snd_pcm_query_chmaps: *const fn (*Pcm) callconv(.c) ?[*:null]const ?*const ChmapQuery,
    snd_pcm_free_chmaps: *const fn ([*:null]const ?*const ChmapQuery) callconv(.c) void,
    snd_pcm_get_chmap: *const fn (*Pcm) callconv(.c) ?*const Chmap,
    snd_pcm_set_chmap: *const fn (*Pcm, *const Chmap) callconv(.c) c_int,

    snd_pcm_sw_params_malloc: *const fn (*?*SwParams) callconv(.c) c_int,
    snd_pcm_sw_params_free: *const fn (*SwParams) callconv(.c) void,
    snd_pcm_sw_params_current: *const fn (*Pcm, *SwParams) callconv(.c) c_int,
    snd_pcm_sw_params: *const fn (*Pcm, *SwParams) callconv(.c) c_int,
    snd_pcm_sw_params_get_boundary: *const fn (*SwParams, *UFrames) callconv(.c) c_int,
    snd_pcm_sw_params_set_start_threshold: *const fn (*Pcm, *SwParams, UFrames) callconv(.c) c_int,
    snd_pcm_sw_params_set_stop_threshold: *const fn (*Pcm, *SwParams, UFrames) callconv(.c) c_int,
    snd_pcm_sw_params_get_stop_threshold: *const fn (*SwParams, *UFrames) callconv(.c) c_int,
    snd_pcm_sw_params_set_silence_threshold: *const fn (
        *Pcm,
        *SwParams,
        UFrames,
    ) callconv(.c) c_int,
    snd_pcm_sw_params_set_silence_size: *const fn (*Pcm, *SwParams, UFrames) callconv(.c) c_int,
    snd_pcm_sw_params_get_silence_threshold: *const fn (*SwParams, *UFrames) callconv(.c) c_int,
    snd_pcm_sw_params_get_silence_size: *const fn (*SwParams, *UFrames) callconv(.c) c_int,
    snd_pcm_sw_params_get_avail_min: *const fn (*SwParams, *UFrames) callconv(.c) c_int,
    snd_pcm_sw_params_set_avail_min: *const fn (*Pcm, *SwParams, UFrames) callconv(.c) c_int,
    snd_pcm_sw_params_set_tstamp_mode: *const fn (*Pcm, *SwParams, c_int) callconv(.c) c_int,
    snd_pcm_sw_params_set_tstamp_type: *const fn (*Pcm, *SwParams, c_int) callconv(.c) c_int,

    snd_card_next: *const fn (*c_int) callconv(.c) c_int,
    snd_ctl_open: *const fn (*?*Ctl, [*:0]const u8, c_int) callconv(.c) c_int,
    snd_ctl_close: *const fn (*Ctl) callconv(.c) c_int,
    snd_ctl_card_info: *const fn (*Ctl, *CardInfo) callconv(.c) c_int,
    snd_ctl_card_info_malloc: *const fn (*?*CardInfo) callconv(.c) c_int,
    snd_ctl_card_info_free: *const fn (*CardInfo) callconv(.c) void,
    snd_ctl_card_info_get_id: *const fn (*const CardInfo) callconv(.c) [*:0]const u8,
    snd_ctl_card_info_get_driver: *const fn (*const CardInfo) callconv(.c) [*:0]const u8,
    snd_ctl_card_info_get_name: *const fn (*const CardInfo) callconv(.c) [*:0]const u8,
    snd_ctl_card_info_get_longname: *const fn (*const CardInfo) callconv(.c) [*:0]const u8,
    snd_ctl_pcm_next_device: *const fn (*Ctl, *c_int) callconv(.c) c_int,
    snd_ctl_pcm_info: *const fn (*Ctl, *PcmInfo) callconv(.c) c_int,
    snd_pcm_info_malloc: *const fn (*?*PcmInfo) callconv(.c) c_int,
    snd_pcm_info_free: *const fn (*PcmInfo) callconv(.c) void,
    snd_pcm_info_set_device: *const fn (*PcmInfo, c_uint) callconv(.c) void,
    snd_pcm_info_set_subdevice: *const fn (*PcmInfo, c_uint) callconv(.c) void,
    snd_pcm_info_set_stream: *const fn (*PcmInfo, Stream) callconv(.c) void,
    snd_pcm_info_get_id: *const fn (*const PcmInfo) callconv(.c) [*:0]const u8,
    snd_pcm_info_get_name: *const fn (*const PcmInfo) callconv(.c) [*:0]const u8,
    snd_pcm_info_get_subdevices_count: *const fn (*const PcmInfo) callconv(.c) c_uint,
    snd_pcm_info_get_subdevices_avail: *const fn (*const PcmInfo) callconv(.c) c_uint,
    snd_config_update_free_global: *const fn () callconv(.c) c_int,
    snd_device_name_hint: *const fn (
        c_int,
        [*:0]const u8,
        *?[*:null]const ?*const Hint,
    ) callconv(.c) c_int,
    snd_device_name_get_hint: *const fn (*const Hint, [*:0]const u8) callconv(.c) ?[*:0]u8,
    snd_device_name_free_hint: *const fn ([*:null]const ?*const Hint) callconv(.c) c_int,

    // The external I/O plug-in side, for the virtual card; the parameters are in card/ioplug.zig.
    snd_pcm_ioplug_create: *const fn (*anyopaque, [*:0]const u8, Stream, c_int) callconv(.c) c_int,
    snd_pcm_ioplug_reinit_status: *const fn (*anyopaque) callconv(.c) c_int,
    snd_pcm_ioplug_mmap_areas: *const fn (*anyopaque) callconv(.c) ?[*]const ChannelArea,
    snd_pcm_ioplug_set_param_minmax: *const fn (
        *anyopaque,
        c_int,
        c_uint,
        c_uint,
    ) callconv(.c) c_int,
    snd_pcm_ioplug_set_param_list: *const fn (
        *anyopaque,
        c_int,
        c_uint,
        [*]const c_uint,
    ) callconv(.c) c_int,
    snd_lib_error: *const ErrorHandler,
    snd_config_iterator_first: *const fn (*const Config) callconv(.c) *ConfigIterator,
    snd_config_iterator_next: *const fn (*const ConfigIterator) callconv(.c) *ConfigIterator,
    snd_config_iterator_end: *const fn (*const Config) callconv(.c) *ConfigIterator,
    snd_config_iterator_entry: *const fn (*const ConfigIterator) callconv(.c) *Config,
    snd_config_get_id: *const fn (*const Config, *[*:0]const u8) callconv(.c) c_int,
    snd_config_get_string: *const fn (*const Config, *[*:0]const u8) callconv(.c) c_int,
    snd_config_get_ascii: *const fn (*const Config, *?[*:0]u8) callconv(.c) c_int,
};

pub const LoadError = error{ LibraryMissing, LibraryTooOld };

var table: Libasound = undefined;
var loaded: bool = false;
var mutex: sync.Mutex = .{};
var failure_buffer: [256]u8 = undefined;
var failure_text: []const u8 = "";

/// The table, loading the library at the first call. Not for the realtime thread.
pub fn load() LoadError!*const Libasound {
    mutex.lock();
    defer mutex.unlock();
    if (loaded) return &table;

    // libasound keeps pointers into this library: error handlers, callbacks of PCMs.
    if (!resident.stayLoaded()) {
        setFailure("the engine's own library cannot be kept loaded", .{});
        return error.LibraryMissing;
    }
    const library = std.c.dlopen("libasound.so.2", .{ .NOW = true }) orelse {
        const reason = if (std.c.dlerror()) |text| std.mem.span(text) else "unknown reason";
        setFailure("{s}", .{reason});
        return error.LibraryMissing;
    };
    inline for (@typeInfo(Libasound).@"struct".fields) |field| {
        const symbol = std.c.dlsym(library, field.name) orelse {
            setFailure("libasound.so.2 has no {s}", .{field.name});
            return error.LibraryTooOld;
        };
        @field(table, field.name) = @ptrCast(@alignCast(symbol));
    }
    // What a realtime thread runs: the engine, libasound, and the libc of both.
    resident.lockPages(&load);
    resident.lockPages(table.snd_pcm_open);
    resident.lockPages(&std.c.clock_gettime);
    loaded = true;
    return &table;
}

/// Why the last `load` failed.
pub fn failureText() []const u8 {
    return failure_text;
}

fn setFailure(comptime format: []const u8, arguments: anytype) void {
    failure_text = std.fmt.bufPrint(&failure_buffer, format, arguments) catch
        failure_buffer[0..failure_buffer.len];
}
