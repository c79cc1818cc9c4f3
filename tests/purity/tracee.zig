//! One observed thread: follows it from system call to system call, and remembers which it made.

const std = @import("std");
const linux = std.os.linux;
const PTRACE = linux.PTRACE;
const call_sites = @import("call_sites.zig");
const proc = @import("proc.zig");
const CallSites = call_sites.CallSites;
const FaultLog = @import("fault_log.zig").FaultLog;

/// System calls that are alike in what matters about them.
pub const Call = struct {
    number: linux.SYS,
    facts: Facts,
    count: u64 = 0,
    target_text: [64]u8 = undefined,
    target_length: usize = 0,
    nonblocking: bool = false,
    /// Of the first.
    callers: [call_sites.callers_max]u64 = undefined,
    callers_length: usize = 0,

    pub const Facts = union(enum) {
        none,
        /// Of a lock or a sleep.
        futex: struct { address: u64, operation: u64, timed: bool },
        descriptor: u64,
        /// A clock, or whose usage.
        subject: u64,

        fn of(number: linux.SYS, arguments: [6]u64) Facts {
            return switch (number) {
                .futex => .{ .futex = .{
                    .address = arguments[0],
                    .operation = arguments[1],
                    .timed = arguments[3] != 0,
                } },
                .read, .pread64, .write, .writev, .ioctl => .{ .descriptor = arguments[0] },
                .clock_gettime, .getrusage => .{ .subject = arguments[0] },
                else => .none,
            };
        }
    };

    pub fn target(self: *const Call) []const u8 {
        return self.target_text[0..self.target_length];
    }
};

/// As in `linux/ptrace.h`.
const SyscallInfo = extern struct {
    op: u8,
    pad: [3]u8,
    architecture: u32,
    instruction_pointer: u64,
    stack_pointer: u64,
    number: u64,
    arguments: [6]u64,

    const entry = 1;
};

const trace_sysgood = 1;
const event_stop = 128;
/// Also threads that are no children.
pub const wait_all = 0x4000_0000;

pub const Tracee = struct {
    pid: i32,
    tid: i32,
    before: proc.Counters = undefined,
    after: proc.Counters = undefined,
    faults: FaultLog = .{},
    calls: [64]Call = undefined,
    calls_length: usize = 0,

    fn request(self: *Tracee, code: u32, address: usize, data: usize) linux.E {
        return linux.errno(linux.ptrace(code, self.tid, address, data, 0));
    }

    /// Returns when the thread is stopped.
    pub fn seize(self: *Tracee, sites: *const CallSites) !void {
        switch (self.request(PTRACE.SEIZE, 0, trace_sysgood)) {
            .SUCCESS => {},
            .PERM, .NOSYS => return error.MayNotTrace,
            else => return error.ThreadEnded,
        }
        try self.stop(sites);
    }

    /// Returns when the thread is stopped: by the interrupt, or by the system call that it was
    /// about to make or had just made.
    pub fn stop(self: *Tracee, sites: *const CallSites) !void {
        if (self.request(PTRACE.INTERRUPT, 0, 0) != .SUCCESS) return error.ThreadEnded;
        var status: u32 = 0;
        while (linux.errno(linux.waitpid(self.tid, &status, wait_all)) == .INTR) {}
        if (!linux.W.IFSTOPPED(status)) return error.ThreadEnded;
        if (isSyscallStop(status)) try self.record(sites);
    }

    pub fn detach(self: *Tracee) !void {
        if (self.request(PTRACE.DETACH, 0, 0) != .SUCCESS) return error.ThreadEnded;
    }

    /// Lets the stopped thread go on to its next system call.
    pub fn go(self: *Tracee, signal: u32) !void {
        if (self.request(PTRACE.SYSCALL, 0, signal) != .SUCCESS) return error.ThreadEnded;
    }

    /// What the thread's %fs:0 holds.
    pub fn pointer(self: *Tracee) !u64 {
        const fs_base = 21;
        var registers: [27]u64 = undefined;
        if (self.request(PTRACE.GETREGS, 0, @intFromPtr(&registers)) != .SUCCESS) {
            return error.ThreadEnded;
        }
        return registers[fs_base];
    }

    pub fn handle(self: *Tracee, status: u32, sites: *const CallSites) !void {
        if (!linux.W.IFSTOPPED(status)) return error.ThreadEnded;
        if (isSyscallStop(status)) {
            try self.record(sites);
            return self.go(0);
        }
        return self.go(if (status >> 16 == event_stop) 0 else stopSignal(status));
    }

    fn stopSignal(status: u32) u32 {
        return status >> 8 & 0xff;
    }

    fn isSyscallStop(status: u32) bool {
        return stopSignal(status) == @as(u32, @intFromEnum(linux.SIG.TRAP)) | 0x80;
    }

    fn record(self: *Tracee, sites: *const CallSites) !void {
        var info: SyscallInfo = undefined;
        // Its success is a size.
        const got = linux.ptrace(
            PTRACE.GET_SYSCALL_INFO,
            self.tid,
            @sizeOf(SyscallInfo),
            @intFromPtr(&info),
            0,
        );
        if (linux.errno(got) != .SUCCESS) return error.KernelTooOld;
        if (info.op != SyscallInfo.entry) return;
        const number: linux.SYS = @enumFromInt(info.number);
        const call = try self.callOf(number, .of(number, info.arguments));
        call.count += 1;
        if (call.count > 1) return;
        call.callers_length = sites.callersOf(
            info.instruction_pointer,
            info.stack_pointer,
            &call.callers,
        );
        if (call.facts != .descriptor) return;
        const descriptor = call.facts.descriptor;
        call.target_length = proc.targetOf(&call.target_text, self.pid, descriptor).len;
        call.nonblocking = proc.isNonblocking(self.pid, descriptor);
    }

    fn callOf(self: *Tracee, number: linux.SYS, facts: Call.Facts) !*Call {
        for (self.calls[0..self.calls_length]) |*call| {
            if (call.number == number and std.meta.eql(call.facts, facts)) return call;
        }
        if (self.calls_length == self.calls.len) return error.TooManyCalls;
        const call = &self.calls[self.calls_length];
        self.calls_length += 1;
        call.* = .{ .number = number, .facts = facts };
        return call;
    }
};
