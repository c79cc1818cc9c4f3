//! Why a ring ran dry. Pure: all it goes by is in `Evidence`.

const std = @import("std");
const abi = @import("abi.zig");
const clock = @import("clock.zig");

pub const Evidence = struct {
    rate: u32,
    /// How far a pointer of this device can be off without being wrong.
    tolerance_frames: u32,
    /// When the xrun was found.
    now_ns: u64,
    /// The last look at the ring: when, and what it held behind the fill.
    look_ns: u64,
    held_frames: u64,
    /// What the device itself says was left in the ring when it stopped.
    left_frames: u64 = 0,
    /// At that look the queue had nothing more to give, although there was room.
    starved: bool = false,
    /// When something was written after that; null: nothing.
    fed_ns: ?u64 = null,
    /// When the wake-up was to be that would have filled the ring.
    due_ns: u64,
    /// Until when the thread was busy with its previous round of streams.
    busy_until_ns: u64 = 0,
    /// Of that round's time, how much the thread was not on a CPU.
    busy_off_cpu_ns: u64 = 0,
    /// When the thread began this round.
    round_ns: u64,
    /// Of the time since `round_ns`, how much the thread was not on a CPU.
    off_cpu_ns: u64 = 0,

    /// When a device that keeps time had played all that the ring held.
    pub fn emptyNs(self: *const Evidence) u64 {
        return self.look_ns + clock.nsOf(self.held_frames, self.rate);
    }

    /// When there was a reason to wake: the deadline, or for a starved stream a write.
    fn calledNs(self: *const Evidence) u64 {
        if (!self.starved) return self.due_ns;
        return self.fed_ns orelse self.due_ns;
    }

    /// Time for which the thread was due and slept, without having been busy.
    pub fn latenessNs(self: *const Evidence) u64 {
        return self.round_ns -| @max(self.calledNs(), self.busy_until_ns);
    }

    /// Time that the engine's own work took of what there was: the rest of the previous round, the
    /// streams before this one, and this one's fill.
    pub fn processingNs(self: *const Evidence) u64 {
        const before_ns = self.blockedNs() -| self.busy_off_cpu_ns;
        return before_ns + (self.now_ns -| self.round_ns) -| self.off_cpu_ns;
    }

    /// Time that this stream was due in the previous round.
    fn blockedNs(self: *const Evidence) u64 {
        return @min(self.busy_until_ns, self.round_ns) -| self.calledNs();
    }

    /// Time for which the thread had work for this stream and no CPU.
    pub fn offCpuNs(self: *const Evidence) u64 {
        return self.off_cpu_ns + @min(self.busy_off_cpu_ns, self.blockedNs());
    }
};

pub fn causeOf(evidence: *const Evidence) abi.XrunCause {
    const tolerance_ns = clock.nsOf(evidence.tolerance_frames, evidence.rate);
    if (evidence.left_frames > evidence.tolerance_frames) return .device;
    if (evidence.now_ns + tolerance_ns < evidence.emptyNs()) return .device;
    if (evidence.starved) {
        const fed_ns = evidence.fed_ns orelse return .producer;
        if (fed_ns >= evidence.emptyNs()) return .producer;
    }
    const scheduling_ns = evidence.latenessNs() + evidence.offCpuNs();
    const lost_ns = scheduling_ns + evidence.processingNs();
    // Where the pointer is too coarse to tell: the engine lost hardly any of the time that it had,
    // or hardly any of what the ring lasts where it was called when that was over.
    const lasts_ns = evidence.emptyNs() - evidence.look_ns;
    const spare_ns = @max(evidence.emptyNs() -| evidence.calledNs(), lasts_ns / 8);
    if (lost_ns == 0 or 4 * lost_ns < spare_ns) {
        // Fed at the very last moment: by then the ring may have been empty.
        const last_ns = evidence.emptyNs() -| tolerance_ns;
        return if (evidence.starved and evidence.calledNs() >= last_ns) .producer else .device;
    }
    return if (evidence.processingNs() > scheduling_ns) .processing else .scheduling;
}

const ms = std.time.ns_per_ms;

/// A ring of 20 ms that was full at 0 and is due at half; each test changes what went wrong.
fn healthy() Evidence {
    return .{
        .rate = 48_000,
        .tolerance_frames = 96,
        .now_ns = 20 * ms,
        .look_ns = 0,
        .held_frames = 960,
        .due_ns = 10 * ms,
        .round_ns = 10 * ms,
    };
}

fn expectCause(cause: abi.XrunCause, evidence: Evidence) !void {
    try std.testing.expectEqual(cause, causeOf(&evidence));
}

test "a device that ran dry before the wake-up was due went ahead" {
    var evidence = healthy();
    evidence.due_ns = 21 * ms;
    evidence.round_ns = 21 * ms;
    evidence.now_ns = 21 * ms + ms / 50;
    try expectCause(.device, evidence);
    evidence.now_ns = 22 * ms;
    try expectCause(.processing, evidence);
}

test "a thread that woke too late was badly scheduled" {
    var evidence = healthy();
    evidence.round_ns = 21 * ms;
    evidence.now_ns = 21 * ms;
    try expectCause(.scheduling, evidence);
}

test "a fill that took too long is the engine's own processing, unless it did not get the CPU" {
    var evidence = healthy();
    evidence.now_ns = 21 * ms;
    try expectCause(.processing, evidence);
    evidence.off_cpu_ns = 9 * ms;
    try expectCause(.scheduling, evidence);
}

test "a round that began late because the one before was long is processing" {
    var evidence = healthy();
    evidence.busy_until_ns = 22 * ms;
    evidence.round_ns = 22 * ms;
    evidence.now_ns = 22 * ms;
    try expectCause(.processing, evidence);
    // Long because the thread did not get the CPU.
    evidence.busy_off_cpu_ns = 20 * ms;
    try expectCause(.scheduling, evidence);
}

test "a queue that had nothing to give makes it the producer's" {
    var evidence = healthy();
    evidence.starved = true;
    evidence.due_ns = 20 * ms;
    evidence.round_ns = 20 * ms;
    try expectCause(.producer, evidence);
    // Written after the ring was empty.
    evidence.fed_ns = 23 * ms;
    evidence.round_ns = 30 * ms;
    evidence.now_ns = 30 * ms;
    try expectCause(.producer, evidence);
    // Written in time, and nobody woke.
    evidence.fed_ns = 12 * ms;
    try expectCause(.scheduling, evidence);
}

test "an end within the tolerance is the device's, too, where the engine came in time" {
    var evidence = healthy();
    evidence.tolerance_frames = 960;
    evidence.round_ns = 10 * ms;
    evidence.now_ns = 12 * ms;
    try expectCause(.device, evidence);
    evidence.now_ns = 18 * ms;
    try expectCause(.processing, evidence);
    evidence.round_ns = 18 * ms;
    try expectCause(.scheduling, evidence);
}

test "a queue that is fed as the ring runs dry comes too late where the engine lost no time" {
    var evidence = healthy();
    evidence.starved = true;
    evidence.fed_ns = 19 * ms;
    evidence.now_ns = 19 * ms;
    evidence.round_ns = 19 * ms;
    try expectCause(.producer, evidence);
    evidence.fed_ns = 17 * ms;
    evidence.now_ns = 18 * ms;
    evidence.round_ns = 17 * ms;
    try expectCause(.processing, evidence);
}

test "an end at the very deadline is the device's, where the engine lost no time at all" {
    var evidence = healthy();
    evidence.due_ns = 20 * ms;
    evidence.round_ns = 20 * ms;
    try expectCause(.device, evidence);
    evidence.now_ns = 21 * ms;
    try expectCause(.processing, evidence);
}

test "frames left in the ring, or an end before its time, are the device's" {
    var evidence = healthy();
    evidence.left_frames = 200;
    try expectCause(.device, evidence);

    evidence = healthy();
    evidence.now_ns = 12 * ms;
    try expectCause(.device, evidence);
    // Also where the queue was empty.
    evidence.starved = true;
    try expectCause(.device, evidence);
}
