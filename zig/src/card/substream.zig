//! One playback PCM of a virtual card. The "hardware" is evaluated when somebody asks for its
//! pointer: what the frame clock has passed since the last time is consumed from the ring, as a DMA
//! engine would have done meanwhile.

const std = @import("std");
const assert = std.debug.assert;
const linux = std.os.linux;
const alsa = @import("../alsa/libasound.zig");
const callbacks = @import("callbacks.zig");
const faults_module = @import("faults.zig");
const sync = @import("../sync.zig");
const sample = @import("../sample.zig");
const Block = @import("../block.zig").Block;
const Card = @import("card.zig").Card;
const ChannelMap = @import("channel_maps.zig").Chosen;
const FrameClock = @import("frame_clock.zig").FrameClock;
const ioplug = @import("ioplug.zig");
const Options = @import("options.zig").Options;
const poll_timer = @import("poll_timer.zig");
const report = @import("report.zig").report;
const tap_module = @import("tap.zig");

pub const Phase = enum {
    /// The hardware stands still and can be prepared or started.
    stopped,
    running,
    /// Paused or suspended: it goes on from here.
    frozen,
    /// It ran out of frames; only `prepare` or `stop` ends this.
    underrun,
    /// Nothing ends this.
    disconnected,
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

pub const Substream = struct {
    handle: ioplug.Handle,
    card: *Card,
    asound: *const alsa.Libasound,
    tap: tap_module.Tap,
    status: Status = .{},
    faults: faults_module.SubstreamFaults = .{},
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
    /// The ring holds whatever was in libasound's memory before.
    ring_is_new: bool = false,
    channel_map: ChannelMap = .{},
    /// Until when it stands still although it runs.
    stalled_until_ns: u64 = 0,
    /// What `handle.state` was before the PCM was suspended, and how that ends.
    suspended_state: alsa.PcmState = .running,
    resumption: faults_module.Resumption = .{},
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
                .callback = if (card.options.no_pause)
                    &callbacks.without_pause
                else
                    &callbacks.with_pause,
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

    pub fn of(handle: *ioplug.Handle) *Substream {
        return @fieldParentPtr("handle", handle);
    }

    fn setPhase(self: *Substream, phase: Phase) void {
        if (self.phase == .disconnected) return;
        const was_running = self.phase == .running;
        const is_running = phase == .running;
        self.phase = phase;
        if (is_running and !was_running) self.card.tap_thread.substreamStarted();
        if (was_running and !is_running) self.card.tap_thread.substreamStopped();
    }

    pub fn stand(self: *Substream, phase: Phase, now_ns: u64) void {
        assert(phase != .running);
        if (self.phase == .running) self.clock.stop(now_ns);
        self.setPhase(phase);
    }

    pub fn run(self: *Substream, now_ns: u64) void {
        self.clock.run(@max(now_ns, self.stalled_until_ns));
        self.setPhase(.running);
    }

    /// Back to where nothing was played, standing still.
    pub fn rewind(self: *Substream, now_ns: u64) void {
        self.stand(.stopped, now_ns);
        self.clock.reset();
        self.position_frames = 0;
        if (self.stalled_until_ns != faults_module.for_ever) self.stalled_until_ns = 0;
    }

    /// A new ring holds silence, as the kernel's do.
    pub fn silenceNewRing(self: *Substream) void {
        if (!self.ring_is_new) return;
        const areas = self.asound.snd_pcm_ioplug_mmap_areas(&self.handle) orelse return;
        const ring: Block = .ofAreas(
            areas,
            self.handle.channels,
            @enumFromInt(self.status.format.load(.monotonic)),
            0,
            @intCast(self.handle.buffer_size),
        );
        ring.silence();
        self.ring_is_new = false;
    }

    /// Plays from the caller's memory, of a ring's size, which then holds silence. Only while the
    /// PCM is prepared and interleaved; libasound frees its own memory by another record.
    pub fn adoptRing(self: *Substream, bytes: []u8) void {
        self.mutex.lock();
        defer self.mutex.unlock();
        const constant = self.asound.snd_pcm_ioplug_mmap_areas(&self.handle).?;
        const areas: [*]alsa.ChannelArea = @constCast(constant);
        const frame_bits = areas[0].step;
        assert(bytes.len * 8 >= frame_bits * self.handle.buffer_size);
        for (areas[0..self.handle.channels], 0..) |*area, channel| {
            assert(area.step == frame_bits);
            area.* = .{
                .addr = bytes.ptr,
                .first = @intCast(channel * (frame_bits / self.handle.channels)),
                .step = frame_bits,
            };
        }
        self.ring_is_new = true;
        self.silenceNewRing();
    }

    /// Everything that happened to the hardware since somebody last looked. Armed faults take
    /// effect now, in this order; one that stops the hardware leaves the rest for when it runs.
    pub fn look(self: *Substream, now_ns: u64) void {
        if (self.phase == .running) self.advance(now_ns);
        if (self.phase == .running) self.jump(now_ns);
        if (self.phase == .running) self.stall(now_ns);
        if (self.phase == .running and self.faults.takeXrun()) self.stand(.underrun, now_ns);
        if (self.phase == .running) self.suspendIfAsked(now_ns);
    }

    fn jump(self: *Substream, now_ns: u64) void {
        const frames = self.faults.takeJumpFrames();
        if (frames == 0) return;
        self.clock.skip(frames);
        self.advance(now_ns);
    }

    fn stall(self: *Substream, now_ns: u64) void {
        const healed = self.faults.takeHeal();
        if (healed) self.stalled_until_ns = 0;
        const ns = self.faults.takeStallNs();
        if (!healed and ns == 0) return;
        if (ns > 0) self.stalled_until_ns = @max(self.stalled_until_ns, now_ns +| ns);
        self.clock.stop(now_ns);
        self.clock.run(@max(now_ns, self.stalled_until_ns));
    }

    fn suspendIfAsked(self: *Substream, now_ns: u64) void {
        self.resumption = self.faults.takeSuspension() orelse return;
        self.stand(.frozen, now_ns);
        self.suspended_state = self.handle.state;
        self.handle.state = .suspended;
    }

    /// Whether the device is gone. Then its state says so, whatever libasound made of it meanwhile.
    pub fn isDisconnected(self: *Substream, now_ns: u64) bool {
        if (self.faults.takeDisconnect()) {
            if (self.phase == .running) self.advance(now_ns);
            self.stand(.disconnected, now_ns);
        }
        if (self.phase != .disconnected) return false;
        self.handle.state = .disconnected;
        return true;
    }

    /// Frames from the hardware's position to the application pointer; negative when it was passed.
    pub fn queuedFrames(self: *const Substream) i64 {
        const boundary = self.software.boundary;
        const hw_ptr = (self.origin_frames + self.position_frames) % boundary;
        const ahead = (self.handle.appl_ptr + boundary - hw_ptr) % boundary;
        if (ahead <= boundary / 2) return @intCast(ahead);
        return @as(i64, @intCast(ahead)) - @as(i64, @intCast(boundary));
    }

    pub fn availableFrames(self: *const Substream) i64 {
        return @as(i64, @intCast(self.handle.buffer_size)) - self.queuedFrames();
    }

    /// The position at which the hardware stops by itself, if it ever does: as in the kernel, where
    /// there is room for `stop_threshold` frames, and while draining where nothing is left.
    pub fn endPosition(self: *const Substream) ?u64 {
        const beyond = if (self.handle.state == .draining) 0 else beyond: {
            if (self.software.stop_threshold >= self.software.boundary) return null;
            const threshold: i64 = @intCast(self.software.stop_threshold);
            break :beyond threshold - @as(i64, @intCast(self.handle.buffer_size));
        };
        return self.position_frames + @as(u64, @intCast(@max(self.queuedFrames() +| beyond, 0)));
    }

    /// Consumes what the running hardware has played until now.
    pub fn advance(self: *Substream, now_ns: u64) void {
        assert(self.phase == .running);
        const reached = self.transferred(self.clock.position(now_ns));
        const end = self.endPosition() orelse return self.consumeTo(reached);
        self.consumeTo(@min(reached, end));
        // While draining libasound sees that the ring is empty and stops the PCM itself.
        if (reached >= end and self.handle.state != .draining) self.stand(.underrun, now_ns);
    }

    /// How much of so many frames the hardware has taken out of the ring: hardware that transfers
    /// in batches takes whole periods.
    fn transferred(self: *const Substream, position_frames: u64) u64 {
        if (!self.card.options.batch) return position_frames;
        return position_frames - position_frames % self.handle.period_size;
    }

    /// The first instant at which the running hardware has reached a position, if it ever will.
    pub fn instantOf(self: *const Substream, position_frames: u64) ?u64 {
        const whole = if (self.card.options.batch)
            std.mem.alignForwardAnyAlign(u64, position_frames, self.handle.period_size)
        else
            position_frames;
        const at_ns = self.clock.instantOf(whole);
        return if (at_ns == faults_module.for_ever) null else at_ns;
    }

    fn consumeTo(self: *Substream, position_frames: u64) void {
        if (position_frames <= self.position_frames) return;
        const frames = position_frames - self.position_frames;
        self.record(frames);
        if (self.software.fills_silence) self.silenceRing(frames);
        self.position_frames = position_frames;
        _ = self.status.frames_played.fetchAdd(frames, .monotonic);
    }

    /// As the kernel does: what was played is silence from then on, so that an application that
    /// goes on further ahead leaves no old sound behind.
    pub fn silenceRing(self: *Substream, frames: u64) void {
        const areas = self.asound.snd_pcm_ioplug_mmap_areas(&self.handle) orelse return;
        const format = sample.fromAlsa(self.handle.format) orelse return;
        const buffer_frames = self.handle.buffer_size;
        var offset = (self.origin_frames + self.position_frames) % buffer_frames;
        var left = @min(frames, buffer_frames);
        while (left > 0) {
            const piece = @min(left, buffer_frames - offset);
            const block: Block = .ofAreas(
                areas,
                self.handle.channels,
                format,
                offset,
                @intCast(piece),
            );
            block.silence();
            left -= piece;
            offset = 0;
        }
    }

    /// Gives the next `frames` to the tap: what is queued, and past it, in a PCM that runs on
    /// through underruns, zeros or what is in the ring over and over.
    fn record(self: *Substream, frames: u64) void {
        if (self.tap.target == .none) return;
        const queued: u64 = @intCast(@max(self.queuedFrames(), 0));
        const of_ring = if (self.software.fills_silence) @min(frames, queued) else frames;
        self.recordRing(of_ring);
        self.tap.recordSilence(frames - of_ring);
    }

    /// Lap after lap, at most as long as the tap has room.
    fn recordRing(self: *Substream, frames: u64) void {
        const areas = self.asound.snd_pcm_ioplug_mmap_areas(&self.handle) orelse
            return self.tap.lose(frames);
        const channels = areas[0..self.handle.channels];
        const buffer_frames = self.handle.buffer_size;
        var offset = (self.origin_frames + self.position_frames) % buffer_frames;
        var left = frames;
        while (left > 0) {
            const piece = @min(left, buffer_frames - offset);
            const taken = self.tap.recordAreas(channels, offset, piece);
            left -= taken;
            if (taken < piece) break;
            offset = 0;
        }
        self.tap.lose(left);
    }

    pub fn reportTap(self: *const Substream, errno: linux.E) void {
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
};
