//! A stream that plays: it starts when there is enough, and each wake-up fills all the room.

const std = @import("std");
const clock = @import("clock.zig");
const endings = @import("endings.zig");
const events = @import("events.zig");
const machine = @import("machine.zig");
const pacing = @import("pacing.zig");
const phantom_room = @import("phantom_room.zig");
const positions = @import("positions.zig");
const recovery = @import("recovery.zig");
const transfer = @import("transfer.zig");
const wake_times = @import("wake_times.zig");
const xruns = @import("xruns.zig");
const zero_copy = @import("zero_copy.zig");
const DeviceClock = @import("device_clock.zig").DeviceClock;
const Outcome = machine.Outcome;
const Stream = @import("stream.zig").Stream;
const Watchdog = @import("watchdog.zig").Watchdog;
const nobody = @import("stream.zig").nobody;

pub fn prepared(stream: *Stream, now_ns: u64) Outcome {
    zero_copy.hold(stream, 0);
    if (stream.drain_pending and endings.hasNothingToDrain(stream)) endings.finishDrain(stream);
    if (!shouldStart(stream)) {
        const threshold = kickLevel(stream) orelse return .sleep;
        makeHungry(stream, threshold);
        // A write may have come in between and seen nobody hungry.
        if (!shouldStart(stream)) return .sleep;
    }
    stream.hungry_at.store(nobody, .seq_cst);
    if (!(zero_copy.place(stream) catch |err| return recovery.fault(stream, err))) {
        makeHungry(stream, 0);
        // The commit may have come in between and seen nobody hungry.
        const in_place = zero_copy.place(stream) catch |err| return recovery.fault(stream, err);
        if (!in_place) return .sleep;
        stream.hungry_at.store(nobody, .seq_cst);
    }
    return start(stream, now_ns) catch |err| recovery.fault(stream, err);
}

/// From this level of the queue on, a write wakes the stream.
fn makeHungry(stream: *Stream, level: u32) void {
    stream.fed_ns.store(0, .release);
    stream.hungry_at.store(level, .seq_cst);
}

/// The queue level at which a prepared stream starts, or null when writes do not start it.
pub fn kickLevel(stream: *const Stream) ?u32 {
    if (!stream.source.isFed()) return null;
    if (stream.start_asked or stream.drain_pending) return 1;
    return if (stream.start_threshold_frames == nobody) null else stream.start_threshold_frames;
}

fn shouldStart(stream: *const Stream) bool {
    const available = stream.source.available();
    if (available == 0) return false;
    if (stream.start_asked) return true;
    if (stream.source.isFed()) {
        return available >= (kickLevel(stream) orelse return false) or cannotGoOn(stream);
    }
    // A drain plays what was written.
    if (stream.source == .mix and stream.drain_pending) return true;
    return stream.armed;
}

/// Whoever renders in place wants all of its room at once, and there may be less although it is not
/// full: frames that were left when a device ran dry, or that came in other sizes.
fn cannotGoOn(stream: *const Stream) bool {
    if (stream.options.source != .render and stream.options.source != .mapped) return false;
    const wanted = stream.wanted_room.load(.seq_cst);
    return wanted != nobody and stream.source.free() < wanted;
}

fn start(stream: *Stream, now_ns: u64) pacing.Error!Outcome {
    stream.phantom_frames = 0;
    var room = try pacing.observe(stream, now_ns, false);
    // The ring of a suspended device takes frames, which would be lost: it does not start.
    if (stream.asound.snd_pcm_state(stream.pcm.?) == .suspended) return error.Suspended;
    if (stream.start_fade_ms > 0) {
        stream.fade = .constant(0);
        stream.fade.moveTo(1, stream.framesOfMs(stream.start_fade_ms));
    }
    if (stream.drain_pending) stream.ending = endings.drainEnding(stream);
    const fed = try feed(stream, room.avail_frames);
    if (fed.frames == 0) {
        stream.failure.set(.alsa, "The prepared device takes no frames", .{});
        return error.Failed;
    }
    const result = stream.asound.snd_pcm_start(stream.pcm.?);
    if (result < 0) return pacing.classify(stream, "snd_pcm_start", result);
    stream.phantom_frames = phantom_room.afterStart(stream);
    const started_ns = stream.now();
    // The pointer stood until now, however long the fill took.
    room.at_ns = started_ns;
    stream.hardware_frames = 0;
    resumed(stream, 0, started_ns);
    xruns.end(stream, started_ns);

    stream.counters.delay_frames = fed.frames;
    stream.start_asked = false;
    stream.start_fade_ms = 0;
    stream.state = if (stream.ending != null) .draining else .running;
    events.complete(stream, .start, .ok);
    return wakeNext(stream, &room, fed, started_ns);
}

/// The device runs, from where it stood: so many frames behind its pointer.
pub fn resumed(stream: *Stream, untold_frames: u64, now_ns: u64) void {
    stream.pacer.started(now_ns);
    stream.started_ns = now_ns;
    stream.started_heard = stream.frames_heard;
    const moved_ns = now_ns -| stream.nsOfFrames(untold_frames);
    stream.device_clock = .start(stream.granted.rate, stream.hardware_frames, moved_ns);
    stream.watchdog = .start(stream.hardware_frames, now_ns);
    stream.stalled_ns = null;
    positions.stamp(stream, now_ns);
    stream.look.at_ns = now_ns;
    stream.look.held_frames = switch (stream.pacer) {
        .device => stream.appl_frames -| (stream.hardware_frames + untold_frames),
        .self => |*self| self.heldFrames(),
    };
}

pub fn running(stream: *Stream, now_ns: u64) Outcome {
    return run(stream, now_ns) catch |err| recovery.fault(stream, err);
}

fn run(stream: *Stream, now_ns: u64) pacing.Error!Outcome {
    var room = try pacing.observe(stream, now_ns, true);
    positions.hear(stream, room.delay_frames, now_ns);
    if (pacing.ranAway(stream, now_ns)) {
        const written = positions.writtenToHear(stream) - stream.started_heard;
        stream.pacer.demote(stream.started_ns, written);
        stream.counters.clock_demotions += 1;
        room = try pacing.observe(stream, now_ns, true);
    }
    try watch(stream, &room, now_ns);
    stream.turn.held_frames = stream.granted.buffer_frames - room.avail_frames;
    zero_copy.hold(stream, stream.turn.held_frames);
    measure(stream, &room);
    if (positions.tailWasHeard(stream)) {
        noteRepeated(stream, &room, now_ns);
        positions.loseRing(stream);
        return .{ .janitor = .settle };
    }
    if (isOvertaken(stream, &room)) {
        if (try overtaken(stream, &room, now_ns)) |outcome| return outcome;
    }
    const fed = try feed(stream, room.avail_frames);
    // A fill that came too late itself would have left the gap open.
    if (fed.frames > 0) xruns.endAfter(stream, 0);
    stream.counters.delay_frames += fed.frames;
    const filled_ns = stream.now();
    stream.measured.record(.fill_ns, filled_ns -| now_ns);
    return wakeNext(stream, &room, fed, filled_ns);
}

/// Whether the device keeps time, and lives.
fn watch(stream: *Stream, room: *const pacing.Room, now_ns: u64) pacing.Error!void {
    if (stream.pacer != .device) return;
    const frames = pacing.hardwareFrames(stream, room);
    stream.hardware_frames = frames;
    const patience_ns = stream.watchdog.patienceNs(stream.periodNs(), stream.isServed());
    if (stream.watchdog.look(frames, now_ns, patience_ns) == .dead) {
        const still_ms = (now_ns - stream.watchdog.moved_ns) / std.time.ns_per_ms;
        stream.failure.set(.device_lost, "The device has not moved for {d} ms", .{still_ms});
        return error.Disconnected;
    }
    // Somebody else may have had the CPU between the two: the pair says nothing.
    if (room.uncertainty_ns > uncertainty_ns_max) return;
    const granted = &stream.granted;
    const due_ns = stream.device_clock.instantOf(frames);
    switch (stream.device_clock.observe(frames, room.at_ns, .{
        .frames = granted.toleranceFrames(),
        .coarse = granted.batch,
    })) {
        .steady => {
            stream.counters.rate_deviation_ppm = @floatCast(stream.device_clock.deviationPpm());
            if (stream.watchdog.looks == 0) stream.stalled_ns = null;
        },
        .ahead => stream.counters.pointer_jumps += 1,
        .behind => {
            if (stream.stalled_ns != null) return;
            stream.counters.pointer_stalls += 1;
            stream.stalled_ns = due_ns;
        },
    }
}

const uncertainty_ns_max = 500 * std.time.ns_per_us;

fn measure(stream: *Stream, room: *const pacing.Room) void {
    const measured = &stream.measured;
    const turn = &stream.turn;
    if (turn.due_ns > 0 and turn.due_ns <= turn.now_ns) {
        measured.record(.wake_lateness_ns, turn.now_ns - turn.due_ns);
    }
    if (stream.source.isFed()) measured.record(.queue_frames, stream.source.level());
    measured.record(.avail_frames, room.avail_frames);
    measured.record(.delay_frames, room.delay_frames);
}

/// Behind the end there is nothing to miss, but a device that repeats its ring played old sound.
fn noteRepeated(stream: *Stream, room: *const pacing.Room, now_ns: u64) void {
    const repeats = stream.granted.xrun_policy.policy == .repeat;
    if (!repeats or room.overtaken_frames == 0) return;
    if (stream.gap == null) xruns.begin(stream, .{}, now_ns);
    xruns.endAfter(stream, room.overtaken_frames);
}

/// The ring of a device that runs on is empty, and not because it is all over.
fn isOvertaken(stream: *const Stream, room: *const pacing.Room) bool {
    if (!stream.granted.runsOn() or stream.pacer != .device) return false;
    if (stream.ending) |ending| if (ending.tail_frames != null) return room.overtaken_frames > 0;
    return room.avail_frames == stream.granted.buffer_frames;
}

/// The device played past what was written. As soon as there is something to play, it goes on from
/// a little ahead of where the device is; until then nothing is written.
fn overtaken(stream: *Stream, room: *pacing.Room, now_ns: u64) pacing.Error!?Outcome {
    // All that was to be heard was.
    if (stream.ending) |*ending| if (ending.feed_left == 0 or stream.source.available() == 0) {
        ending.tail_frames = positions.writtenToHear(stream);
        xruns.endAfter(stream, room.overtaken_frames);
        positions.loseRing(stream);
        return .{ .janitor = .settle };
    };
    if (stream.gap == null) xruns.begin(stream, .{}, now_ns);
    if (isStarving(stream)) {
        const buffer_frames = stream.granted.buffer_frames;
        return .{ .wake_at = now_ns + stream.nsOfFrames(buffer_frames) };
    }
    const skipped_frames = try pacing.skip(stream, room.overtaken_frames + leadFrames(stream));
    const ahead_frames = skipped_frames -| room.overtaken_frames;
    room.avail_frames -= @intCast(@min(ahead_frames, room.avail_frames));
    room.overtaken_frames = 0;
    stream.gap.?.skipped_frames += skipped_frames;
    return null;
}

/// There is less than a period to go on with; a write of it wakes the stream.
fn isStarving(stream: *Stream) bool {
    if (stream.ending != null or !stream.source.isFed()) return false;
    const level = @min(stream.granted.period_frames, stream.source.capacity());
    if (stream.source.available() >= level) return false;
    makeHungry(stream, level);
    // A write may have come in between and seen nobody hungry.
    return stream.source.available() < level;
}

/// What the device may play while the first frames behind a gap are on their way into its ring.
fn leadFrames(stream: *const Stream) u32 {
    const granted = &stream.granted;
    return if (granted.batch) granted.period_frames else granted.period_frames / 4;
}

pub const Fed = struct {
    frames: u32,
    /// The device took less than it had room for.
    device_short: bool,
};

/// Fills all the room there is: from the source, and behind its end with silence.
fn feed(stream: *Stream, avail_frames: u32) pacing.Error!Fed {
    const limit = if (stream.ending) |ending| ending.feed_left else avail_frames;
    const offered: u32 = @intCast(@min(avail_frames, limit, stream.source.available()));
    var moved = try transfer.move(stream, offered, .source);
    if (stream.ending) |*ending| ending.feed_left -= moved;
    if (stream.ending == null and stream.source.isExhausted()) {
        stream.ending = .{ .reason = .finish, .feed_left = 0 };
        if (stream.state == .running) stream.state = .draining;
    }
    if (moved < offered) return .{ .frames = moved, .device_short = true };

    const ending = &(stream.ending orelse return .{ .frames = moved, .device_short = false });
    // A fade ends early where the source does.
    if (ending.feed_left > 0 and stream.source.available() > 0) {
        return .{ .frames = moved, .device_short = false };
    }
    if (ending.tail_frames == null) ending.tail_frames = positions.writtenToHear(stream);
    // What is written from now on is for after the end: silence is in the ring already.
    ending.feed_left = 0;
    if (!zero_copy.lockBehindTail(stream)) return .{ .frames = moved, .device_short = false };
    defer zero_copy.unlockBehindTail(stream);
    moved += try transfer.move(stream, avail_frames - moved, .silence);
    return .{ .frames = moved, .device_short = moved < avail_frames };
}

/// After a fill: what is known of the ring, and when to look again.
fn wakeNext(stream: *Stream, room: *const pacing.Room, fed: Fed, now_ns: u64) Outcome {
    const granted = &stream.granted;
    const avail_frames = room.avail_frames - fed.frames;
    const overtaken_frames: u32 = @intCast(room.overtaken_frames);
    const wanted_frames = roomWanted(stream);
    const ring: wake_times.Ring = .{
        .buffer_frames = granted.buffer_frames,
        .period_frames = granted.period_frames,
        .held_frames = (granted.buffer_frames - avail_frames) -| overtaken_frames,
        .batch = granted.batch,
        .self_clocked = stream.pacer == .self,
        .wanted_frames = wanted_frames,
        .looked_at_early = stream.source == .ring,
        .tail_frames = unheardTail(stream),
    };
    // A ring that is still well filled is looked at when it always is, whatever is written.
    const dry = stream.source.isFed() and stream.ending == null and !fed.device_short and
        avail_frames >= ring.transferFrames() and stream.source.free() >= wanted_frames;
    stream.look = .{
        .at_ns = room.at_ns,
        .held_frames = ring.held_frames -| untoldFrames(stream, room.at_ns),
        .starved = dry,
        .queue_frames = stream.source.level(),
    };
    if (dry) {
        const level = hungryLevel(stream, ring.held_frames);
        makeHungry(stream, level);
        // A write may have come in between and seen nobody hungry.
        if (stream.source.available() >= level) return .{ .wake_at = now_ns };
    } else {
        stream.hungry_at.store(nobody, .seq_cst);
    }
    const frames = ring.framesUntilWake(dry);
    const at_ns = wakeTime(stream, room, frames, ring.held_frames -| frames, now_ns);
    // A pointer that moves by whole periods tells no room before it is there.
    const earlier_is_less = !dry and stream.ending == null and !granted.batch;
    return if (earlier_is_less) .{ .fill_at = at_ns } else .{ .wake_at = at_ns };
}

/// What a device that tells its pointer by whole periods has probably played since it moved.
pub fn untoldFrames(stream: *const Stream, at_ns: u64) u64 {
    const granted = &stream.granted;
    if (stream.pacer != .device or !granted.batch) return 0;
    const moved_ns = stream.device_clock.instantOf(stream.hardware_frames);
    return @min(granted.period_frames, clock.framesIn(at_ns -| moved_ns, granted.rate));
}

/// Who renders in place goes on until the ring is full: it is waited for, unless that could be too
/// late for what is there already.
fn hungryLevel(stream: *const Stream, held_frames: u64) u32 {
    const unit_frames = switch (stream.source) {
        .ring => |*ring| ring.unit_frames,
        else => return 1,
    };
    if (held_frames <= stream.granted.period_frames) return 1;
    const free_frames = stream.source.free();
    return @max(1, free_frames - free_frames % unit_frames);
}

/// The room that JavaScript waits for as the device plays; what is rendered in the device's own
/// ring has no other.
fn roomWanted(stream: *const Stream) u32 {
    if (stream.source != .ring) return 0;
    const wanted = stream.wanted_room.load(.seq_cst);
    return @max(stream.granted.period_frames, if (wanted == nobody) 0 else wanted);
}

fn unheardTail(stream: *const Stream) ?u64 {
    const ending = stream.ending orelse return null;
    return (ending.tail_frames orelse return null) -| stream.frames_heard;
}

/// When the device will have played so many frames more than at the last look, and holds the rest.
fn wakeTime(
    stream: *Stream,
    room: *const pacing.Room,
    frames: u32,
    rest_frames: u32,
    now_ns: u64,
) u64 {
    if (stream.pacer != .device) return room.at_ns + stream.nsOfFrames(frames);
    // A device that has fallen behind by less than what counts is not asked over and over; one that
    // went on during a long fill is asked at once.
    const soonest_ns = room.at_ns + stream.nsOfFrames(@max(1, stream.granted.period_frames / 8));
    const predicted_ns = stream.device_clock.instantOf(stream.hardware_frames + frames);
    // A pointer that is early may be jitter, or be right: then the rest must not run out meanwhile.
    const latest_ns = room.at_ns + stream.nsOfFrames(frames + rest_frames / 4);
    const at_ns = @max(@min(predicted_ns, latest_ns), soonest_ns);
    // A pointer that stands still is looked at until the watchdog has seen enough.
    if (stream.watchdog.looks == 0) return at_ns;
    return @min(at_ns, now_ns + Watchdog.limitNs(stream.periodNs()) / 4);
}
