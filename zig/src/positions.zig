//! Positions. `frames_written` counts everything given to the device. Of that,
//! `frames_lost_in_ring` was thrown away unheard; the rest is heard in order, `frames_heard` of it
//! so far, silence behind a tail included. Tails are positions on that line.

const pacing = @import("pacing.zig");
const Stream = @import("stream.zig").Stream;

/// The position of the last frame written.
pub fn writtenToHear(stream: *const Stream) u64 {
    return stream.counters.frames_written - stream.frames_lost_in_ring;
}

pub fn hear(stream: *Stream, delay_frames: u64, now_ns: u64) void {
    const counters = &stream.counters;
    // A device may revise its delay; what was heard stays heard.
    stream.frames_heard = @max(stream.frames_heard, writtenToHear(stream) -| delay_frames);
    counters.delay_frames = delay_frames;
    const audible = stream.frames_heard -| stream.frames_padding_heard -| paddingHeard(stream);
    counters.frames_played = @max(counters.frames_played, audible);
    stamp(stream, now_ns);
}

/// What was heard so far was heard at this time.
pub fn stamp(stream: *Stream, now_ns: u64) void {
    stream.counters.timestamp_frames = stream.counters.frames_played;
    stream.counters.timestamp_ns = now_ns;
}

/// Silence behind the tail of the present ending that was heard already.
fn paddingHeard(stream: *const Stream) u64 {
    const ending = stream.ending orelse return 0;
    return stream.frames_heard -| (ending.tail_frames orelse return 0);
}

pub fn tailWasHeard(stream: *const Stream) bool {
    const ending = stream.ending orelse return false;
    return stream.frames_heard >= (ending.tail_frames orelse return false);
}

/// What is in the ring will not be heard; what of it came from the source is dropped.
pub fn loseRing(stream: *Stream) void {
    const end = writtenToHear(stream);
    const tail = if (stream.ending) |ending| ending.tail_frames orelse end else end;
    stream.counters.frames_dropped += @min(end, tail) -| stream.frames_heard;
    stream.frames_padding_heard += paddingHeard(stream);
    stream.frames_lost_in_ring += end - stream.frames_heard;
    stream.counters.delay_frames = 0;
}

pub fn refreshHeard(stream: *Stream, now_ns: u64) void {
    const room = pacing.observe(stream, now_ns, true) catch |err| switch (err) {
        // The device is about to be stopped anyway; what it played before it stopped was heard.
        error.Xrun, error.Suspended => {
            return hear(stream, pacing.lastWords(stream, now_ns).left_frames, now_ns);
        },
        error.Disconnected, error.Failed => return,
    };
    hear(stream, room.delay_frames, now_ns);
}
