//! WAV files: the header for every sample format, and a file that is correct on disk after every
//! append.

const std = @import("std");
const linux = std.os.linux;
const sample = @import("../sample.zig");

pub const Shape = struct {
    format: sample.Format,
    channels: u32,
    rate: u32,

    pub fn frameBytes(self: Shape) u32 {
        return sample.bytesOf(self.format) * self.channels;
    }
};

/// The longest header: extensible format with a fact chunk.
const header_bytes_max = 12 + 8 + 40 + 12 + 8;

const format_pcm = 1;
const format_ieee_float = 3;
const format_extensible = 0xfffe;
/// A subformat is this GUID with the format's number in its first two bytes.
const subformat_tail = "\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71";
const front_left = 1;
const front_right = 2;
const front_center = 4;

/// Bytes of one sample in the file, where 24 bits are always packed.
fn fileSampleBytes(format: sample.Format) u32 {
    return if (format == .s24) 3 else sample.bytesOf(format);
}

fn formatTag(format: sample.Format) u16 {
    return switch (format) {
        .u8, .s16, .s24, .s24_3, .s32 => format_pcm,
        .f32, .f64 => format_ieee_float,
    };
}

/// Needed for more than two channels and for integers wider than 16 bits.
fn isExtensible(shape: Shape) bool {
    return shape.channels > 2 or
        (formatTag(shape.format) == format_pcm and fileSampleBytes(shape.format) > 2);
}

/// The header of a file with that many bytes of samples. Sizes that 32 bits cannot hold are
/// clamped, which readers take for "until the end of the file".
fn header(buffer: *[header_bytes_max]u8, shape: Shape, data_bytes: u64) []const u8 {
    var writer: std.Io.Writer = .fixed(buffer);
    // The buffer holds the longest header.
    write(&writer, shape, data_bytes) catch unreachable;
    const length = writer.end;
    const padded_bytes = data_bytes + data_bytes % 2;
    std.mem.writeInt(u32, buffer[4..8], clamp(length - 8 + padded_bytes), .little);
    return buffer[0..length];
}

fn write(writer: *std.Io.Writer, shape: Shape, data_bytes: u64) std.Io.Writer.Error!void {
    const tag = formatTag(shape.format);
    const extensible = isExtensible(shape);
    const sample_bytes = fileSampleBytes(shape.format);
    const frame_bytes = sample_bytes * shape.channels;

    // The length of the file is known at the end only.
    try writer.writeAll("RIFF\x00\x00\x00\x00WAVEfmt ");
    const length: u32 = if (extensible) 40 else if (tag == format_pcm) 16 else 18;
    try writer.writeInt(u32, length, .little);
    try writer.writeInt(u16, if (extensible) format_extensible else tag, .little);
    try writer.writeInt(u16, @intCast(shape.channels), .little);
    try writer.writeInt(u32, shape.rate, .little);
    try writer.writeInt(u32, shape.rate * frame_bytes, .little);
    try writer.writeInt(u16, @intCast(frame_bytes), .little);
    try writer.writeInt(u16, @intCast(sample_bytes * 8), .little);
    if (extensible) {
        try writer.writeInt(u16, 22, .little);
        try writer.writeInt(u16, @intCast(sample_bytes * 8), .little);
        try writer.writeInt(u32, channelMask(shape.channels), .little);
        try writer.writeInt(u16, tag, .little);
        try writer.writeAll(subformat_tail);
    } else if (tag != format_pcm) {
        try writer.writeInt(u16, 0, .little);
    }
    if (tag != format_pcm) {
        try writer.writeAll("fact\x04\x00\x00\x00");
        try writer.writeInt(u32, clamp(data_bytes / frame_bytes), .little);
    }
    try writer.writeAll("data");
    try writer.writeInt(u32, clamp(data_bytes), .little);
}

/// 0, no loudspeaker in particular, for more than two channels.
fn channelMask(channels: u32) u32 {
    return switch (channels) {
        1 => front_center,
        2 => front_left | front_right,
        else => 0,
    };
}

fn clamp(value: u64) u32 {
    return @intCast(@min(value, std.math.maxInt(u32)));
}

pub const WavFile = struct {
    descriptor: i32,
    shape: Shape,
    data_bytes: u64 = 0,

    /// `self` is valid if and only if the result is SUCCESS. An existing file is overwritten.
    /// Whether a file can be made there: it is, still empty.
    pub fn probe(path: [*:0]const u8) linux.E {
        const result = open(path);
        const errno = linux.errno(result);
        if (errno == .SUCCESS) _ = linux.close(@intCast(result));
        return errno;
    }

    fn open(path: [*:0]const u8) usize {
        return linux.open(
            path,
            .{ .ACCMODE = .RDWR, .CREAT = true, .TRUNC = true, .CLOEXEC = true },
            0o666,
        );
    }

    pub fn create(self: *WavFile, path: [*:0]const u8, shape: Shape) linux.E {
        const result = open(path);
        const errno = linux.errno(result);
        if (errno != .SUCCESS) return errno;
        self.* = .{ .descriptor = @intCast(result), .shape = shape };
        const written = self.writeHeader();
        if (written != .SUCCESS) self.close();
        return written;
    }

    pub fn close(self: *WavFile) void {
        _ = linux.close(self.descriptor);
        self.* = undefined;
    }

    /// Whole frames in the shape's format. After a failure the file holds what came before.
    pub fn append(self: *WavFile, bytes: []const u8) linux.E {
        const errno = switch (self.shape.format) {
            .s24 => self.appendPacked(bytes),
            else => self.appendRaw(bytes),
        };
        if (errno != .SUCCESS) return errno;
        // A chunk is padded to an even length; the next append overwrites the padding.
        if (self.data_bytes % 2 == 1) {
            const padding = writeAll(self.descriptor, &.{0}, self.end());
            if (padding != .SUCCESS) return padding;
        }
        return self.writeHeader();
    }

    fn appendRaw(self: *WavFile, bytes: []const u8) linux.E {
        const errno = writeAll(self.descriptor, bytes, self.end());
        if (errno == .SUCCESS) self.data_bytes += bytes.len;
        return errno;
    }

    /// The lower three bytes of every four.
    fn appendPacked(self: *WavFile, bytes: []const u8) linux.E {
        var buffer: [4096 * 3]u8 = undefined;
        var rest = bytes;
        while (rest.len > 0) {
            const samples: usize = @min(rest.len / 4, buffer.len / 3);
            for (0..samples) |index| buffer[index * 3 ..][0..3].* = rest[index * 4 ..][0..3].*;
            const errno = self.appendRaw(buffer[0 .. samples * 3]);
            if (errno != .SUCCESS) return errno;
            rest = rest[samples * 4 ..];
        }
        return .SUCCESS;
    }

    fn writeHeader(self: *const WavFile) linux.E {
        var buffer: [header_bytes_max]u8 = undefined;
        return writeAll(self.descriptor, header(&buffer, self.shape, self.data_bytes), 0);
    }

    fn end(self: *const WavFile) u64 {
        var buffer: [header_bytes_max]u8 = undefined;
        return header(&buffer, self.shape, 0).len + self.data_bytes;
    }
};

fn writeAll(descriptor: i32, bytes: []const u8, offset: u64) linux.E {
    var done: usize = 0;
    while (done < bytes.len) {
        const rest = bytes[done..];
        const result = linux.pwrite(descriptor, rest.ptr, rest.len, @intCast(offset + done));
        switch (linux.errno(result)) {
            .SUCCESS => if (result == 0) return .IO,
            .INTR => continue,
            else => |errno| return errno,
        }
        done += result;
    }
    return .SUCCESS;
}

const testing = std.testing;

test "16 bit stereo has the plain PCM header" {
    var buffer: [header_bytes_max]u8 = undefined;
    const shape: Shape = .{ .format = .s16, .channels = 2, .rate = 48_000 };
    try testing.expectEqualSlices(u8, "RIFF" ++ "\x34\x00\x00\x00" ++ "WAVEfmt " ++
        "\x10\x00\x00\x00\x01\x00\x02\x00\x80\xbb\x00\x00\x00\xee\x02\x00\x04\x00\x10\x00" ++
        "data" ++ "\x10\x00\x00\x00", header(&buffer, shape, 16));
}

test "float has format 3 with a fact chunk, wide integers and many channels are extensible" {
    var buffer: [header_bytes_max]u8 = undefined;
    const float = header(&buffer, .{ .format = .f32, .channels = 1, .rate = 44_100 }, 400);
    try testing.expectEqual(3, std.mem.readInt(u16, float[20..22], .little));
    try testing.expectEqualSlices(u8, "fact\x04\x00\x00\x00\x64\x00\x00\x00data", float[38..54]);

    const wide = header(&buffer, .{ .format = .s24, .channels = 2, .rate = 44_100 }, 600);
    try testing.expectEqual(format_extensible, std.mem.readInt(u16, wide[20..22], .little));
    // 3 bytes a sample, 6 a frame, 24 valid bits, front left and right, subformat PCM.
    try testing.expectEqualSlices(u8, "\x06\x00\x18\x00\x16\x00\x18\x00\x03\x00\x00\x00\x01\x00" ++
        subformat_tail ++ "data\x58\x02\x00\x00", wide[32..68]);

    const many = header(&buffer, .{ .format = .f64, .channels = 6, .rate = 44_100 }, 48);
    try testing.expectEqual(format_extensible, std.mem.readInt(u16, many[20..22], .little));
    try testing.expectEqualSlices(u8, "\x00\x00\x00\x00\x03\x00" ++ subformat_tail, many[40..60]);
    try testing.expectEqual(header_bytes_max, many.len);
}

test "sizes beyond 4 GiB are clamped" {
    var buffer: [header_bytes_max]u8 = undefined;
    const bytes = header(&buffer, .{ .format = .s16, .channels = 2, .rate = 48_000 }, 1 << 33);
    try testing.expectEqualSlices(u8, "\xff\xff\xff\xff", bytes[4..8]);
    try testing.expectEqualSlices(u8, "\xff\xff\xff\xff", bytes[40..44]);
}

test "a file is whole after every append: 24 bits packed, odd lengths padded, sizes right" {
    var directory = testing.tmpDir(.{});
    defer directory.cleanup();
    var path_buffer: [std.fs.max_path_bytes]u8 = undefined;
    const path = try std.fmt.bufPrintZ(
        &path_buffer,
        ".zig-cache/tmp/{s}/a.wav",
        .{&directory.sub_path},
    );

    var file: WavFile = undefined;
    try testing.expectEqual(
        .SUCCESS,
        file.create(path.ptr, .{ .format = .s24, .channels = 1, .rate = 8_000 }),
    );
    try testing.expectEqual(.SUCCESS, file.append("\x01\x02\x03\x00"));
    try testing.expectEqual(.SUCCESS, file.append("\x04\x05\xff\xff\x07\x08\x09\x00"));
    file.close();

    var content: [128]u8 = undefined;
    const bytes = try directory.dir.readFile(testing.io, "a.wav", &content);
    try testing.expectEqual(68 + 9 + 1, bytes.len);
    try testing.expectEqual(bytes.len - 8, std.mem.readInt(u32, bytes[4..8], .little));
    try testing.expectEqualSlices(
        u8,
        "\x09\x00\x00\x00\x01\x02\x03\x04\x05\xff\x07\x08\x09\x00",
        bytes[64..],
    );

    try testing.expectEqual(
        .NOENT,
        file.create("/nonexistent/a.wav", .{ .format = .s16, .channels = 1, .rate = 8_000 }),
    );
}
