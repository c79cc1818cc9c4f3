//! Asks one PCM what it can do: opens it for a moment and sets nothing. Of a virtual card another
//! one like it is asked, so that nothing happens on that card.

const std = @import("std");
const alsa = @import("../alsa/libasound.zig");
const capabilities = @import("../alsa/capabilities.zig");
const failure_module = @import("../failure.zig");
const holders = @import("holders.zig");
const noise = @import("../alsa/noise.zig");
const virtual_card = @import("../virtual_card.zig");
const Answer = @import("answer.zig").Answer;
const Card = @import("../card/card.zig").Card;
const Failure = failure_module.Failure;

pub const Error = std.mem.Allocator.Error;

/// Writes what came of it into `answer`; `failure` says why it did not work.
pub fn probe(
    asound: *const alsa.Libasound,
    arena: std.mem.Allocator,
    name: [:0]const u8,
    direction: alsa.Stream,
    answer: *Answer,
    failure: *Failure,
) Error!void {
    noise.capture(asound);
    if (virtual_card.isName(name)) {
        try probeCard(asound, arena, name, direction, answer, failure);
    } else {
        try probePcm(asound, arena, name, direction, answer, failure);
    }
    try answer.setProbed(arena, failure);
}

fn probePcm(
    asound: *const alsa.Libasound,
    arena: std.mem.Allocator,
    name: [:0]const u8,
    direction: alsa.Stream,
    answer: *Answer,
    failure: *Failure,
) Error!void {
    var pcm: ?*alsa.Pcm = null;
    const result = asound.snd_pcm_open(&pcm, name, direction, alsa.open_nonblock);
    if (result < 0) {
        failure.setCall(asound, "snd_pcm_open", result, failure_module.codeOfOpen(result));
        return holders.explain(failure, name, direction);
    }
    defer _ = asound.snd_pcm_close(pcm.?);
    try read(asound, arena, pcm.?, answer, failure);
}

fn probeCard(
    asound: *const alsa.Libasound,
    arena: std.mem.Allocator,
    name: [:0]const u8,
    direction: alsa.Stream,
    answer: *Answer,
    failure: *Failure,
) Error!void {
    if (direction != .playback) {
        return failure.set(.device_not_found, "A virtual card plays only", .{});
    }
    const options = virtual_card.optionsOf(name) orelse
        return failure.set(.device_not_found, "There is no virtual card \"{s}\"", .{name});
    const card = Card.create(options, .none) catch return error.OutOfMemory;
    defer card.destroy();
    const opened = card.openPcm(asound, name, alsa.open_nonblock, null) catch |err| switch (err) {
        error.OutOfMemory => return error.OutOfMemory,
        error.LibraryTooOld => return failure.set(
            .library_too_old,
            "libasound does not know ioplug plug-ins of protocol 1.0.2",
            .{},
        ),
        // Of a card that nobody else has.
        error.DeviceBusy, error.AccessDenied => unreachable,
    };
    defer _ = asound.snd_pcm_close(opened.pcm);
    try read(asound, arena, opened.pcm, answer, failure);
    // ioplug counts in bytes, and knows nothing of batches.
    const limits = &card.options;
    const told = &answer.capabilities;
    told.batch = if (limits.batch) 1 else 0;
    told.period_frames_min = asFloat(limits.period_frames_min);
    told.period_frames_max = @min(told.period_frames_max, asFloat(limits.period_frames_max));
    const buffer_max = told.period_frames_max * asFloat(limits.periods_max);
    told.buffer_frames_min = told.period_frames_min * asFloat(limits.periods_min);
    told.buffer_frames_max = @min(told.buffer_frames_max, buffer_max);
}

fn asFloat(value: u32) f64 {
    return @floatFromInt(value);
}

fn read(
    asound: *const alsa.Libasound,
    arena: std.mem.Allocator,
    pcm: *alsa.Pcm,
    answer: *Answer,
    failure: *Failure,
) Error!void {
    var formats: std.Io.Writer.Allocating = .init(arena);
    var rates: std.Io.Writer.Allocating = .init(arena);
    var channel_maps: std.Io.Writer.Allocating = .init(arena);
    answer.capabilities = capabilities.read(asound, pcm, .{
        .formats = &formats.writer,
        .rates = &rates.writer,
        .channel_maps = &channel_maps.writer,
    }, failure) catch |err| switch (err) {
        error.WriteFailed => return error.OutOfMemory,
        error.ProbeFailed => return,
    };
    answer.texts.set(.formats, formats.written());
    answer.texts.set(.rates, rates.written());
    answer.texts.set(.channel_maps, channel_maps.written());
}
