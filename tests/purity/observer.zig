//! Runs a program, waits until it says `ready`, and watches its write threads from `go` to `done`:
//! every system call, page fault and context switch of theirs, and what `counters.zig` counts in
//! the program. Prints a report in JSON.
//!
//!     LD_PRELOAD=libcounters.so observer COMMAND [ARGUMENT...]

const std = @import("std");
const linux = std.os.linux;
const proc = @import("proc.zig");
const report = @import("report.zig");
const shared = @import("shared.zig");
const CallSites = @import("call_sites.zig").CallSites;
const Child = @import("child.zig").Child;
const tracee_module = @import("tracee.zig");
const Tracee = tracee_module.Tracee;

const watched_name = "halflap-write";

pub const Observation = struct {
    child: *Child,
    board: *shared.Board,
    sites: CallSites,
    tracees: []Tracee,

    /// The threads are stopped while they are put on the board, so that all counts begin together.
    fn begin(self: *Observation) !void {
        for (self.tracees) |*tracee| try tracee.seize(&self.sites);
        for (self.tracees, 0..) |*tracee, index| {
            self.board.threads[index].pointer = try tracee.pointer();
            tracee.faults = .open(tracee.tid);
            tracee.before = try proc.countersOf(self.child.pid, tracee.tid);
        }
        self.board.watched.store(@intCast(self.tracees.len), .release);
        for (self.tracees) |*tracee| try tracee.go(0);
    }

    fn end(self: *Observation) !void {
        for (self.tracees) |*tracee| try tracee.stop(&self.sites);
        self.board.watched.store(0, .release);
        for (self.tracees) |*tracee| {
            tracee.after = try proc.countersOf(self.child.pid, tracee.tid);
            try tracee.detach();
        }
    }

    fn watch(self: *Observation) !void {
        const changes = try signalsOfChildren();
        while (true) {
            while (try self.handleOne()) {}
            var ready = [_]linux.pollfd{
                .{ .fd = changes, .events = linux.POLL.IN, .revents = 0 },
                .{ .fd = self.child.output, .events = linux.POLL.IN, .revents = 0 },
            };
            _ = linux.poll(&ready, ready.len, -1);
            var changed: linux.signalfd_siginfo = undefined;
            if (ready[0].revents != 0) {
                _ = linux.read(changes, @ptrCast(&changed), @sizeOf(linux.signalfd_siginfo));
            }
            if (ready[1].revents != 0 and try self.child.read("done")) return;
        }
    }

    /// Handles one change of a thread; false when nothing has changed.
    fn handleOne(self: *Observation) !bool {
        var status: u32 = 0;
        const changed = linux.waitpid(-1, &status, linux.W.NOHANG | tracee_module.wait_all);
        if (linux.errno(changed) != .SUCCESS) return error.ProgramEnded;
        if (changed == 0) return false;
        for (self.tracees) |*tracee| {
            if (tracee.tid == changed) try tracee.handle(status, &self.sites);
        }
        return true;
    }
};

/// A descriptor that can be read when a thread has changed.
fn signalsOfChildren() !i32 {
    var set = linux.sigemptyset();
    linux.sigaddset(&set, .CHLD);
    _ = linux.sigprocmask(linux.SIG.BLOCK, &set, null);
    const result = linux.signalfd(-1, &set, linux.SFD.NONBLOCK | linux.SFD.CLOEXEC);
    if (linux.errno(result) != .SUCCESS) return error.SignalUnavailable;
    return @intCast(result);
}

fn makeBoard() !*shared.Board {
    const size = @sizeOf(shared.Board);
    const created = linux.memfd_create("halflap-purity", 0);
    if (linux.errno(created) != .SUCCESS) return error.MemoryUnavailable;
    const descriptor: i32 = @intCast(created);
    _ = linux.ftruncate(descriptor, size);
    const access: linux.PROT = .{ .READ = true, .WRITE = true };
    const mapped = linux.mmap(null, size, access, .{ .TYPE = .SHARED }, descriptor, 0);
    if (linux.errno(mapped) != .SUCCESS) return error.MemoryUnavailable;
    _ = linux.dup2(descriptor, shared.descriptor);
    const board: *shared.Board = @ptrFromInt(mapped);
    board.magic = shared.magic;
    return board;
}

fn observe(init: std.process.Init, command: [:null]const ?[*:0]const u8) !void {
    const arena = init.arena.allocator();
    const board = try makeBoard();
    var child: Child = try .start(command, init.minimal.environ.block.slice.ptr);
    while (!try child.read("ready")) {}

    const tids = try proc.threadsNamed(arena, child.pid, watched_name);
    if (tids.len == 0) return error.NoWriteThread;
    if (tids.len > shared.threads_max) return error.TooManyThreads;
    const tracees = try arena.alloc(Tracee, tids.len);
    for (tracees, tids) |*tracee, tid| tracee.* = .{ .pid = child.pid, .tid = tid };
    var observation: Observation = .{
        .child = &child,
        .board = board,
        .sites = try .load(arena, child.pid),
        .tracees = tracees,
    };
    try observation.begin();
    child.say("go\n");
    try observation.watch();
    try observation.end();
    try report.print(&observation);
    try child.finish();
}

fn adviceOn(err: anyerror) []const u8 {
    return switch (err) {
        error.MayNotTrace => "ptrace(2) is denied, which this takes: a container must permit it " ++
            "(docker run --cap-add=SYS_PTRACE), and where /proc/sys/kernel/yama/ptrace_scope " ++
            "is there, it must be 0 or 1",
        error.KernelTooOld => "PTRACE_GET_SYSCALL_INFO takes Linux 5.3",
        error.NoWriteThread => "it says that it is ready, but no thread of it is named " ++
            watched_name,
        error.ThreadEnded => "one of its write threads has ended, which must wait for `done`",
        else => "see above",
    };
}

pub fn main(init: std.process.Init) !u8 {
    const arena = init.arena.allocator();
    const arguments = try init.minimal.args.toSlice(arena);
    if (arguments.len < 2) {
        std.debug.print("Usage: LD_PRELOAD=libcounters.so observer COMMAND [ARGUMENT...]\n", .{});
        return 2;
    }
    const command = try arena.allocSentinel(?[*:0]const u8, arguments.len - 1, null);
    for (command, arguments[1..]) |*to, from| to.* = from.ptr;
    observe(init, command) catch |err| {
        std.debug.print("Cannot observe the program: {t}: {s}\n", .{ err, adviceOn(err) });
        return 1;
    };
    return 0;
}
