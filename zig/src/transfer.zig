//! The two ways of a frame from its source into the device. mmap: rendered straight into the ring
//! between begin and commit. write: handed to snd_pcm_writei or writen, from the source's own
//! memory where it lies there as the device wants it.

const std = @import("std");
const assert = std.debug.assert;
const alsa = @import("alsa/libasound.zig");
const disturbance = @import("disturbance.zig");
const gain = @import("gain.zig");
const pacing = @import("pacing.zig");
const sample = @import("sample.zig");
const Block = @import("block.zig").Block;
const Stream = @import("stream.zig").Stream;

pub const Error = pacing.Error;

pub const Content = enum { source, silence };

/// Moves up to `frames`; fewer only where the device takes fewer. What was moved is accounted for
/// before an error is returned.
pub fn move(stream: *Stream, frames: u32, content: Content) Error!u32 {
    assert(content == .silence or frames <= stream.source.available());
    var left = frames;
    while (left > 0) {
        const moved = switch (stream.granted.access) {
            .mmap => try mmapOnce(stream, left, content),
            .write => try writeOnce(stream, left, content),
            .auto => unreachable,
        };
        if (moved == 0) break;
        left -= moved;
        account(stream, moved, content);
    }
    return frames - left;
}

fn account(stream: *Stream, frames: u32, content: Content) void {
    stream.counters.frames_written += frames;
    stream.pacer.wrote(frames);
    stream.appl_frames += frames;
    // A ring that is filled before the start proves nothing: the start itself may be what fails.
    if (stream.isRunning()) stream.failures_in_a_row = 0;
    switch (content) {
        .source => {
            stream.source.advance(frames);
            stream.level.advance(frames);
            stream.fade.advance(frames);
        },
        .silence => stream.counters.frames_padded += frames,
    }
}

fn render(stream: *Stream, block: *const Block, content: Content) void {
    switch (content) {
        .silence => block.silence(),
        .source => {
            stream.source.render(block);
            if (stream.source == .ring) return scaleInPlace(stream, block);
            gain.apply(block, &stream.level, &stream.fade);
        },
    }
}

/// Frames in the device's own ring that it did not take at once are offered again.
fn scaleInPlace(stream: *Stream, block: *const Block) void {
    const count = stream.source.ring.toScale(block.frames);
    const done_frames = block.frames - count;
    var level = stream.level;
    var fade = stream.fade;
    level.advance(done_frames);
    fade.advance(done_frames);
    const rest = block.from(done_frames);
    if (count > 0) gain.apply(&rest, &level, &fade);
}

/// One begin and commit: as far as the ring goes in one piece.
fn mmapOnce(stream: *Stream, wanted: u32, content: Content) Error!u32 {
    const asound = stream.asound;
    const pcm = stream.pcm.?;
    // libasound counts what mmap_begin may grant from the last look at the pointer, and a
    // self-clocked stream does not look.
    if (stream.pacer == .self) {
        const avail = asound.snd_pcm_avail_update(pcm);
        if (avail < 0) return pacing.classify(stream, "snd_pcm_avail_update", avail);
    }
    var areas: [*]const alsa.ChannelArea = undefined;
    var offset: alsa.UFrames = 0;
    var frames: alsa.UFrames = wanted;
    const begun = asound.snd_pcm_mmap_begin(pcm, &areas, &offset, &frames);
    if (begun < 0) return pacing.classify(stream, "snd_pcm_mmap_begin", begun);
    if (frames == 0) return 0;
    assert(frames <= wanted);
    assert(offset + frames <= stream.granted.buffer_frames);
    if (content == .source and stream.source == .ring) {
        assert(stream.source.ring.isAt(@intCast(offset)));
    }

    const granted = &stream.granted;
    const block: Block = .ofAreas(
        areas,
        granted.channels,
        granted.format,
        offset,
        @intCast(frames),
    );
    render(stream, &block, content);
    if (stream.card) |card| disturbance.duringFill(card);
    if (stream.isRunning()) pacing.recheck(stream) catch |err| {
        // What was rendered is for later: in a gap of silence it must not be heard.
        if (granted.xrun_policy.policy == .silence) block.silence();
        return err;
    };

    const committed = asound.snd_pcm_mmap_commit(pcm, offset, frames);
    if (committed < 0) return pacing.classify(stream, "snd_pcm_mmap_commit", committed);
    return @intCast(committed);
}

fn writeOnce(stream: *Stream, wanted: u32, content: Content) Error!u32 {
    const granted = &stream.granted;
    if (content == .source and granted.layout == .interleaved and
        stream.level.isUnity() and stream.fade.isUnity())
    {
        if (stream.source.contiguous(wanted)) |bytes| {
            const frames: u32 = @intCast(bytes.len / stream.frame_bytes);
            try beforeWrite(stream);
            return written(stream, stream.asound.snd_pcm_writei(stream.pcm.?, bytes.ptr, frames));
        }
    }
    const scratch = stream.scratch.?;
    const frames: u32 = @intCast(@min(wanted, scratch.len / stream.frame_bytes));
    const block: Block = switch (granted.layout) {
        .interleaved => .ofInterleaved(scratch.ptr, granted.channels, granted.format, frames),
        .noninterleaved => .ofPlanar(scratch.ptr, granted.channels, granted.format, frames),
    };
    render(stream, &block, content);
    try beforeWrite(stream);
    return written(stream, switch (granted.layout) {
        .interleaved => stream.asound.snd_pcm_writei(stream.pcm.?, scratch.ptr, frames),
        .noninterleaved => stream.asound.snd_pcm_writen(
            stream.pcm.?,
            @ptrCast(&block.channel),
            frames,
        ),
    });
}

/// A device that stops refuses late frames itself; one that runs on would take them for the past.
fn beforeWrite(stream: *Stream) Error!void {
    if (stream.card) |card| disturbance.duringFill(card);
    if (stream.granted.runsOn() and stream.isRunning()) try pacing.recheck(stream);
}

fn written(stream: *Stream, result: alsa.SFrames) Error!u32 {
    if (result >= 0) return @intCast(result);
    if (result == -@as(alsa.SFrames, @intFromEnum(std.os.linux.E.AGAIN))) return 0;
    return pacing.classify(stream, "snd_pcm_writei", result);
}
