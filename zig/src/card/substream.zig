//! One playback PCM of a virtual card: the callbacks of its ioplug. The "hardware" is evaluated
//! when somebody asks for its pointer: what the frame clock has passed since the last time is
//! consumed from the ring, as a DMA engine would have done meanwhile.

const std = @import("std");
const assert = std.debug.assert;
const linux = std.os.linux;
const alsa = @import("../alsa/libasound.zig");
const sample = @import("../sample.zig");
const sync = @import("../sync.zig");
const Card = @import("card.zig").Card;
const FrameClock = @import("frame_clock.zig").FrameClock;
const ioplug = @import("ioplug.zig");
const Options = @import("options.zig").Options;
const poll_timer = @import("poll_timer.zig");
const report = @import("report.zig").report;
const tap_module = @import("tap.zig");

const POLL = linux.POLL;

const Phase = enum {
    /// The hardware stands still and can be prepared or started.
    stopped,
    running,
    /// Paused or suspended: it goes on from here.
    frozen,
    /// It ran out of frames; only `prepare` or `stop` ends this.
    underrun,
};

/// What libasound's software parameters mean to the hardware.
const Software = struct {
    boundary: u64 = 0,
    stop_threshold: u64 = 0,
    avail_min: u64 = 0,
    /// Past the application pointer the card plays zeros instead of what is in the ring.
    fills_silence: bool = false,
};

/// What other threads may read at any time.
const Status = struct {
    format: std.atomic.Value(u32) = .init(0),
    channels: std.atomic.Value(u32) = .init(0),
    rate: std.atomic.Value(u32) = .init(0),
    frames_played: std.atomic.Value(u64) = .init(0),
};

/// Poll events, and when to look again.
const Readiness = struct { c_ushort, poll_timer.Wake };

pub const Substream = struct {
    handle: ioplug.Handle,
    card: *Card,
    asound: *const alsa.Libasound,
    tap: tap_module.Tap,
    status: Status = .{},
    suspend_requested: std.atomic.Value(bool) = .init(false),
    /// The card knows this substream and is told when its PCM closes.
    is_registered: bool = false,

    /// Guards all below. A client's threads may be in several callbacks at once; the engine is in
    /// one at a time, so on its realtime thread this lock is always free.
    mutex: sync.Mutex = .{},
    clock: FrameClock = undefined,
    phase: Phase = .stopped,
    /// Frames consumed since `prepare`.
    position_frames: u64 = 0,
    /// libasound's hardware pointer at position 0.
    origin_frames: u64 = 0,
    software: Software = .{},
    timer: poll_timer.PollTimer = .{},

    /// Takes over the target, whose path is the C allocator's.
    pub fn init(
        self: *Substream,
        card: *Card,
        asound: *const alsa.Libasound,
        target: tap_module.Target,
    ) void {
        self.* = .{
            .handle = .{
                .name = "Halflap virtual card",
                .flags = ioplug.flag_monotonic | ioplug.flag_boundary_wa,
                .mmap_rw = 1,
                .callback = if (card.options.no_pause) &callbacks_without_pause else &callbacks,
            },
            .card = card,
            .asound = asound,
            .tap = .{ .target = target },
        };
    }

    /// Only after the PCM was closed.
    pub fn deinit(self: *Substream) void {
        if (self.tap.target == .wav) std.heap.c_allocator.free(self.tap.target.wav);
        self.tap.deinit();
        self.* = undefined;
    }

    /// Makes the PCM, ready for its hardware parameters, or returns a negative errno.
    pub fn open(
        self: *Substream,
        name: [*:0]const u8,
        mode: c_int,
        expected: ?Options.Expected,
    ) c_int {
        const result = self.asound.snd_pcm_ioplug_create(&self.handle, name, .playback, mode);
        if (result < 0) return result;
        // libasound sets this for `snd_pcm_nonblock` only, but drain goes by it.
        self.handle.nonblock = @intFromBool(mode & alsa.open_nonblock != 0);
        const constrained = self.card.options.constrain(self.asound, &self.handle, expected);
        if (constrained < 0) _ = self.asound.snd_pcm_close(self.handle.pcm.?);
        return constrained;
    }

    fn of(handle: *ioplug.Handle) *Substream {
        return @fieldParentPtr("handle", handle);
    }

    fn setPhase(self: *Substream, phase: Phase) void {
        const was_running = self.phase == .running;
        const is_running = phase == .running;
        self.phase = phase;
        if (is_running and !was_running) self.card.tap_thread.substreamStarted();
        if (was_running and !is_running) self.card.tap_thread.substreamStopped();
    }

    fn stand(self: *Substream, phase: Phase) void {
        assert(phase != .running);
        if (self.phase == .running) self.clock.stop(self.card.now());
        self.setPhase(phase);
    }

    fn run(self: *Substream) void {
        self.clock.run(self.card.now());
        self.setPhase(.running);
    }

    /// Frames from the hardware's position to the application pointer; negative when it was passed.
    fn queuedFrames(self: *const Substream) i64 {
        const boundary = self.software.boundary;
        const hw_ptr = (self.origin_frames + self.position_frames) % boundary;
        const ahead = (self.handle.appl_ptr + boundary - hw_ptr) % boundary;
        if (ahead <= boundary / 2) return @intCast(ahead);
        return @as(i64, @intCast(ahead)) - @as(i64, @intCast(boundary));
    }

    fn availableFrames(self: *const Substream) i64 {
        return @as(i64, @intCast(self.handle.buffer_size)) - self.queuedFrames();
    }

    /// The position at which the hardware stops by itself, if it ever does: as in the kernel, where
    /// there is room for `stop_threshold` frames, and while draining where nothing is left.
    fn endPosition(self: *const Substream) ?u64 {
        const beyond = if (self.handle.state == .draining) 0 else beyond: {
            if (self.software.stop_threshold >= self.software.boundary) return null;
            const threshold: i64 = @intCast(self.software.stop_threshold);
            break :beyond threshold - @as(i64, @intCast(self.handle.buffer_size));
        };
        return self.position_frames + @as(u64, @intCast(@max(self.queuedFrames() +| beyond, 0)));
    }

    /// Consumes what the running hardware has played until now.
    fn advance(self: *Substream) void {
        assert(self.phase == .running);
        const reached = self.clock.position(self.card.now());
        const end = self.endPosition() orelse return self.consumeTo(reached);
        self.consumeTo(@min(reached, end));
        // While draining libasound sees that the ring is empty and stops the PCM itself.
        if (reached >= end and self.handle.state != .draining) self.stand(.underrun);
    }

    fn consumeTo(self: *Substream, position_frames: u64) void {
        if (position_frames <= self.position_frames) return;
        const frames = position_frames - self.position_frames;
        self.record(frames);
        self.position_frames = position_frames;
        _ = self.status.frames_played.fetchAdd(frames, .monotonic);
    }

    /// Gives the next `frames` to the tap, at most one buffer of them. Longer than that the pointer
    /// is unread only in a PCM that runs on through underruns.
    fn record(self: *Substream, frames: u64) void {
        if (self.tap.target == .none) return;
        const fresh = @min(frames, @as(u64, @intCast(@max(self.queuedFrames(), 0))));
        const recorded = @min(frames, self.handle.buffer_size);
        if (self.software.fills_silence and fresh < recorded) {
            self.recordRing(fresh);
            self.tap.recordSilence(recorded - fresh);
        } else {
            self.recordRing(recorded);
        }
        self.tap.lose(frames - recorded);
    }

    fn recordRing(self: *Substream, frames: u64) void {
        const areas = self.asound.snd_pcm_ioplug_mmap_areas(&self.handle) orelse
            return self.tap.lose(frames);
        const channels = areas[0..self.handle.channels];
        const buffer_frames = self.handle.buffer_size;
        const offset = (self.origin_frames + self.position_frames) % buffer_frames;
        const head = @min(frames, buffer_frames - offset);
        self.tap.recordAreas(channels, offset, head);
        self.tap.recordAreas(channels, 0, frames - head);
    }

    /// Whether the PCM is ready in `state`, as the kernel's poll tells it.
    fn readiness(self: *const Substream, state: alsa.PcmState) Readiness {
        switch (state) {
            .running, .prepared, .paused => {
                if (self.phase == .underrun) return .{ POLL.OUT | POLL.ERR, .now };
                if (self.availableFrames() >= self.software.avail_min) return .{ POLL.OUT, .now };
                if (self.phase != .running) return .{ 0, .never };
                return .{ 0, .{ .at_ns = self.clock.instantOf(self.readyPosition()) } };
            },
            .draining => {
                if (self.phase != .running) return .{ POLL.OUT, .now };
                return .{ 0, .{ .at_ns = self.clock.instantOf(self.endPosition().?) } };
            },
            .open, .setup => return .{ POLL.OUT, .now },
            else => return .{ POLL.OUT | POLL.ERR, .now },
        }
    }

    /// Where there will be room for `avail_min`, or the underrun that comes before. For a client
    /// that writes whole periods that is a period boundary. One that writes whatever there is room
    /// for is off the boundaries by its lateness, and would miss each by a few frames.
    fn readyPosition(self: *const Substream) u64 {
        const missing = @as(i64, @intCast(self.software.avail_min)) - self.availableFrames();
        assert(missing > 0);
        const enough = self.position_frames + @as(u64, @intCast(missing));
        return @min(enough, self.endPosition() orelse enough);
    }

    fn reportTap(self: *const Substream, errno: linux.E) void {
        if (errno == .BUSY) return report(
            self.asound,
            "The virtual card has recorded another format: open it anew to change the parameters",
            .{},
        );
        const reason = self.asound.snd_strerror(@intFromEnum(errno));
        switch (self.tap.target) {
            // Never fails.
            .none => unreachable,
            .memory => report(self.asound, "The virtual card cannot record: {s}", .{reason}),
            .wav => |path| report(self.asound, "Cannot write \"{s}\": {s}", .{ path, reason }),
        }
    }

    /// Sets the poll descriptor for the state that the PCM is in, or is about to enter.
    fn arm(self: *Substream, state: alsa.PcmState) c_ushort {
        const events, const wake = self.readiness(state);
        self.timer.arm(wake);
        return events;
    }
};

const callbacks_without_pause: ioplug.Callbacks = .{
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
    // No `delay`: nothing lies behind the ring, so libasound's own answer is exact.
};

const callbacks = callbacks: {
    var table = callbacks_without_pause;
    table.pause = &pause;
    break :callbacks table;
};

fn fail(errno: linux.E) c_int {
    assert(errno != .SUCCESS);
    return -@as(c_int, @intFromEnum(errno));
}

fn start(handle: *ioplug.Handle) callconv(.c) c_int {
    const self: *Substream = .of(handle);
    self.mutex.lock();
    defer self.mutex.unlock();
    if (self.phase != .stopped) return fail(.BADFD);
    assert(self.position_frames == 0);
    self.run();
    _ = self.arm(.running);
    return 0;
}

fn stop(handle: *ioplug.Handle) callconv(.c) c_int {
    const self: *Substream = .of(handle);
    self.mutex.lock();
    defer self.mutex.unlock();
    if (self.phase == .running) self.advance();
    self.stand(.stopped);
    _ = self.arm(.setup);
    return 0;
}

fn pointer(handle: *ioplug.Handle) callconv(.c) alsa.SFrames {
    const self: *Substream = .of(handle);
    self.mutex.lock();
    defer self.mutex.unlock();
    // Asked before there are parameters.
    if (self.software.boundary == 0) return 0;
    if (self.phase == .running) self.advance();
    if (self.phase == .running and handle.state == .running and
        self.suspend_requested.swap(false, .acquire))
    {
        self.stand(.frozen);
        handle.state = .suspended;
        _ = self.arm(.suspended);
    }
    if (self.phase == .underrun) return fail(.PIPE);
    return @intCast(self.position_frames % self.software.boundary);
}

fn pause(handle: *ioplug.Handle, enable: c_int) callconv(.c) c_int {
    const self: *Substream = .of(handle);
    self.mutex.lock();
    defer self.mutex.unlock();
    if (enable == 0) {
        if (self.phase != .frozen) return fail(.BADFD);
        self.run();
        _ = self.arm(.running);
        return 0;
    }
    if (self.phase == .running) self.advance();
    if (self.phase == .underrun) return fail(.PIPE);
    self.stand(.frozen);
    _ = self.arm(.paused);
    return 0;
}

fn @"resume"(handle: *ioplug.Handle) callconv(.c) c_int {
    const self: *Substream = .of(handle);
    self.mutex.lock();
    defer self.mutex.unlock();
    if (handle.state != .suspended or self.phase != .frozen) return fail(.BADFD);
    self.run();
    // libasound leaves this to the plug-in.
    handle.state = .running;
    _ = self.arm(.running);
    return 0;
}

/// libasound does not call `stop` at an underrun, so the clock is reset here.
fn prepare(handle: *ioplug.Handle) callconv(.c) c_int {
    const self: *Substream = .of(handle);
    self.mutex.lock();
    defer self.mutex.unlock();
    self.stand(.stopped);
    self.clock.reset();
    self.position_frames = 0;
    self.origin_frames = 0;
    const before_boundary = self.card.options.frames_before_boundary;
    if (before_boundary > 0) {
        // libasound compares the pointers modulo the buffer, of which the boundary is a multiple.
        const frames = std.mem.alignForwardAnyAlign(u64, before_boundary, handle.buffer_size);
        self.origin_frames = self.software.boundary - frames;
    }
    handle.hw_ptr = self.origin_frames;
    handle.appl_ptr = self.origin_frames;
    _ = self.arm(.prepared);
    return 0;
}

fn hwParams(handle: *ioplug.Handle, _: *alsa.HwParams) callconv(.c) c_int {
    const self: *Substream = .of(handle);
    self.mutex.lock();
    defer self.mutex.unlock();
    assert(self.phase != .running);
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
    self.stand(.stopped);
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
    _ = self.arm(handle.state);
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
    _ = self.arm(handle.state);
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
    events.* = self.arm(handle.state);
    return 0;
}
