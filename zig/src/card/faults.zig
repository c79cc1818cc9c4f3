//! Faults that a test arms on a card or on one of its substreams. Each takes effect once, at its
//! next occasion. They are armed from any thread and taken without a lock; one that is armed again
//! before it was taken replaces the first.

const std = @import("std");
const abi = @import("../abi.zig");
const record = @import("../record.zig");

/// Amount of a stall that only `heal` ends.
pub const for_ever = std.math.maxInt(u64);

/// Shortest and longest time of a fault, but for a stall for ever.
const ms_min = 0.001;
const stall_ms_max = 1e9;
/// What the machine may be made to waste of real time.
const delay_ms_max = 10_000;
const frames_max = std.math.maxInt(i32);
const count_max = 1_000_000;

/// A fault with its amount.
pub const Fault = union(abi.Fault) {
    stall: u64,
    pointer_jump: u64,
    xrun,
    @"suspend",
    resume_unsupported,
    resume_again: u32,
    resume_lies,
    disconnect,
    heal,
    refuse_open: u32,
    late_wake_up: u64,
    slow_fill: u64,
    preempted_fill: u64,
    spurious_wake_up: u32,

    /// Times become nanoseconds. A fault without an amount wants 0.
    pub fn parse(kind: abi.Fault, amount: f64) record.Error!Fault {
        switch (kind) {
            .stall => return .{ .stall = if (amount == std.math.inf(f64))
                for_ever
            else
                try nsOfMs(amount, stall_ms_max) },
            .pointer_jump => return .{
                .pointer_jump = try record.integer(u64, amount, 1, frames_max),
            },
            inline .resume_again, .refuse_open, .spurious_wake_up => |tag| return @unionInit(
                Fault,
                @tagName(tag),
                try record.integer(u32, amount, 1, count_max),
            ),
            inline .late_wake_up, .slow_fill, .preempted_fill => |tag| return @unionInit(
                Fault,
                @tagName(tag),
                try nsOfMs(amount, delay_ms_max),
            ),
            inline else => |tag| {
                if (amount != 0) return error.InvalidArgument;
                return tag;
            },
        }
    }

    /// Of the card as a whole, not of a substream.
    pub fn isOfCard(fault: Fault) bool {
        return switch (fault) {
            .refuse_open, .late_wake_up, .slow_fill, .preempted_fill, .spurious_wake_up => true,
            else => false,
        };
    }
};

fn nsOfMs(ms: f64, max: f64) record.Error!u64 {
    return @intFromFloat(@round(try record.real(ms, ms_min, max) * std.time.ns_per_ms));
}

/// How the resumes after a suspend go.
pub const Resumption = packed struct(u32) {
    answer: enum(u2) {
        works,
        /// -ENOSYS, once.
        unsupported,
        /// -EAGAIN, `count` times.
        again,
        /// 0, but the PCM stays suspended, once.
        lies,
    } = .works,
    count: u29 = 0,
    /// The PCM is to be suspended.
    is_armed: bool = false,
};

/// Of the hardware of one substream, taken by its callbacks.
pub const SubstreamFaults = struct {
    stall_ns: std.atomic.Value(u64) = .init(0),
    jump_frames: std.atomic.Value(u64) = .init(0),
    xrun: std.atomic.Value(bool) = .init(false),
    suspension: std.atomic.Value(u32) = .init(0),
    disconnect: std.atomic.Value(bool) = .init(false),
    heal: std.atomic.Value(bool) = .init(false),

    /// `fault` is not one of the card.
    pub fn arm(self: *SubstreamFaults, fault: Fault) void {
        switch (fault) {
            .stall => |ns| self.stall_ns.store(ns, .release),
            .pointer_jump => |frames| self.jump_frames.store(frames, .release),
            .xrun => self.xrun.store(true, .release),
            .@"suspend" => self.armSuspension(.{}),
            .resume_unsupported => self.armSuspension(.{ .answer = .unsupported }),
            .resume_again => |count| {
                self.armSuspension(.{ .answer = .again, .count = @intCast(count) });
            },
            .resume_lies => self.armSuspension(.{ .answer = .lies }),
            .disconnect => self.disconnect.store(true, .release),
            .heal => {
                // Also one that is armed.
                self.stall_ns.store(0, .release);
                self.heal.store(true, .release);
            },
            else => unreachable,
        }
    }

    fn armSuspension(self: *SubstreamFaults, resumption: Resumption) void {
        var armed = resumption;
        armed.is_armed = true;
        self.suspension.store(@bitCast(armed), .release);
    }

    /// Null when none is armed.
    pub fn takeSuspension(self: *SubstreamFaults) ?Resumption {
        const taken: Resumption = @bitCast(take(u32, &self.suspension));
        return if (taken.is_armed) taken else null;
    }

    pub fn takeStallNs(self: *SubstreamFaults) u64 {
        return take(u64, &self.stall_ns);
    }

    pub fn takeJumpFrames(self: *SubstreamFaults) u64 {
        return take(u64, &self.jump_frames);
    }

    pub fn takeXrun(self: *SubstreamFaults) bool {
        return takeFlag(&self.xrun);
    }

    pub fn takeDisconnect(self: *SubstreamFaults) bool {
        return takeFlag(&self.disconnect);
    }

    pub fn takeHeal(self: *SubstreamFaults) bool {
        return takeFlag(&self.heal);
    }
};

/// Of the card as a whole: refused opens, and what does not concern the hardware but the machine
/// that serves the card's streams. The latter are for whoever serves them to take and carry out.
pub const CardFaults = struct {
    refused_opens: std.atomic.Value(u32) = .init(0),
    late_wake_up_ns: std.atomic.Value(u64) = .init(0),
    slow_fill_ns: std.atomic.Value(u64) = .init(0),
    preempted_fill_ns: std.atomic.Value(u64) = .init(0),
    spurious_wake_ups: std.atomic.Value(u32) = .init(0),

    /// `fault` is one of the card.
    pub fn arm(self: *CardFaults, fault: Fault) void {
        switch (fault) {
            .refuse_open => |count| self.refused_opens.store(count, .release),
            .late_wake_up => |ns| self.late_wake_up_ns.store(ns, .release),
            .slow_fill => |ns| self.slow_fill_ns.store(ns, .release),
            .preempted_fill => |ns| self.preempted_fill_ns.store(ns, .release),
            .spurious_wake_up => |count| self.spurious_wake_ups.store(count, .release),
            else => unreachable,
        }
    }

    /// Whether this open of a PCM fails with EACCES.
    pub fn takeRefusedOpen(self: *CardFaults) bool {
        return takeOne(&self.refused_opens);
    }

    /// The next wake-up of the card's streams comes that much later than it is due.
    pub fn takeLateWakeUpNs(self: *CardFaults) u64 {
        return take(u64, &self.late_wake_up_ns);
    }

    /// The next fill takes that long, and uses the CPU all the time.
    pub fn takeSlowFillNs(self: *CardFaults) u64 {
        return take(u64, &self.slow_fill_ns);
    }

    /// The next fill takes that long, but its thread does not run meanwhile.
    pub fn takePreemptedFillNs(self: *CardFaults) u64 {
        return take(u64, &self.preempted_fill_ns);
    }

    /// Whether the streams are to be woken although nothing is due.
    pub fn takeSpuriousWakeUp(self: *CardFaults) bool {
        return takeOne(&self.spurious_wake_ups);
    }
};

// Nearly always nothing is armed: a load alone leaves the cache line to all threads.

fn take(comptime Int: type, armed: *std.atomic.Value(Int)) Int {
    return if (armed.load(.monotonic) == 0) 0 else armed.swap(0, .acquire);
}

fn takeFlag(armed: *std.atomic.Value(bool)) bool {
    return armed.load(.monotonic) and armed.swap(false, .acquire);
}

fn takeOne(armed: *std.atomic.Value(u32)) bool {
    const count = armed.load(.monotonic);
    if (count == 0) return false;
    // Another thread took one, or armed anew, in between: then this one is left for next time.
    return armed.cmpxchgStrong(count, count - 1, .acquire, .monotonic) == null;
}

const testing = std.testing;

test "amounts become what the fault means, and those outside of its range are refused" {
    try testing.expectEqual(1_500_000, (try Fault.parse(.stall, 1.5)).stall);
    try testing.expectEqual(for_ever, (try Fault.parse(.stall, std.math.inf(f64))).stall);
    try testing.expectEqual(7, (try Fault.parse(.pointer_jump, 7)).pointer_jump);
    try testing.expectEqual(.xrun, std.meta.activeTag(try Fault.parse(.xrun, 0)));
    const nothing = [_]f64{ -1, 1e300, std.math.nan(f64), -std.math.inf(f64) };
    for (std.enums.values(abi.Fault)) |kind| for (nothing) |amount| {
        try testing.expectError(error.InvalidArgument, Fault.parse(kind, amount));
    };
    const refused = [_]struct { abi.Fault, f64 }{
        .{ .stall, 0 },              .{ .pointer_jump, 0 },
        .{ .pointer_jump, 0.5 },     .{ .pointer_jump, std.math.inf(f64) },
        .{ .xrun, 1 },               .{ .disconnect, std.math.inf(f64) },
        .{ .resume_again, 0 },       .{ .refuse_open, 1.5 },
        .{ .late_wake_up, 10_001 },  .{ .slow_fill, std.math.inf(f64) },
        .{ .spurious_wake_up, 1e7 },
    };
    for (refused) |case| {
        try testing.expectError(error.InvalidArgument, Fault.parse(case[0], case[1]));
    }
}

test "a fault is taken once, the later one of two, and one that counts as often as it says" {
    var hardware: SubstreamFaults = .{};
    try testing.expectEqual(0, hardware.takeStallNs());
    hardware.arm(.{ .stall = 5 });
    hardware.arm(.{ .stall = 9 });
    try testing.expectEqual(9, hardware.takeStallNs());
    try testing.expectEqual(0, hardware.takeStallNs());
    hardware.arm(.{ .resume_again = 3 });
    try testing.expectEqual(
        Resumption{ .answer = .again, .count = 3, .is_armed = true },
        hardware.takeSuspension(),
    );
    try testing.expectEqual(null, hardware.takeSuspension());

    var card: CardFaults = .{};
    card.arm(.{ .refuse_open = 2 });
    card.arm(.{ .late_wake_up = 70 });
    try testing.expect(card.takeRefusedOpen());
    try testing.expect(card.takeRefusedOpen());
    try testing.expect(!card.takeRefusedOpen());
    try testing.expectEqual(70, card.takeLateWakeUpNs());
    try testing.expectEqual(0, card.takeLateWakeUpNs());
    try testing.expect(!card.takeSpuriousWakeUp());
}

test "healing also takes back a stall that nobody has noticed yet" {
    var hardware: SubstreamFaults = .{};
    hardware.arm(.{ .stall = for_ever });
    hardware.arm(.heal);
    try testing.expectEqual(0, hardware.takeStallNs());
    try testing.expect(hardware.takeHeal());
    hardware.arm(.heal);
    hardware.arm(.{ .stall = 3 });
    try testing.expectEqual(3, hardware.takeStallNs());
}
