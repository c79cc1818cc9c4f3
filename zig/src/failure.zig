//! Why something failed: the code, the libasound call, the errno and a sentence. Made on the thread
//! that failed, read on another after it was published.

const std = @import("std");
const abi = @import("abi.zig");
const alsa = @import("alsa/libasound.zig");
const noise = @import("alsa/noise.zig");

pub const Failure = struct {
    code: abi.ErrorCode = .ok,
    errno: u32 = 0,
    call: []const u8 = "",
    buffer: [320]u8 = undefined,
    length: usize = 0,

    pub fn text(self: *const Failure) []const u8 {
        return self.buffer[0..self.length];
    }

    pub fn set(
        self: *Failure,
        code: abi.ErrorCode,
        comptime format: []const u8,
        arguments: anytype,
    ) void {
        self.code = code;
        var writer: std.Io.Writer = .fixed(&self.buffer);
        // A text that does not fit is cut.
        writer.print(format, arguments) catch {};
        self.length = writer.end;
    }

    /// A libasound call returned `-errno`. May be called on the realtime thread.
    pub fn setCall(
        self: *Failure,
        asound: *const alsa.Libasound,
        call: []const u8,
        result: c_long,
        code: abi.ErrorCode,
    ) void {
        std.debug.assert(result < 0);
        self.call = call;
        self.errno = @intCast(-result);
        const meaning = std.mem.span(asound.snd_strerror(@intCast(result)));
        const words = noise.text();
        if (words.len == 0) {
            self.set(code, "{s}: {s}", .{ call, meaning });
        } else {
            self.set(code, "{s}: {s} ({s})", .{ call, meaning, words });
        }
    }
};

/// What an errno means when a PCM is opened or set up.
pub fn codeOfOpen(result: c_long) abi.ErrorCode {
    const errno: std.os.linux.E = @enumFromInt(-result);
    return switch (errno) {
        // EINVAL is what libasound says of the number of a card that is not there.
        .NOENT, .NODEV, .NXIO, .INVAL => .device_not_found,
        // A sound server that does not run: PulseAudio's plug-in, and PipeWire's.
        .CONNREFUSED, .HOSTDOWN => .device_not_found,
        .BUSY => .device_busy,
        .ACCES, .PERM => .permission_denied,
        .NOMEM => .out_of_memory,
        else => .alsa,
    };
}

/// What it means that libasound cannot be loaded.
pub fn codeOfLoad(err: alsa.LoadError) abi.ErrorCode {
    return switch (err) {
        error.LibraryMissing => .library_missing,
        error.LibraryTooOld => .library_too_old,
    };
}

/// The text of the calling thread's last failed call, for functions that return only a code.
pub threadlocal var last: Failure = .{};
