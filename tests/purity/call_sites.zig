//! Addresses in the observed process as places that `addr2line` knows: the file and the offset.

const std = @import("std");
const linux = std.os.linux;
const proc = @import("proc.zig");

pub const callers_max = 8;

pub const CallSites = struct {
    pid: i32,
    mappings: []const Mapping,

    const Mapping = struct {
        start: u64,
        end: u64,
        executable: bool,
        /// Where the file begins.
        base: u64,
        file: []const u8,
    };

    pub fn load(allocator: std.mem.Allocator, pid: i32) !CallSites {
        const buffer = try allocator.alloc(u8, 4 << 20);
        const maps = try proc.read(buffer, "/proc/{d}/maps", .{pid});
        var mappings: std.ArrayList(Mapping) = .empty;
        var file: []const u8 = "";
        var base: u64 = 0;
        var lines = std.mem.tokenizeScalar(u8, maps, '\n');
        while (lines.next()) |line| {
            var fields = std.mem.tokenizeScalar(u8, line, ' ');
            var range = std.mem.splitScalar(u8, fields.next() orelse continue, '-');
            const start = try std.fmt.parseInt(u64, range.first(), 16);
            const end = try std.fmt.parseInt(u64, range.rest(), 16);
            const rights = fields.next() orelse continue;
            for (0..3) |_| _ = fields.next();
            const name = std.mem.trim(u8, fields.rest(), " ");
            if (!std.mem.eql(u8, name, file) and name.len > 0) {
                file = name;
                base = start;
            }
            try mappings.append(allocator, .{
                .start = start,
                .end = end,
                .executable = std.mem.indexOfScalar(u8, rights, 'x') != null,
                .base = if (name.len > 0) base else start,
                .file = if (name.len > 0) name else "anonymous",
            });
        }
        return .{ .pid = pid, .mappings = mappings.items };
    }

    fn find(self: *const CallSites, address: u64) ?*const Mapping {
        for (self.mappings) |*mapping| {
            if (mapping.start <= address and address < mapping.end) return mapping;
        }
        return null;
    }

    pub fn print(self: *const CallSites, writer: *std.Io.Writer, address: u64) !void {
        const mapping = self.find(address) orelse return writer.print("0x{x}", .{address});
        const name = std.fs.path.basename(mapping.file);
        return writer.print("{s}+0x{x}", .{ name, address - mapping.base });
    }

    /// Where a stopped thread is, and what look like return addresses on its stack, the innermost
    /// first. Those of frames that are gone can be among them.
    pub fn callersOf(
        self: *const CallSites,
        instruction: u64,
        stack: u64,
        callers: *[callers_max]u64,
    ) usize {
        callers[0] = instruction;
        var count: usize = 1;
        var words: [512]u64 = undefined;
        const length = self.readMemory(stack, std.mem.asBytes(&words));
        for (words[0 .. length / @sizeOf(u64)]) |word| {
            if (count == callers.len) break;
            const mapping = self.find(word) orelse continue;
            if (!mapping.executable or !self.isBehindCall(word)) continue;
            callers[count] = word;
            count += 1;
        }
        return count;
    }

    /// The instruction before it is a call: to a relative address, or through a register or memory.
    fn isBehindCall(self: *const CallSites, address: u64) bool {
        var before: [7]u8 = undefined;
        if (self.readMemory(address - before.len, &before) < before.len) return false;
        if (before[2] == 0xe8) return true;
        for ([_]usize{ 2, 3, 6, 7 }) |size| {
            const at = before.len - size;
            if (before[at] == 0xff and before[at + 1] & 0x38 == 0x10) return true;
        }
        return false;
    }

    /// Bytes read; fewer than asked for where the memory ends.
    fn readMemory(self: *const CallSites, address: u64, buffer: []u8) usize {
        const local = [_]std.posix.iovec{.{ .base = buffer.ptr, .len = buffer.len }};
        const from: [*]const u8 = @ptrFromInt(address);
        const remote = [_]std.posix.iovec_const{.{ .base = from, .len = buffer.len }};
        const result = linux.process_vm_readv(self.pid, &local, &remote, 0);
        return if (linux.errno(result) == .SUCCESS) result else 0;
    }
};
