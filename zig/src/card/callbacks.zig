//! The ioplug callbacks of a card's PCM: what libasound calls, and under which lock.

const std = @import("std");
const assert = std.debug.assert;
const linux = std.os.linux;
const alsa = @import("../alsa/libasound.zig");
const channel_maps = @import("channel_maps.zig");
const ioplug = @import("ioplug.zig");
const readiness = @import("readiness.zig");
const report = @import("report.zig").report;
const resume_answer = @import("resume_answer.zig");
const sample = @import("../sample.zig");
const tap_module = @import("tap.zig");
const Substream = @import("substream.zig").Substream;

const POLL = linux.POLL;

pub const without_pause: ioplug.Callbacks = .{
    .start = &start,
    .stop = &stop,
    .pointer = &pointer,
    .close = &close,
    .hw_params = &hwParams,
    .hw_free = &hwFree,
    .sw_params = &swParams,
    .prepare = &prepare,
    .@"resume" = &@"resume",
    .poll_descriptors_count = &pollDescriptorsCount,
    .poll_descriptors = &pollDescriptors,
    .poll_revents = &pollRevents,
    .delay = &delay,
    .query_chmaps = &channel_maps.query,
    .get_chmap = &channel_maps.get,
    .set_chmap = &channel_maps.set,
};

pub const with_pause: ioplug.Callbacks = table: {
    var table = without_pause;
    table.pause = &pause;
    break :table table;
};

fn fail(errno: linux.E) c_int {
    assert(errno != .SUCCESS);
    return -@as(c_int, @intFromEnum(errno));
}

fn start(handle: *ioplug.Handle) callconv(.c) c_int {
    const self: *Substream = .of(handle);
    self.mutex.lock();
    defer self.mutex.unlock();
    const now_ns = self.card.now();
    if (self.isDisconnected(now_ns)) return fail(.NODEV);
    if (self.phase != .stopped) return fail(.BADFD);
    assert(self.position_frames == 0);
    self.run(now_ns);
    _ = readiness.arm(self, .running);
    return 0;
}

fn stop(handle: *ioplug.Handle) callconv(.c) c_int {
    const self: *Substream = .of(handle);
    self.mutex.lock();
    defer self.mutex.unlock();
    const now_ns = self.card.now();
    if (self.phase == .running) self.advance(now_ns);
    self.stand(.stopped, now_ns);
    _ = readiness.arm(self, .setup);
    return 0;
}

/// libasound takes any error for an xrun; what else stopped the hardware shows in the state and in
/// the delay.
fn pointer(handle: *ioplug.Handle) callconv(.c) alsa.SFrames {
    const self: *Substream = .of(handle);
    self.mutex.lock();
    defer self.mutex.unlock();
    lookFor(self);
    // Asked before there are parameters.
    if (self.software.boundary == 0) return 0;
    if (self.phase == .underrun) {
        // libasound's own pointer would stay where the last look found it: the PCM's status tells
        // where the hardware stopped.
        handle.hw_ptr = (self.origin_frames + self.position_frames) % self.software.boundary;
        return fail(.PIPE);
    }
    return @intCast(self.position_frames % self.software.boundary);
}

/// Nothing lies behind the ring. libasound's own answer would be the same, but for the errors: its
/// `snd_pcm_avail_delay` finds out only from this one that the hardware is suspended or gone.
fn delay(handle: *ioplug.Handle, frames: *alsa.SFrames) callconv(.c) c_int {
    const self: *Substream = .of(handle);
    self.mutex.lock();
    defer self.mutex.unlock();
    lookFor(self);
    switch (handle.state) {
        .disconnected => return fail(.NODEV),
        .suspended => return fail(.STRPIPE),
        else => {},
    }
    if (self.phase == .underrun) return fail(.PIPE);
    frames.* = if (self.software.boundary == 0) 0 else self.queuedFrames();
    return 0;
}

/// Looks at the hardware for a client, whose descriptor follows what is found.
fn lookFor(self: *Substream) void {
    const state = self.handle.state;
    const now_ns = self.card.now();
    if (!self.isDisconnected(now_ns)) self.look(now_ns);
    if (self.handle.state != state) _ = readiness.arm(self, self.handle.state);
}

fn pause(handle: *ioplug.Handle, enable: c_int) callconv(.c) c_int {
    const self: *Substream = .of(handle);
    self.mutex.lock();
    defer self.mutex.unlock();
    const now_ns = self.card.now();
    if (self.isDisconnected(now_ns)) return fail(.NODEV);
    if (enable == 0) {
        if (self.phase != .frozen) return fail(.BADFD);
        self.run(now_ns);
        _ = readiness.arm(self, .running);
        return 0;
    }
    if (self.phase == .running) self.advance(now_ns);
    if (self.phase == .underrun) return fail(.PIPE);
    self.stand(.frozen, now_ns);
    _ = readiness.arm(self, .paused);
    return 0;
}

fn @"resume"(handle: *ioplug.Handle) callconv(.c) c_int {
    const self: *Substream = .of(handle);
    self.mutex.lock();
    defer self.mutex.unlock();
    return resume_answer.give(resumeNow(self));
}

fn resumeNow(self: *Substream) c_int {
    const now_ns = self.card.now();
    if (self.isDisconnected(now_ns)) return fail(.NODEV);
    if (self.handle.state != .suspended or self.phase != .frozen) return fail(.BADFD);
    const resumption = self.resumption;
    self.resumption = .{};
    switch (resumption.answer) {
        .works => {},
        .unsupported => return fail(.NOSYS),
        .lies => return 0,
        .again => {
            if (resumption.count > 1) {
                self.resumption = .{ .answer = .again, .count = resumption.count - 1 };
            }
            return fail(.AGAIN);
        },
    }
    self.run(now_ns);
    // libasound leaves this to the plug-in.
    self.handle.state = self.suspended_state;
    _ = readiness.arm(self, self.handle.state);
    return 0;
}

/// libasound does not call `stop` at an underrun, so the clock is reset here.
fn prepare(handle: *ioplug.Handle) callconv(.c) c_int {
    const self: *Substream = .of(handle);
    self.mutex.lock();
    defer self.mutex.unlock();
    const now_ns = self.card.now();
    if (self.isDisconnected(now_ns)) return fail(.NODEV);
    self.rewind(now_ns);
    self.silenceNewRing();
    self.origin_frames = 0;
    const before_boundary = self.card.options.frames_before_boundary;
    if (before_boundary > 0) {
        // libasound compares the pointers modulo the buffer, of which the boundary is a multiple.
        const frames = std.mem.alignForwardAnyAlign(u64, before_boundary, handle.buffer_size);
        self.origin_frames = self.software.boundary - frames;
    }
    handle.hw_ptr = self.origin_frames;
    handle.appl_ptr = self.origin_frames;
    if (self.software.fills_silence) self.silenceRing(handle.buffer_size);
    _ = readiness.arm(self, .prepared);
    return 0;
}

fn hwParams(handle: *ioplug.Handle, _: *alsa.HwParams) callconv(.c) c_int {
    const self: *Substream = .of(handle);
    self.mutex.lock();
    defer self.mutex.unlock();
    assert(self.phase != .running);
    if (self.isDisconnected(self.card.now())) return fail(.NODEV);
    const options = &self.card.options;
    if (!options.admits(handle.period_size)) {
        report(self.asound, "The virtual card allows {d} to {d} frames a period, not {d}", .{
            options.period_frames_min,
            options.period_frames_max,
            handle.period_size,
        });
        return fail(.INVAL);
    }
    const shape: tap_module.Shape = .{
        .format = sample.fromAlsa(handle.format) orelse return fail(.INVAL),
        .channels = handle.channels,
        .rate = handle.rate,
    };
    const errno = self.tap.configure(shape, handle.buffer_size);
    if (errno != .SUCCESS) {
        self.reportTap(errno);
        return fail(errno);
    }
    self.ring_is_new = true;
    self.channel_map = .{};
    self.clock = .init(handle.rate, options.driftPpb());
    self.status.format.store(@intFromEnum(shape.format), .monotonic);
    self.status.channels.store(shape.channels, .monotonic);
    self.status.rate.store(shape.rate, .monotonic);
    return 0;
}

/// The ring is already gone: nothing can be consumed any more.
fn hwFree(handle: *ioplug.Handle) callconv(.c) c_int {
    const self: *Substream = .of(handle);
    self.mutex.lock();
    defer self.mutex.unlock();
    self.stand(.stopped, self.card.now());
    return 0;
}

fn swParams(handle: *ioplug.Handle, params: *alsa.SwParams) callconv(.c) c_int {
    const self: *Substream = .of(handle);
    self.mutex.lock();
    defer self.mutex.unlock();
    const asound = self.asound;
    var boundary: alsa.UFrames = 0;
    var stop_threshold: alsa.UFrames = 0;
    var avail_min: alsa.UFrames = 0;
    var silence_size: alsa.UFrames = 0;
    const results = [_]c_int{
        asound.snd_pcm_sw_params_get_boundary(params, &boundary),
        asound.snd_pcm_sw_params_get_stop_threshold(params, &stop_threshold),
        asound.snd_pcm_sw_params_get_avail_min(params, &avail_min),
        asound.snd_pcm_sw_params_get_silence_size(params, &silence_size),
    };
    for (results) |result| if (result < 0) return result;
    if (boundary == 0 or boundary % handle.buffer_size != 0) return fail(.INVAL);
    self.software = .{
        .boundary = boundary,
        .stop_threshold = stop_threshold,
        .avail_min = avail_min,
        .fills_silence = silence_size >= boundary,
    };
    _ = readiness.arm(self, handle.state);
    return 0;
}

fn close(handle: *ioplug.Handle) callconv(.c) c_int {
    const self: *Substream = .of(handle);
    assert(self.phase != .running);
    self.timer.close();
    const errno = self.tap.finish();
    if (errno != .SUCCESS) self.reportTap(errno);
    // May free this substream.
    if (self.is_registered) self.card.substreamClosed();
    return 0;
}

fn pollDescriptorsCount(handle: *ioplug.Handle) callconv(.c) c_int {
    const self: *Substream = .of(handle);
    // Nothing may wait in the system's time for a clock that a program moves.
    if (self.card.options.clock == .simulated) return fail(.OPNOTSUPP);
    self.mutex.lock();
    defer self.mutex.unlock();
    const errno = self.timer.open();
    return if (errno == .SUCCESS) 1 else fail(errno);
}

/// Also called at the start of every `snd_pcm_wait`, so the descriptor is set for what is to come.
fn pollDescriptors(
    handle: *ioplug.Handle,
    descriptors: [*]ioplug.PollDescriptor,
    space: c_uint,
) callconv(.c) c_int {
    const count = pollDescriptorsCount(handle);
    if (count < 0 or space == 0) return @min(count, 0);
    const self: *Substream = .of(handle);
    self.mutex.lock();
    defer self.mutex.unlock();
    _ = readiness.arm(self, handle.state);
    descriptors[0] = .{ .fd = self.timer.descriptor.?, .events = POLL.IN, .revents = 0 };
    return 1;
}

fn pollRevents(
    handle: *ioplug.Handle,
    _: [*]ioplug.PollDescriptor,
    _: c_uint,
    events: *c_ushort,
) callconv(.c) c_int {
    const self: *Substream = .of(handle);
    // Moves libasound's pointer as an interrupt would, and notices underrun and the end of a drain;
    // what it returns is seen in the state.
    _ = self.asound.snd_pcm_avail_update(handle.pcm.?);
    self.mutex.lock();
    defer self.mutex.unlock();
    events.* = readiness.arm(self, handle.state);
    return 0;
}
