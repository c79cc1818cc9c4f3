//! Room that a PCM's pointer tells of and its server does not have. PulseAudio's plug-in counts
//! what the server asked for before the first frame as played: right after the start its ring looks
//! empty. A server that gets frames it did not ask for never asks again. Whether it asks, its poll
//! descriptor tells, which is what other programs wait for.

const std = @import("std");
const linux = std.os.linux;
const alsa = @import("alsa/libasound.zig");
const Stream = @import("stream.zig").Stream;

/// More than any plug-in has.
const descriptors_max = 8;

/// Frames by which the pointer of a device that was just started is ahead for good: at least a
/// period further than it was filled for, while it takes nothing.
pub fn afterStart(stream: *const Stream) u32 {
    if (!stream.isServed() or stream.pacer != .device) return 0;
    // In this order: what it asks for in between moves its pointer, too.
    if (asksForFrames(stream)) return 0;
    const avail = stream.asound.snd_pcm_avail(stream.pcm.?);
    const buffer_frames = stream.granted.buffer_frames;
    // An error is told by the next look.
    if (avail < 0 or avail > buffer_frames) return 0;
    const unfilled_frames = buffer_frames -| stream.appl_frames;
    return excess(@intCast(avail), unfilled_frames, stream.granted.period_frames);
}

fn excess(avail_frames: u64, unfilled_frames: u64, period_frames: u32) u32 {
    const ahead_frames = avail_frames -| unfilled_frames;
    return if (ahead_frames >= period_frames) @intCast(ahead_frames) else 0;
}

fn asksForFrames(stream: *const Stream) bool {
    const asound = stream.asound;
    const pcm = stream.pcm.?;
    var descriptors: [descriptors_max]alsa.PollDescriptor = undefined;
    const count = asound.snd_pcm_poll_descriptors(pcm, &descriptors, descriptors_max);
    if (count <= 0) return true;
    if (linux.errno(linux.poll(&descriptors, @intCast(count), 0)) != .SUCCESS) return true;
    var events: c_ushort = 0;
    const result = asound.snd_pcm_poll_descriptors_revents(
        pcm,
        &descriptors,
        @intCast(count),
        &events,
    );
    return result < 0 or events & linux.POLL.OUT != 0;
}

test "room is a phantom from a period on" {
    try std.testing.expectEqual(959, excess(959, 0, 240));
    try std.testing.expectEqual(719, excess(959, 240, 240));
    try std.testing.expectEqual(0, excess(239, 0, 240));
    try std.testing.expectEqual(0, excess(239, 480, 240));
}
