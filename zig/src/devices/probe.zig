//! Asks one PCM what it can do: opens it for a moment and sets nothing. Of a virtual card another
//! one like it is asked, so that nothing happens on that card.

const std = @import("std");
const abi = @import("../abi.zig");
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

pub const Probe = struct {
    asound: *const alsa.Libasound,
    arena: std.mem.Allocator,
    name: [:0]const u8,
    direction: alsa.Stream,
    /// Gets what the PCM can do.
    answer: *Answer,
    /// Says why it did not work.
    failure: *Failure,

    pub fn run(self: *const Probe) Error!void {
        noise.capture(self.asound);
        if (virtual_card.isName(self.name)) try self.askCard() else try self.askPcm();
        try self.answer.setProbed(self.arena, self.failure);
    }

    fn askPcm(self: *const Probe) Error!void {
        const asound = self.asound;
        var pcm: ?*alsa.Pcm = null;
        const result = asound.snd_pcm_open(&pcm, self.name, self.direction, alsa.open_nonblock);
        if (result < 0) {
            const code = failure_module.codeOfOpen(result);
            self.failure.setCall(asound, "snd_pcm_open", result, code);
            return holders.explain(self.failure, self.name, self.direction);
        }
        defer _ = asound.snd_pcm_close(pcm.?);
        try self.read(pcm.?);
    }

    fn askCard(self: *const Probe) Error!void {
        const asound = self.asound;
        const name = self.name;
        if (self.direction != .playback) {
            return self.failure.set(.device_not_found, "A virtual card plays only", .{});
        }
        const options = virtual_card.optionsOf(name) orelse
            return self.failure.set(.device_not_found, "There is no virtual card \"{s}\"", .{name});
        const card = Card.create(options, .none) catch return error.OutOfMemory;
        defer card.destroy();
        const flags = alsa.open_nonblock;
        const opened = card.openPcm(asound, name, flags, null) catch |err| switch (err) {
            error.OutOfMemory => return error.OutOfMemory,
            error.LibraryTooOld => return self.failure.set(
                .library_too_old,
                "libasound does not know ioplug plug-ins of protocol 1.0.2",
                .{},
            ),
            // Of a card that nobody else has.
            error.DeviceBusy, error.AccessDenied => unreachable,
        };
        defer _ = asound.snd_pcm_close(opened.pcm);
        try self.read(opened.pcm);
        limitBy(&card.options, &self.answer.capabilities);
    }

    fn read(self: *const Probe, pcm: *alsa.Pcm) Error!void {
        const answer = self.answer;
        var formats: std.Io.Writer.Allocating = .init(self.arena);
        var rates: std.Io.Writer.Allocating = .init(self.arena);
        var channel_maps: std.Io.Writer.Allocating = .init(self.arena);
        answer.capabilities = capabilities.read(self.asound, pcm, .{
            .formats = &formats.writer,
            .rates = &rates.writer,
            .channel_maps = &channel_maps.writer,
        }, self.failure) catch |err| switch (err) {
            error.WriteFailed => return error.OutOfMemory,
            error.ProbeFailed => return,
        };
        answer.texts.set(.formats, formats.written());
        answer.texts.set(.rates, rates.written());
        answer.texts.set(.channel_maps, channel_maps.written());
    }
};

/// ioplug counts in bytes, and knows nothing of batches.
fn limitBy(limits: *const Card.Options, told: *abi.Capabilities) void {
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
