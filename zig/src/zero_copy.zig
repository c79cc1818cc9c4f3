//! What JavaScript renders into: the ring of the device where that can be had, so that no frame is
//! copied, else a queue of the engine. Which one it is makes no difference to the program.

const std = @import("std");
const abi = @import("abi.zig");
const alsa = @import("alsa/libasound.zig");
const memory = @import("memory.zig");
const pacing = @import("pacing.zig");
const sample = @import("sample.zig");
const Mapping = @import("mapping.zig").Mapping;
const Queue = @import("queue.zig").Queue;
const Ring = @import("ring.zig").Ring;
const Source = @import("source.zig").Source;
const Stream = @import("stream.zig").Stream;

pub const Granted = struct {
    kind: abi.ZeroCopy = .none,
    reason: abi.ZeroCopyReason = .possible,
};

/// Frames that JavaScript renders in one piece.
pub fn unitFrames(stream: *const Stream) u32 {
    return if (stream.options.source == .render) stream.granted.period_frames else 1;
}

/// The stream keeps the memory until no view of it can exist any more.
pub fn makeSource(stream: *Stream) memory.Error!Source {
    const granted = &stream.granted;
    stream.zero_copy = .{ .kind = .queue, .reason = obstacle(stream) };
    if (stream.zero_copy.reason == .possible) {
        if (mapRing(stream)) |mapping| {
            stream.mapping = mapping;
            stream.zero_copy.kind = if (stream.substream != null) .card else .dma;
            const ring: Ring = try .create(
                mapping.bytes,
                granted.buffer_frames,
                stream.frame_bytes,
                unitFrames(stream),
                sample.silenceByte(granted.format),
            );
            return .{ .ring = ring };
        }
        stream.zero_copy.reason = .refused;
    }
    const periods = std.math.divCeil(u32, granted.buffer_frames, granted.period_frames) catch
        unreachable;
    const frames = granted.period_frames * periods;
    stream.mapping = try .create(@as(usize, frames) * stream.frame_bytes);
    return .{ .queue = .over(stream.mapping.?.bytes, frames, stream.frame_bytes) };
}

/// What keeps JavaScript out of the device's ring.
fn obstacle(stream: *const Stream) abi.ZeroCopyReason {
    const granted = &stream.granted;
    if (granted.access != .mmap) return .write_access;
    if (stream.pcm_type != .hw and stream.substream == null) return .plug_in;
    if (granted.layout != .interleaved) return .noninterleaved;
    // In an xrun the device goes on around the ring: frames that are being rendered would be heard,
    // or silenced.
    if (granted.runsOn()) return .runs_on;
    if (granted.buffer_frames % granted.period_frames != 0) return .uneven_ring;
    const offset_frames = deviceOffset(stream) catch return .refused;
    return if (offset_frames % unitFrames(stream) == 0) .possible else .uneven_ring;
}

fn mapRing(stream: *Stream) ?Mapping {
    const bytes = @as(usize, stream.granted.buffer_frames) * stream.frame_bytes;
    if (stream.substream) |substream| {
        const mapping = Mapping.create(bytes) catch return null;
        substream.adoptRing(mapping.bytes);
        return mapping;
    }
    var descriptor: alsa.PollDescriptor = undefined;
    if (stream.asound.snd_pcm_poll_descriptors(stream.pcm.?, @ptrCast(&descriptor), 1) != 1) {
        return null;
    }
    return Mapping.ofDescriptor(descriptor.fd, bytes) catch null;
}

/// Where in its ring a prepared device takes the next frame from.
fn deviceOffset(stream: *const Stream) error{Refused}!u32 {
    const asound = stream.asound;
    const pcm = stream.pcm.?;
    if (asound.snd_pcm_avail_update(pcm) < 0) return error.Refused;
    var areas: [*]const alsa.ChannelArea = undefined;
    var offset: alsa.UFrames = 0;
    var frames: alsa.UFrames = 1;
    if (asound.snd_pcm_mmap_begin(pcm, &areas, &offset, &frames) < 0) return error.Refused;
    return @intCast(offset);
}

/// Of what was committed the device still holds so many frames.
pub fn hold(stream: *Stream, frames: u32) void {
    if (stream.source == .ring) stream.source.ring.hold(frames);
}

/// What was rendered lies where the prepared device will look for it. False: JavaScript is
/// rendering a block that lies elsewhere; its commit comes first.
pub fn place(stream: *Stream) pacing.Error!bool {
    if (stream.source != .ring) return true;
    const ring = &stream.source.ring;
    const offset_frames = deviceOffset(stream) catch {
        stream.failure.set(.alsa, "The prepared device does not show its ring", .{});
        return error.Failed;
    };
    const pad_frames = ring.padFrames(offset_frames);
    if (pad_frames == 0 and ring.isAt(offset_frames)) return true;
    if (!ring.own()) return false;
    defer ring.disown();
    const skipped_frames = if (pad_frames == 0) 0 else try pacing.skip(stream, pad_frames);
    ring.move(@intCast((offset_frames + skipped_frames) % ring.capacity_frames));
    return true;
}

/// Nobody renders meanwhile: what lies behind the last frame may be overwritten.
pub fn lockBehindTail(stream: *Stream) bool {
    if (stream.source != .ring) return true;
    // A drain keeps JavaScript out until the device has stopped; a fade does not.
    if (!stream.draining.load(.seq_cst) or stream.source.level() > 0) return false;
    return stream.source.ring.own();
}

pub fn unlockBehindTail(stream: *Stream) void {
    if (stream.source == .ring) stream.source.ring.disown();
}

/// Before the PCM is closed: what JavaScript may still look at is not the device's any more.
pub fn blank(stream: *Stream) void {
    const mapping = &(stream.mapping orelse return);
    // A virtual card looks at its ring once more.
    if (stream.pcm) |pcm| _ = stream.asound.snd_pcm_drop(pcm);
    mapping.blank();
}

pub fn release(stream: *Stream) void {
    if (stream.mapping) |*mapping| mapping.release();
    stream.mapping = null;
}
