//! libasound's external I/O plug-in SDK (`pcm_ioplug.h`, protocol 1.0.2) as Zig declarations: the
//! handle that a plug-in fills, its callback table and the hardware parameters it may constrain.

const std = @import("std");
const alsa = @import("../alsa/libasound.zig");

pub const version: c_uint = 1 << 16 | 0 << 8 | 2;

/// The library's timestamps of this PCM are CLOCK_MONOTONIC.
pub const flag_monotonic: c_uint = 1 << 1;
/// The pointer callback wraps at the boundary instead of at the buffer's end, so that an advance by
/// more than one buffer can be told from one by less.
pub const flag_boundary_wa: c_uint = 1 << 2;

/// Which parameter `snd_pcm_ioplug_set_param_minmax` and `_list` constrain.
pub const HwParam = enum(c_int) {
    access = 0,
    format = 1,
    channels = 2,
    rate = 3,
    period_bytes = 4,
    buffer_bytes = 5,
    periods = 6,
};

pub const Handle = extern struct {
    // Filled by the plug-in before `snd_pcm_ioplug_create`.
    version: c_uint = version,
    name: [*:0]const u8,
    flags: c_uint,
    poll_fd: c_int = -1,
    poll_events: c_uint = 0,
    mmap_rw: c_uint,
    callback: *const Callbacks,
    private_data: ?*anyopaque = null,

    // Filled by libasound.
    pcm: ?*alsa.Pcm = null,
    stream: alsa.Stream = .playback,
    state: alsa.PcmState = .open,
    /// libasound's own pointers of the PCM, each in 0..boundary.
    appl_ptr: alsa.UFrames = 0,
    hw_ptr: alsa.UFrames = 0,
    nonblock: c_int = 0,

    // Filled by libasound before the hw_params callback.
    access: alsa.PcmAccess = .mmap_interleaved,
    format: alsa.PcmFormat = .u8,
    channels: c_uint = 0,
    rate: c_uint = 0,
    period_size: alsa.UFrames = 0,
    buffer_size: alsa.UFrames = 0,
};

pub const PollDescriptor = std.os.linux.pollfd;

/// `start`, `stop`, `pointer`, `transfer` and `pause` run inside the PCM's lock, all others outside
/// of it.
pub const Callbacks = extern struct {
    start: *const fn (*Handle) callconv(.c) c_int,
    stop: *const fn (*Handle) callconv(.c) c_int,
    pointer: *const fn (*Handle) callconv(.c) alsa.SFrames,
    transfer: ?*const fn (
        *Handle,
        [*]const alsa.ChannelArea,
        alsa.UFrames,
        alsa.UFrames,
    ) callconv(.c) alsa.SFrames = null,
    close: ?*const fn (*Handle) callconv(.c) c_int = null,
    hw_params: ?*const fn (*Handle, *alsa.HwParams) callconv(.c) c_int = null,
    hw_free: ?*const fn (*Handle) callconv(.c) c_int = null,
    sw_params: ?*const fn (*Handle, *alsa.SwParams) callconv(.c) c_int = null,
    prepare: ?*const fn (*Handle) callconv(.c) c_int = null,
    drain: ?*const fn (*Handle) callconv(.c) c_int = null,
    pause: ?*const fn (*Handle, c_int) callconv(.c) c_int = null,
    @"resume": ?*const fn (*Handle) callconv(.c) c_int = null,
    poll_descriptors_count: ?*const fn (*Handle) callconv(.c) c_int = null,
    poll_descriptors: ?*const fn (*Handle, [*]PollDescriptor, c_uint) callconv(.c) c_int = null,
    poll_revents: ?*const fn (
        *Handle,
        [*]PollDescriptor,
        c_uint,
        *c_ushort,
    ) callconv(.c) c_int = null,
    dump: ?*const fn (*Handle, *anyopaque) callconv(.c) void = null,
    delay: ?*const fn (*Handle, *alsa.SFrames) callconv(.c) c_int = null,
    query_chmaps: ?*const fn (*Handle) callconv(.c) ?*anyopaque = null,
    get_chmap: ?*const fn (*Handle) callconv(.c) ?*anyopaque = null,
    set_chmap: ?*const fn (*Handle, *const anyopaque) callconv(.c) c_int = null,
};

comptime {
    // As a C compiler lays the header's structs out on the 64-bit targets.
    std.debug.assert(@sizeOf(usize) == 8);
    std.debug.assert(@offsetOf(Handle, "callback") == 32);
    std.debug.assert(@offsetOf(Handle, "state") == 60);
    std.debug.assert(@offsetOf(Handle, "hw_ptr") == 72);
    std.debug.assert(@offsetOf(Handle, "access") == 84);
    std.debug.assert(@offsetOf(Handle, "buffer_size") == 112);
    std.debug.assert(@sizeOf(Handle) == 120);
    std.debug.assert(@offsetOf(Callbacks, "prepare") == 64);
    std.debug.assert(@offsetOf(Callbacks, "poll_revents") == 112);
    std.debug.assert(@offsetOf(Callbacks, "delay") == 128);
    std.debug.assert(@sizeOf(Callbacks) == 160);
}
