//! What a virtual card's injected faults do to the machine that runs the engine, rather than to
//! the device: time that passes where it should not. On the simulated clock it is moved, in real
//! time it is waited for.

const std = @import("std");
const linux = std.os.linux;
const clock = @import("clock.zig");
const VirtualCard = @import("virtual_card.zig").VirtualCard;

/// A fill takes longer than it should.
pub fn duringFill(card: *VirtualCard) void {
    const faults = &card.card.faults;
    const slow_ns = faults.takeSlowFillNs();
    const preempted_ns = faults.takePreemptedFillNs();
    if (slow_ns + preempted_ns == 0) return;
    if (card.simulation) |simulation| {
        simulation.off_cpu_ns += preempted_ns;
        return card.card.setNow(card.card.now() + slow_ns + preempted_ns);
    }
    const until_ns = clock.monotonicNs() + slow_ns;
    while (clock.monotonicNs() < until_ns) std.atomic.spinLoopHint();
    if (preempted_ns > 0) sleep(preempted_ns);
}

fn sleep(ns: u64) void {
    const duration: linux.timespec = .{
        .sec = @intCast(ns / std.time.ns_per_s),
        .nsec = @intCast(ns % std.time.ns_per_s),
    };
    _ = linux.nanosleep(&duration, null);
}
