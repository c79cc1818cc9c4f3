//! What is told of one PCM in one direction: a record, and texts in the query's arena.

const std = @import("std");
const abi = @import("../abi.zig");
const Failure = @import("../failure.zig").Failure;

pub const Answer = struct {
    device: abi.Device,
    /// Only where `device.probed` is 1.
    capabilities: abi.Capabilities = std.mem.zeroes(abi.Capabilities),
    texts: std.EnumArray(abi.QueryText, []const u8) = .initFill(""),

    /// Notes what came of asking the PCM what it can do.
    pub fn setProbed(
        self: *Answer,
        arena: std.mem.Allocator,
        failure: *const Failure,
    ) std.mem.Allocator.Error!void {
        if (failure.code == .ok) {
            self.device.probed = 1;
            return;
        }
        self.device.probed = @floatFromInt(@intFromEnum(failure.code));
        self.device.probe_errno = @floatFromInt(failure.errno);
        self.texts.set(.failure, try arena.dupe(u8, failure.text()));
        self.texts.set(.call, failure.call);
    }
};
