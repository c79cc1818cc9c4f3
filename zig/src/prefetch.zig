//! What a turn of a stream touches, on its way into the cache ahead of the turn. With many streams
//! the memory of each has left the cache since its last one, and waiting for it, line after line,
//! would be most of what a turn costs.

const std = @import("std");
const Commands = @import("command.zig").Commands;
const Histograms = @import("histogram.zig").Histograms;
const Quantity = @import("stream.zig").Quantity;
const Stream = @import("stream.zig").Stream;
const VirtualCard = @import("virtual_card.zig").VirtualCard;

const line_bytes = 64;

/// What each turn of a stream that plays reads or writes of it. Streams lie at the begin of a page.
const touched = [_][]const u8{
    "hardware_frames", "appl_frames",     "pcm",          "counters",     "card",
    "granted",         "substream",       "group",        "frames_heard", "ending",
    "started_ns",      "started_heard",   "realm",        "look",         "stalled_ns",
    "published",       "watchdog",        "device_clock", "pacer",        "source",
    "turn",            "asound",          "requests",     "level",        "fade",
    "state",           "idle_in_a_row",   "news",         "wanted_room",  "hungry_at",
    "slot",            "with_janitor",    "frame_bytes",  "pcm_type",     "drain_deadline_ns",
    "phantom_frames",  "drain_to_frames", "areas",
};

const Lines = std.StaticBitSet((@sizeOf(Stream) - 1) / line_bytes + 1);

/// The lines of the stream that a turn touches.
const lines = lines: {
    @setEvalBranchQuota(10_000);
    var set: Lines = .initEmpty();
    for (touched) |name| add(&set, @offsetOf(Stream, name), @sizeOf(@FieldType(Stream, name)));
    const commands = @offsetOf(Stream, "commands");
    for (.{ "written", "read" }) |name| add(&set, commands + @offsetOf(Commands, name), 4);
    const measured = @offsetOf(Stream, "measured");
    const Measured = Histograms(Quantity);
    for (.{ "greatest", "last" }) |name| {
        add(&set, measured + @offsetOf(Measured, name), @sizeOf(@FieldType(Measured, name)));
    }
    break :lines set;
};

fn add(set: *Lines, offset: usize, size: usize) void {
    set.setRangeValue(.{
        .start = offset / line_bytes,
        .end = (offset + size - 1) / line_bytes + 1,
    }, true);
}

/// The stream itself.
pub fn own(stream: *const Stream) void {
    const bytes: [*]const u8 = @ptrCast(stream);
    inline for (0..Lines.bit_length) |line| {
        if (comptime lines.isSet(line)) @prefetch(bytes + line * line_bytes, .{ .rw = .write });
    }
}

/// What the stream, which is in the cache by now, points to.
pub fn device(stream: *const Stream) void {
    stream.measured.prefetch();
    // As far as libasound 1.2 looks into its own record of a PCM while it plays, and into that of a
    // plug-in, which it has mostly allocated just before.
    if (stream.pcm) |pcm| around(pcm, 5, 10);
    if (stream.areas) |areas| around(areas, 0, 1);
    if (stream.substream) |substream| around(substream, 0, 8);
    if (stream.card) |card| around(card, 0, (@sizeOf(VirtualCard) - 1) / line_bytes + 1);
}

/// So many lines before an address, and from it on.
fn around(object: *const anyopaque, comptime before: u32, comptime from: u32) void {
    const bytes: [*]const u8 = @ptrCast(object);
    const first = bytes - before * line_bytes;
    inline for (0..before + from) |line| @prefetch(first + line * line_bytes, .{ .rw = .write });
}
