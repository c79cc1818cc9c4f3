//! Memory of a stream that JavaScript sees: a mapping that the engine owns and that stays mapped
//! for as long as a view of it could exist, whatever becomes of the device.

const std = @import("std");
const assert = std.debug.assert;
const linux = std.os.linux;
const memory = @import("memory.zig");
const Bytes = memory.Bytes;

pub const Mapping = struct {
    bytes: Bytes,
    /// Times that JavaScript was given its address, and has not given that back.
    views: u32 = 0,
    /// It no longer holds what it was made of.
    is_blank: bool = false,

    /// Views that there can be, for leak checks.
    pub var view_count: std.atomic.Value(u32) = .init(0);

    pub fn show(self: *Mapping) void {
        self.views += 1;
        _ = view_count.fetchAdd(1, .monotonic);
    }

    pub fn hide(self: *Mapping) void {
        if (self.views == 0) return;
        self.views -= 1;
        _ = view_count.fetchSub(1, .monotonic);
    }

    /// Zeroed memory of the engine.
    pub fn create(length: usize) memory.Error!Mapping {
        return .{ .bytes = try memory.map(length) };
    }

    /// What a descriptor offers from its start on: another view of a device's ring.
    pub fn ofDescriptor(descriptor: i32, length: usize) error{Refused}!Mapping {
        const bytes = std.posix.mmap(
            null,
            std.mem.alignForward(usize, length, std.heap.page_size_min),
            .{ .READ = true, .WRITE = true },
            .{ .TYPE = .SHARED },
            descriptor,
            0,
        ) catch return error.Refused;
        _ = memory.byte_count.fetchAdd(bytes.len, .monotonic);
        return .{ .bytes = bytes };
    }

    /// Puts zeros, and nothing that anybody else sees, in the place of the content. In one step:
    /// who reads or writes meanwhile meets either. Has to come before the PCM's close, which fails
    /// while its ring is mapped.
    pub fn blank(self: *Mapping) void {
        if (self.is_blank) return;
        self.is_blank = true;
        _ = memory.byte_count.fetchSub(self.bytes.len, .monotonic);
        const result = linux.mmap(
            self.bytes.ptr,
            self.bytes.len,
            .{ .READ = true, .WRITE = true },
            .{ .TYPE = .PRIVATE, .ANONYMOUS = true, .FIXED = true, .NORESERVE = true },
            -1,
            0,
        );
        // Replacing a mapping of this size by one needs nothing that could be missing.
        assert(linux.errno(result) == .SUCCESS);
    }

    /// Where there may still be views, the addresses stay: that costs no memory.
    pub fn release(self: *Mapping) void {
        assert(self.is_blank);
        if (self.views == 0) std.posix.munmap(self.bytes);
        while (self.views > 0) self.hide();
        self.* = undefined;
    }
};

test "memory stays mapped for as long as one of its views may exist" {
    var mapping: Mapping = try .create(5000);
    const bytes = mapping.bytes;
    mapping.show();
    mapping.show();
    mapping.hide();
    mapping.blank();
    mapping.release();
    try std.testing.expectEqual(0, Mapping.view_count.load(.monotonic));
    for (bytes) |byte| try std.testing.expectEqual(0, byte);
    std.posix.munmap(bytes);
}

test "a mapping that was blanked reads zeros and takes what is written" {
    var mapping: Mapping = try .create(5000);
    @memset(mapping.bytes, 7);
    mapping.blank();
    for (mapping.bytes) |byte| try std.testing.expectEqual(0, byte);
    mapping.bytes[4999] = 1;
    mapping.release();
}
