//! Memory that the realtime thread touches: mapped at open, every page present before the first
//! wake-up, locked where the limit allows it, and counted.

const std = @import("std");
const linux = std.os.linux;

pub const Error = error{OutOfMemory};
pub const Bytes = []align(std.heap.page_size_min) u8;

/// Bytes mapped now, for leak checks.
pub var byte_count: std.atomic.Value(u64) = .init(0);

/// Zeroed, pre-faulted, at least one page.
pub fn map(length: usize) Error!Bytes {
    const size = std.mem.alignForward(usize, @max(length, 1), std.heap.page_size_min);
    const bytes = std.posix.mmap(
        null,
        size,
        .{ .READ = true, .WRITE = true },
        .{ .TYPE = .PRIVATE, .ANONYMOUS = true, .POPULATE = true },
        -1,
        0,
    ) catch return error.OutOfMemory;
    // Over RLIMIT_MEMLOCK this fails; the pages are present all the same.
    _ = linux.mlock(bytes.ptr, bytes.len);
    _ = byte_count.fetchAdd(bytes.len, .monotonic);
    return bytes;
}

/// For what the realtime thread works with besides samples.
pub fn create(comptime T: type) Error!*T {
    const bytes = try map(@sizeOf(T));
    return @ptrCast(bytes.ptr);
}

pub fn destroy(comptime T: type, value: *T) void {
    const bytes: [*]align(std.heap.page_size_min) u8 = @ptrCast(@alignCast(value));
    unmap(bytes[0..std.mem.alignForward(usize, @sizeOf(T), std.heap.page_size_min)]);
}

pub fn unmap(bytes: Bytes) void {
    _ = byte_count.fetchSub(bytes.len, .monotonic);
    std.posix.munmap(bytes);
}
