//! What /proc tells of a process and its threads.

const std = @import("std");
const linux = std.os.linux;

/// Of one thread, since it began.
pub const Counters = struct {
    minor_faults: u64,
    major_faults: u64,
    voluntary_switches: u64,
    involuntary_switches: u64,
};

/// Reads as much of a file as fits.
pub fn read(
    buffer: []u8,
    comptime path: []const u8,
    arguments: anytype,
) error{NotFound}![]const u8 {
    const descriptor = try open(path, arguments, .{ .CLOEXEC = true });
    defer _ = linux.close(descriptor);
    var length: usize = 0;
    while (length < buffer.len) {
        const rest = buffer[length..];
        const got = linux.read(descriptor, rest.ptr, rest.len);
        if (linux.errno(got) != .SUCCESS) return error.NotFound;
        if (got == 0) break;
        length += got;
    }
    return buffer[0..length];
}

fn open(comptime path: []const u8, arguments: anytype, flags: linux.O) error{NotFound}!i32 {
    // Long enough for each path below, whatever its numbers.
    var name: [64]u8 = undefined;
    const named = std.fmt.bufPrintSentinel(&name, path, arguments, 0) catch unreachable;
    const result = linux.open(named, flags, 0);
    if (linux.errno(result) != .SUCCESS) return error.NotFound;
    return @intCast(result);
}

/// What a descriptor of the process refers to.
pub fn targetOf(buffer: []u8, pid: i32, descriptor: u64) []const u8 {
    var name: [64]u8 = undefined;
    const path = std.fmt.bufPrintSentinel(&name, "/proc/{d}/fd/{d}", .{ pid, descriptor }, 0) catch
        unreachable;
    const length = linux.readlink(path, buffer.ptr, buffer.len);
    return if (linux.errno(length) == .SUCCESS) buffer[0..length] else "";
}

pub fn isNonblocking(pid: i32, descriptor: u64) bool {
    var buffer: [512]u8 = undefined;
    const text = read(&buffer, "/proc/{d}/fdinfo/{d}", .{ pid, descriptor }) catch return false;
    const value = field(text, "flags:") orelse return false;
    const flags = std.fmt.parseInt(u32, value, 8) catch return false;
    const nonblock: linux.O = .{ .NONBLOCK = true };
    return flags & @as(u32, @bitCast(nonblock)) != 0;
}

pub fn countersOf(pid: i32, tid: i32) error{NotFound}!Counters {
    var buffer: [4096]u8 = undefined;
    const stat = try read(&buffer, "/proc/{d}/task/{d}/stat", .{ pid, tid });
    // Behind the name, which is the second field; see proc_pid_stat(5).
    const name_end = std.mem.lastIndexOfScalar(u8, stat, ')') orelse return error.NotFound;
    var fields = std.mem.tokenizeScalar(u8, stat[name_end + 1 ..], ' ');
    for (3..10) |_| _ = fields.next();
    const minor_faults = try number(fields.next());
    _ = fields.next();
    const major_faults = try number(fields.next());
    const status = try read(&buffer, "/proc/{d}/task/{d}/status", .{ pid, tid });
    return .{
        .minor_faults = minor_faults,
        .major_faults = major_faults,
        .voluntary_switches = try number(field(status, "voluntary_ctxt_switches:")),
        .involuntary_switches = try number(field(status, "nonvoluntary_ctxt_switches:")),
    };
}

fn number(text: ?[]const u8) error{NotFound}!u64 {
    return std.fmt.parseInt(u64, text orelse return error.NotFound, 10) catch error.NotFound;
}

/// The value on the line that begins with `name`.
fn field(text: []const u8, name: []const u8) ?[]const u8 {
    var lines = std.mem.tokenizeScalar(u8, text, '\n');
    while (lines.next()) |line| {
        if (std.mem.startsWith(u8, line, name)) return std.mem.trim(u8, line[name.len..], " \t");
    }
    return null;
}

/// The threads of the process with this name.
pub fn threadsNamed(allocator: std.mem.Allocator, pid: i32, wanted: []const u8) ![]const i32 {
    var found: std.ArrayList(i32) = .empty;
    const folder = try open("/proc/{d}/task", .{pid}, .{ .CLOEXEC = true, .DIRECTORY = true });
    defer _ = linux.close(folder);
    var entries: [4096]u8 align(8) = undefined;
    while (true) {
        const length = linux.getdents64(folder, &entries, entries.len);
        if (linux.errno(length) != .SUCCESS) return error.NotFound;
        if (length == 0) return found.items;
        var at: usize = 0;
        while (at < length) {
            const entry: *align(1) const linux.dirent64 = @ptrCast(&entries[at]);
            at += entry.reclen;
            const name = std.mem.span(@as([*:0]const u8, @ptrCast(&entry.name)));
            const tid = std.fmt.parseInt(i32, name, 10) catch continue;
            var buffer: [32]u8 = undefined;
            // It may have ended.
            const comm = read(&buffer, "/proc/{d}/task/{d}/comm", .{ pid, tid }) catch continue;
            if (!std.mem.eql(u8, std.mem.trimEnd(u8, comm, "\n"), wanted)) continue;
            try found.append(allocator, tid);
        }
    }
}
