//! Simulated time: the streams of one simulated card, stepped by whoever advances its clock. The
//! same rate group, the same state machine, no thread: what runs in seconds here is what runs in
//! hours there.

const std = @import("std");
const clock = @import("clock.zig");
const engine = @import("engine.zig");
const handles = @import("handles.zig");
const jobs = @import("jobs.zig");
const machine = @import("machine.zig");
const sync = @import("sync.zig");
const Card = @import("card/card.zig").Card;
const Driver = @import("rate_group.zig").Driver;
const RateGroup = @import("rate_group.zig").RateGroup;
const Stream = @import("stream.zig").Stream;
const Usage = @import("usage.zig").Usage;

const allocator = std.heap.c_allocator;

pub const Simulation = struct {
    group: RateGroup,
    card: *Card,
    mutex: sync.Mutex = .{},
    /// Streams on the card.
    members: std.ArrayList(*Stream) = .empty,
    /// How far the clock was told to go.
    target_ns: u64,
    /// Since when `frames_advanced` counts, at which rate: many small steps round like one large
    /// one.
    frames_base_ns: u64,
    frames_advanced: u64 = 0,
    frames_rate: u32 = 0,
    /// Time in which the simulated thread waited for a CPU, and was not on one, asleep or not.
    run_queue_ns: u64 = 0,
    off_cpu_ns: u64 = 0,

    pub const driver: Driver = .{
        .handOver = handOver,
        .cpuNs = cpuNs,
        .measure = measure,
    };

    pub fn init(card: *Card) error{OutOfMemory}!Simulation {
        return .{
            // No stream yet.
            .group = try .init(std.math.maxInt(u64), &driver),
            .card = card,
            .target_ns = card.now(),
            .frames_base_ns = card.now(),
        };
    }

    pub fn deinit(self: *Simulation) void {
        self.group.deinit();
        self.members.deinit(allocator);
    }

    /// A stream opens on the card.
    pub fn join(self: *Simulation, stream: *Stream) error{OutOfMemory}!void {
        self.mutex.lock();
        defer self.mutex.unlock();
        try self.members.append(allocator, stream);
        // In real time a stream of another period would be in another group.
        self.group.period_ns = @min(self.group.period_ns, stream.periodNs());
        stream.group.store(&self.group, .seq_cst);
    }

    /// A stream is closed by who drives the group.
    pub fn leave(self: *Simulation, stream: *Stream) void {
        if (stream.group.swap(null, .seq_cst) == null) return;
        const index = std.mem.indexOfScalar(*Stream, self.members.items, stream) orelse return;
        _ = self.members.swapRemove(index);
    }

    fn hasEvents(self: *const Simulation) bool {
        for (self.members.items) |stream| {
            if (stream.events.load(.acquire) != 0) return true;
        }
        return false;
    }

    /// Moves the target by a duration.
    pub fn advanceNs(self: *Simulation, ns: u64) void {
        self.target_ns += ns;
        self.frames_rate = 0;
    }

    /// Moves the target by exactly so many frames.
    pub fn advanceFrames(self: *Simulation, frames: u64, rate: u32) void {
        if (self.frames_rate != rate) {
            self.frames_rate = rate;
            self.frames_base_ns = self.target_ns;
            self.frames_advanced = 0;
        }
        self.frames_advanced += frames;
        self.target_ns = self.frames_base_ns + clock.nsOf(self.frames_advanced, rate);
    }

    /// Runs towards the target. False: stopped early, because JavaScript has events to see first.
    pub fn run(self: *Simulation) bool {
        self.mutex.lock();
        defer self.mutex.unlock();
        while (true) {
            const next_ns = self.group.step(self.card.now()) orelse std.math.maxInt(u64);
            // A slow fill has moved the clock, perhaps beyond the target.
            const now_ns = self.card.now();
            self.target_ns = @max(self.target_ns, now_ns);
            // A tap that cannot write says so when it is flushed for the caller.
            _ = self.card.flush();
            if (self.hasEvents()) return false;
            if (now_ns >= self.target_ns and next_ns > now_ns) return true;
            if (next_ns <= now_ns) continue;
            if (self.card.faults.takeSpuriousWakeUp()) {
                for (self.members.items) |stream| self.group.post(stream);
                continue;
            }
            self.sleepUntil(next_ns);
            if (next_ns >= self.target_ns) self.refresh();
        }
    }

    fn sleepUntil(self: *Simulation, next_ns: u64) void {
        if (next_ns > self.target_ns) return self.passUntil(self.target_ns);
        const late_ns = self.card.faults.takeLateWakeUpNs();
        self.run_queue_ns += late_ns;
        self.passUntil(next_ns + late_ns);
        self.target_ns = @max(self.target_ns, next_ns + late_ns);
    }

    fn passUntil(self: *Simulation, at_ns: u64) void {
        self.off_cpu_ns += at_ns -| self.card.now();
        self.card.setNow(at_ns);
    }

    fn cpuNs(group: *RateGroup) u64 {
        const self: *Simulation = @alignCast(@fieldParentPtr("group", group));
        return self.card.now() - self.off_cpu_ns;
    }

    fn measure(group: *RateGroup) Usage {
        const self: *Simulation = @alignCast(@fieldParentPtr("group", group));
        return .{ .run_queue_ns = self.run_queue_ns };
    }

    /// Lets commands take effect now.
    pub fn settle(self: *Simulation) void {
        self.mutex.lock();
        defer self.mutex.unlock();
        // A slow fill moves the clock.
        while (self.group.step(self.card.now())) |next_ns| if (next_ns > self.card.now()) break;
        _ = self.card.flush();
    }

    /// Positions as of the target, for who asks between two wake-ups.
    fn refresh(self: *Simulation) void {
        for (self.members.items) |stream| machine.refresh(stream, self.card.now());
    }

    fn handOver(_: *RateGroup, stream: *Stream) void {
        const handle = engine.pin(stream);
        defer handles.unpin(handle);
        switch (stream.job) {
            .settle, .recover, .wake => jobs.mend(stream),
            .close => jobs.close(stream),
            .open => unreachable,
        }
    }
};
