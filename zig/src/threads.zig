//! Native threads: small locked-down ones that take no signals, counted so that leaks show.

const std = @import("std");
const linux = std.os.linux;
const resident = @import("resident.zig");

pub const Error = error{ThreadUnavailable};

/// Native threads that run now, for leak checks.
pub var count: std.atomic.Value(u32) = .init(0);

/// Plug-ins of libasound keep their parameters on the stack.
const stack_bytes = 512 * 1024;

extern "c" fn pthread_sigmask(how: c_int, set: *const linux.sigset_t, old: *linux.sigset_t) c_int;
const sig_setmask = 2;

/// Starts a thread that inherits a full signal mask: signals belong to the runtime's threads.
pub fn spawn(comptime function: anytype, arguments: anytype) Error!std.Thread {
    if (!resident.stayLoaded()) return error.ThreadUnavailable;
    var everything: Mask = .{};
    var before: Mask = undefined;
    @memset(&everything.bytes, 0xff);
    _ = pthread_sigmask(sig_setmask, @ptrCast(&everything), @ptrCast(&before));
    defer _ = pthread_sigmask(sig_setmask, @ptrCast(&before), @ptrCast(&everything));
    _ = count.fetchAdd(1, .monotonic);
    return std.Thread.spawn(.{ .stack_size = stack_bytes }, function, arguments) catch {
        _ = count.fetchSub(1, .monotonic);
        return error.ThreadUnavailable;
    };
}

/// glibc's sigset_t, which is larger than the kernel's.
const Mask = extern struct { bytes: [128]u8 align(8) = @splat(0) };

/// The first thing on a thread: its name, and timers without the default slack of 50 us.
pub fn enter(name: [:0]const u8) void {
    _ = linux.prctl(@intFromEnum(linux.PR.SET_NAME), @intFromPtr(name.ptr), 0, 0, 0);
    _ = linux.prctl(@intFromEnum(linux.PR.SET_TIMERSLACK), 1, 0, 0, 0);
}

/// The last thing on a thread.
pub fn leave() void {
    _ = count.fetchSub(1, .release);
}
