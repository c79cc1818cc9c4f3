//! What a stream tells: completions of commands, and at the end of a wake-up the snapshot of its
//! counters and the events that belong to it.

const abi = @import("abi.zig");
const playing = @import("playing.zig");
const positions = @import("positions.zig");
const xruns = @import("xruns.zig");
const Stream = @import("stream.zig").Stream;
const nobody = @import("stream.zig").nobody;

/// Whether the room that JavaScript waits for is there. A stream that waits to be started may need
/// less than that: both would wait for ever.
fn roomIsWanted(stream: *const Stream) bool {
    if (!stream.source.isFed() or stream.draining.load(.monotonic)) return false;
    const wanted = stream.wanted_room.load(.seq_cst);
    if (wanted == nobody) return false;
    // Frames are rendered in units, and a ring full of them always starts.
    const missing = if (stream.state == .prepared and stream.options.source == .queue)
        (playing.kickLevel(stream) orelse wanted) -| stream.source.level()
    else
        wanted;
    return stream.source.free() >= @max(1, @min(wanted, missing));
}

fn tellMix(stream: *Stream) bool {
    return stream.source.mix.tell(stream.frames_heard, positions.writtenToHear(stream));
}

pub fn complete(stream: *Stream, kind: abi.Command, result: abi.ErrorCode) void {
    const index = @intFromEnum(kind);
    if (stream.pending[index] == 0) return;
    stream.counters.completed[index].count += stream.pending[index];
    stream.counters.completed[index].result = result;
    stream.pending[index] = 0;
    stream.news |= @intFromEnum(abi.Event.completed);
}

/// Publishes what this wake-up changed, and then says so.
pub fn finish(stream: *Stream) void {
    if (stream.counters.state != stream.state) {
        stream.counters.state = stream.state;
        stream.dma_latency.ask(stream.isRunning());
        // Nobody waits for sound any more.
        if (stream.state == .paused) xruns.end(stream, stream.now());
        stream.news |= @intFromEnum(abi.Event.state);
    }
    stream.counters.gain = stream.level.value;
    stream.published.write(&stream.counters);
    if (roomIsWanted(stream) and stream.wanted_room.swap(nobody, .seq_cst) != nobody) {
        stream.news |= @intFromEnum(abi.Event.room);
    }
    if (stream.source == .mix and tellMix(stream)) stream.news |= @intFromEnum(abi.Event.room);
    if (stream.news == 0) return;
    const for_waiters = @intFromEnum(abi.Event.room) | @intFromEnum(abi.Event.failed);
    if (stream.news & for_waiters != 0) stream.room.ring();
    stream.notify(stream.news);
    stream.news = 0;
}
