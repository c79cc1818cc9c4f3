//! Exports about virtual cards.

const std = @import("std");
const abi = @import("../abi.zig");
const border = @import("border.zig");
const engine = @import("../engine.zig");
const handles = @import("../handles.zig");
const realm_exports = @import("realm.zig");
const record = @import("../record.zig");
const virtual_card = @import("../virtual_card.zig");
const Card = @import("../card/card.zig").Card;
const Fault = @import("../card/faults.zig").Fault;
const Simulation = @import("../simulation.zig").Simulation;
const VirtualCard = virtual_card.VirtualCard;
const WavFile = @import("../card/wav.zig").WavFile;
const code = border.code;
const done = border.done;
const refuse = border.refuse;
const slice = border.slice;

extern "c" fn strerror(errno: c_int) [*:0]const u8;

pub const functions = struct {
    /// The card is closed with the realm, should that end without doing it.
    pub fn card_open(
        realm_handle: u32,
        options: ?[*]const u8,
        length: u32,
        tap_path: ?[*]const u8,
        path_bytes: u32,
    ) callconv(.c) i32 {
        _ = realm_exports.pin(realm_handle) orelse return code(.invalid_handle);
        defer handles.unpin(realm_handle);
        const given = record.read(abi.CardOptions, options, length) catch
            return refuse(.invalid_argument, "The options record has the wrong length", .{});
        const parsed = parseCard(given) catch
            return refuse(.invalid_argument, "An option of the card is outside its range", .{});
        const tap = parseTap(given, slice(tap_path, path_bytes)) catch
            return refuse(.invalid_argument, "A WAV tap needs a path, any other tap none", .{});
        if (tap == .wav) {
            const path = std.posix.toPosixPath(tap.wav) catch
                return refuse(.io, "The path of the tap is too long", .{});
            const errno = WavFile.probe(&path);
            if (errno != .SUCCESS) {
                const reason = std.mem.span(strerror(@intFromEnum(errno)));
                return refuse(.io, "Cannot write \"{s}\": {s}", .{ tap.wav, reason });
            }
        }
        const card = VirtualCard.create(parsed, tap, realm_handle) catch |err| return switch (err) {
            error.InvalidArgument => refuse(
                .invalid_argument,
                "The limits of the card contradict each other",
                .{},
            ),
            error.OutOfMemory => refuse(.out_of_memory, "Not enough memory for a card", .{}),
            error.ThreadUnavailable => refuse(.thread, "Cannot start a thread", .{}),
        };
        const handle = handles.add(VirtualCard, card) catch {
            card.destroy();
            return refuse(.too_many_handles, "All {d} handles are in use", .{handles.capacity});
        };
        return @intCast(handle);
    }

    pub fn card_advance(handle: u32, milliseconds: f64) callconv(.c) i32 {
        const card = handles.pin(VirtualCard, handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        const ms = record.real(milliseconds, 0, 1e9) catch return code(.invalid_argument);
        const simulation = card.simulation orelse return code(.invalid_state);
        if (ms > 0) simulation.advanceNs(@intFromFloat(@round(ms * std.time.ns_per_ms)));
        return run(simulation);
    }

    pub fn card_advance_frames(handle: u32, frames: f64, rate: f64) callconv(.c) i32 {
        const card = handles.pin(VirtualCard, handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        const count = record.integer(u64, frames, 0, 1 << 40) catch return code(.invalid_argument);
        const per_second = record.integer(u32, rate, engine.rate_min, engine.rate_max) catch
            return code(.invalid_argument);
        const simulation = card.simulation orelse return code(.invalid_state);
        simulation.advanceFrames(count, per_second);
        return run(simulation);
    }

    pub fn card_played(
        handle: u32,
        substream: u32,
        offset_frames: f64,
        out: ?[*]u8,
        byte_length: u32,
    ) callconv(.c) i32 {
        const card = handles.pin(VirtualCard, handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        const offset = record.integer(u64, offset_frames, 0, 1 << 52) catch
            return code(.invalid_argument);
        const to = out orelse return code(.invalid_argument);
        if (byte_length > std.math.maxInt(i32)) return code(.invalid_argument);
        const room = to[0..byte_length];
        const copied = card.card.played(substream, offset, room) catch |err| return switch (err) {
            error.UnknownSubstream => code(.invalid_argument),
            error.NoMemoryTap => code(.invalid_state),
        };
        return @intCast(copied);
    }

    pub fn card_status(handle: u32, substream: u32, out: ?[*]u8, length: u32) callconv(.c) i32 {
        const card = handles.pin(VirtualCard, handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        return done(record.write(abi.CardStatus, out, length, card.card.status(substream)));
    }

    pub fn card_fault(handle: u32, substream: u32, fault: u32, amount: f64) callconv(.c) i32 {
        const card = handles.pin(VirtualCard, handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        const kind = record.enumeration(abi.Fault, @floatFromInt(fault)) catch
            return code(.invalid_argument);
        const parsed = Fault.parse(kind, amount) catch return code(.invalid_argument);
        card.card.inject(substream, parsed) catch return code(.invalid_argument);
        return 0;
    }

    pub fn card_flush(handle: u32) callconv(.c) i32 {
        const card = handles.pin(VirtualCard, handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        const errno = card.card.flush();
        if (errno == .SUCCESS) return 0;
        return refuse(.io, "Cannot record what the card played: {s}", .{@tagName(errno)});
    }

    pub fn card_close(handle: u32) callconv(.c) i32 {
        const card = handles.pin(VirtualCard, handle) orelse return code(.invalid_handle);
        if (virtual_card.release(handle, card)) return 0;
        handles.unpin(handle);
        return code(.invalid_state);
    }
};

/// 1: stopped early, because a stream of the card has events for JavaScript to see first.
fn run(simulation: *Simulation) i32 {
    return @intFromBool(!simulation.run());
}

fn parseTap(given: abi.CardOptions, path: ?[]const u8) record.Error!Card.Tap {
    const wanted = try record.enumeration(abi.Tap, given.tap);
    if ((path != null) != (wanted == .wav)) return error.InvalidArgument;
    return switch (wanted) {
        .none => .none,
        .memory => .memory,
        .wav => .{ .wav = path.? },
    };
}

fn parseCard(given: abi.CardOptions) record.Error!Card.Options {
    return .{
        .clock = try record.enumeration(abi.CardClock, given.clock),
        .drift_ppm = try record.real(given.drift_ppm, -100_000, 100_000),
        .format_mask = try record.integer(u32, given.format_mask, 0, 0x7f),
        .access_mask = try record.integer(u32, given.access_mask, 0, 0xf),
        .rate_min = try limit(given.rate_min),
        .rate_max = try limit(given.rate_max),
        .channels_min = try limit(given.channels_min),
        .channels_max = try limit(given.channels_max),
        .period_frames_min = try limit(given.period_frames_min),
        .period_frames_max = try limit(given.period_frames_max),
        .periods_min = try limit(given.periods_min),
        .periods_max = try limit(given.periods_max),
        .substreams = try limit(given.substreams),
        .no_pause = try record.boolean(given.no_pause),
        .batch = try record.boolean(given.batch),
        .frames_before_boundary = try limit(given.frames_before_boundary),
        .channel_maps = try record.enumeration(abi.CardChannelMaps, given.channel_maps),
    };
}

fn limit(value: f64) record.Error!u32 {
    return record.integer(u32, value, 0, std.math.maxInt(u31));
}
