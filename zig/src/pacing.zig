//! Who tells when there is room. A device-clocked sink tells by its pointer; a self-clocked one
//! accepts anything at once, so the engine plays the device's part for it on the monotonic clock.

const std = @import("std");
const assert = std.debug.assert;
const linux = std.os.linux;
const abi = @import("abi.zig");
const alsa = @import("alsa/libasound.zig");
const clock = @import("clock.zig");
const Stream = @import("stream.zig").Stream;

pub const Error = error{
    /// The device ran dry.
    Xrun,
    Suspended,
    /// The device is gone.
    Disconnected,
    /// Any other error of a libasound call; `Stream.failure` holds it.
    Failed,
};

pub const Room = struct {
    /// Frames that can be written now.
    avail_frames: u32,
    /// Frames that a device which runs on, or our clock, has played past what was written.
    overtaken_frames: u64 = 0,
    /// Frames from the application pointer to the loudspeaker.
    delay_frames: u64,
    /// When the pointer was where this says.
    at_ns: u64,
    /// Between two looks at our clock that are this far apart.
    uncertainty_ns: u64 = 0,
};

/// A device that exists only as a calculation: it was started at `anchor_ns`, plays at its rate,
/// and holds one buffer.
pub const SelfClock = struct {
    /// Null while not running.
    anchor_ns: ?u64 = null,
    /// Frames played before `anchor_ns`.
    played_frames: u64 = 0,
    written_frames: u64 = 0,

    fn position(self: *const SelfClock, now_ns: u64, rate: u32) u64 {
        const anchor_ns = self.anchor_ns orelse return self.played_frames;
        return self.played_frames + clock.framesIn(now_ns -| anchor_ns, rate);
    }

    /// Nobody hears that a fill comes too late: as long as there is something to fill it with, a
    /// sink may have been empty for as long as a buffer lasts, and then makes up for it.
    fn room(self: *const SelfClock, now_ns: u64, limits: Limits) error{Xrun}!Room {
        const played_frames = self.position(now_ns, limits.rate);
        const late_frames = played_frames -| self.written_frames;
        if (late_frames > if (limits.starved) 0 else limits.buffer_frames) return error.Xrun;
        // More than a buffer only behind a device that ran away before it was found out.
        const delay_frames = self.written_frames -| played_frames;
        const held_frames: u32 = @intCast(@min(delay_frames, limits.buffer_frames));
        return .{
            .avail_frames = limits.buffer_frames - held_frames,
            .overtaken_frames = late_frames,
            .delay_frames = delay_frames,
            .at_ns = now_ns,
        };
    }

    const Limits = struct { rate: u32, buffer_frames: u32, starved: bool = false };

    /// What it will still play.
    pub fn heldFrames(self: *const SelfClock) u64 {
        return self.written_frames -| self.played_frames;
    }
};

pub const Pacer = union(abi.ClockKind) {
    device,
    self: SelfClock,

    pub fn kindOf(pcm_type: alsa.PcmType) abi.ClockKind {
        return switch (pcm_type) {
            .null, .file => .self,
            else => .device,
        };
    }

    /// From a device that ran away: the clock tells from now on, as if it had since the start.
    pub fn demote(self: *Pacer, started_ns: u64, written_frames: u64) void {
        assert(self.* == .device);
        self.* = .{ .self = .{ .anchor_ns = started_ns, .written_frames = written_frames } };
    }

    pub fn started(self: *Pacer, now_ns: u64) void {
        if (self.* == .self) self.self.anchor_ns = now_ns;
    }

    pub fn paused(self: *Pacer, now_ns: u64, rate: u32) void {
        if (self.* != .self) return;
        self.self.played_frames = self.self.position(now_ns, rate);
        self.self.anchor_ns = null;
    }

    pub fn reset(self: *Pacer) void {
        if (self.* == .self) self.self = .{};
    }

    pub fn wrote(self: *Pacer, frames: u32) void {
        if (self.* == .self) self.self.written_frames += frames;
    }
};

/// Where the device is now. `running` streams ask the hardware; one that is only prepared knows.
pub fn observe(stream: *Stream, now_ns: u64, running: bool) Error!Room {
    const buffer_frames = stream.granted.buffer_frames;
    switch (stream.pacer) {
        .self => |*self| return self.room(now_ns, .{
            .rate = stream.granted.rate,
            .buffer_frames = buffer_frames,
            .starved = running and stream.look.starved,
        }),
        .device => {
            if (running) return observeRunning(stream, now_ns);
            const result = stream.asound.snd_pcm_avail_update(stream.pcm.?);
            const room = try roomOf(stream, "snd_pcm_avail_update", result);
            return .{
                .avail_frames = @intCast(@min(room, buffer_frames)),
                .delay_frames = buffer_frames -| room,
                .at_ns = now_ns,
            };
        },
    }
}

fn observeRunning(stream: *Stream, now_ns: u64) Error!Room {
    const buffer_frames = stream.granted.buffer_frames;
    var avail: alsa.SFrames = 0;
    var delay: alsa.SFrames = 0;
    const result = stream.asound.snd_pcm_avail_delay(stream.pcm.?, &avail, &delay);
    if (result < 0) return classify(stream, "snd_pcm_avail_delay", result);
    const read_ns = stream.now();
    const room = try roomOf(stream, "snd_pcm_avail_delay", avail);
    return .{
        .avail_frames = @intCast(@min(room, buffer_frames)),
        .overtaken_frames = room -| buffer_frames,
        // What is in the ring was not heard, whatever a server that interpolates may say.
        .delay_frames = @max(buffer_frames -| room, @as(u64, @intCast(@max(0, delay)))),
        .at_ns = deviceTime(stream, now_ns, read_ns) orelse now_ns,
        .uncertainty_ns = read_ns -| now_ns,
    };
}

/// The kernel's own time of its last look at the pointer, where it has one and it can be true.
fn deviceTime(stream: *Stream, before_ns: u64, after_ns: u64) ?u64 {
    if (!stream.granted.timestamps) return null;
    var avail: alsa.UFrames = 0;
    var time: alsa.Timespec = undefined;
    if (stream.asound.snd_pcm_htimestamp(stream.pcm.?, &avail, &time) < 0) return null;
    const at_ns = nsOf(time);
    return if (at_ns >= before_ns and at_ns <= after_ns) at_ns else null;
}

/// libasound's hardware pointer on the line of `appl_frames`.
pub fn hardwareFrames(stream: *const Stream, room: *const Room) u64 {
    const held_frames = stream.granted.buffer_frames - room.avail_frames;
    return (stream.appl_frames + room.overtaken_frames) -| held_frames;
}

fn nsOf(time: alsa.Timespec) u64 {
    const seconds: u64 = @intCast(@max(0, time.sec));
    return seconds * std.time.ns_per_s + @as(u64, @intCast(@max(0, time.nsec)));
}

pub const Stop = struct {
    /// What was left in the ring.
    left_frames: u64 = 0,
    /// When the device stopped.
    at_ns: ?u64 = null,
};

/// What a device that stopped says of it. Plug-ins do not know: their pointer is of the last look,
/// and their time of another event.
pub fn lastWords(stream: *Stream, now_ns: u64) Stop {
    if (stream.pacer != .device) return .{};
    const predicted: Stop = .{ .left_frames = leftAt(stream, now_ns) };
    if (!stream.tellsStop()) return predicted;
    const status = stream.status.?;
    if (stream.asound.snd_pcm_status(stream.pcm.?, status) < 0) return predicted;
    const avail = stream.asound.snd_pcm_status_get_avail(status);
    const left_frames = stream.granted.buffer_frames -| avail;
    if (stream.pcm_type != .hw) return .{ .left_frames = left_frames };
    var time: alsa.Timespec = undefined;
    stream.asound.snd_pcm_status_get_trigger_htstamp(status, &time);
    const at_ns = nsOf(time);
    const likely = at_ns >= stream.look.at_ns and at_ns <= now_ns;
    if (!likely) return .{ .left_frames = left_frames };
    // The kernel looks at the pointer of a device that runs, not of one that stopped.
    return .{ .left_frames = @min(left_frames, leftAt(stream, at_ns)), .at_ns = at_ns };
}

/// What is left of the last fill at a time, by the clock.
fn leftAt(stream: *const Stream, at_ns: u64) u64 {
    const passed = clock.framesIn(at_ns -| stream.look.at_ns, stream.granted.rate);
    return stream.look.held_frames -| passed;
}

/// Moves the application pointer past frames that will not be written.
pub fn skip(stream: *Stream, frames: u64) Error!u64 {
    const result = stream.asound.snd_pcm_forward(stream.pcm.?, frames);
    if (result < 0) return classify(stream, "snd_pcm_forward", result);
    stream.appl_frames += @intCast(result);
    return @intCast(result);
}

/// Whether a device claims to have played so much in so short a time that it has no clock. Real
/// ones deviate by parts per million, and may take two buffers ahead; one without a clock is up to
/// twice as fast, the less so the later this thread is.
pub fn ranAway(stream: *const Stream, now_ns: u64) bool {
    if (stream.pacer != .device) return false;
    const heard = stream.frames_heard - stream.started_heard;
    const elapsed = clock.framesIn(now_ns -| stream.started_ns, stream.granted.rate);
    return heard > elapsed + elapsed / 4 + 2 * @as(u64, stream.granted.buffer_frames);
}

/// Reads the pointer again after a slow fill: once the frames are committed, an underrun during it
/// cannot be seen. A fill is slow when meanwhile the ring may have run empty, by the clock and
/// however coarse the pointer is. On a sound card asking costs a system call.
pub fn recheck(stream: *Stream) Error!void {
    if (stream.pacer != .device) return;
    const turn = &stream.turn;
    const granted = &stream.granted;
    const passed_frames = clock.framesIn(stream.now() -| turn.now_ns, granted.rate);
    if (passed_frames + granted.toleranceFrames() < turn.held_frames) return;
    const avail = stream.asound.snd_pcm_avail(stream.pcm.?);
    const room = try roomOf(stream, "snd_pcm_avail", avail);
    if (room > stream.granted.buffer_frames) return error.Xrun;
}

/// More room than the buffer has: the pointer overtook what was written. Only a device that is to
/// run on may do that.
fn roomOf(stream: *Stream, call: []const u8, avail: alsa.SFrames) Error!u64 {
    if (avail < 0) return classify(stream, call, avail);
    const room = @as(u64, @intCast(avail)) -| stream.phantom_frames;
    if (room > stream.granted.buffer_frames and !stream.granted.runsOn()) return error.Xrun;
    return room;
}

/// What a negative result of a streaming call means.
pub fn classify(stream: *Stream, call: []const u8, result: c_long) Error {
    assert(result < 0);
    const errno: linux.E = @enumFromInt(-result);
    switch (errno) {
        .PIPE => return error.Xrun,
        .STRPIPE => return error.Suspended,
        .NODEV, .NXIO, .NOENT => {
            stream.failure.setCall(stream.asound, call, result, .device_lost);
            return error.Disconnected;
        },
        else => {
            if (stream.asound.snd_pcm_state(stream.pcm.?) == .disconnected) {
                stream.failure.setCall(stream.asound, call, result, .device_lost);
                return error.Disconnected;
            }
            stream.failure.setCall(stream.asound, call, result, .alsa);
            return error.Failed;
        },
    }
}

const expectEqual = std.testing.expectEqual;

test "a self-clocked sink that was filled too late makes up for it" {
    var sink: SelfClock = .{ .anchor_ns = 0, .written_frames = 400 };
    const limits: SelfClock.Limits = .{ .rate = 1000, .buffer_frames = 400 };
    const in_time = try sink.room(300 * std.time.ns_per_ms, limits);
    try expectEqual(300, in_time.avail_frames);
    try expectEqual(0, in_time.overtaken_frames);
    const late = try sink.room(500 * std.time.ns_per_ms, limits);
    try expectEqual(400, late.avail_frames);
    try expectEqual(100, late.overtaken_frames);
    sink.written_frames += late.avail_frames;
    const made_good = try sink.room(600 * std.time.ns_per_ms, limits);
    try expectEqual(200, made_good.delay_frames);
    try expectEqual(error.Xrun, sink.room(1201 * std.time.ns_per_ms, limits));
}

test "a self-clocked sink runs dry when there is nothing to fill it with" {
    const sink: SelfClock = .{ .anchor_ns = 0, .written_frames = 400 };
    const limits: SelfClock.Limits = .{ .rate = 1000, .buffer_frames = 400, .starved = true };
    const room = try sink.room(400 * std.time.ns_per_ms, limits);
    try expectEqual(400, room.avail_frames);
    try expectEqual(error.Xrun, sink.room(401 * std.time.ns_per_ms, limits));
}
