//! Exports about streams.

const std = @import("std");
const abi = @import("../abi.zig");
const border = @import("border.zig");
const engine = @import("../engine.zig");
const handles = @import("../handles.zig");
const ownership = @import("../ownership.zig");
const producer = @import("../producer.zig");
const record = @import("../record.zig");
const realm_exports = @import("realm.zig");
const records = @import("stream_records.zig");
const device_bytes_max = @import("../stream.zig").device_bytes_max;
const Commands = @import("../command.zig").Commands;
const Options = @import("../stream.zig").Options;
const Source = @import("../source.zig").Source;
const Stream = @import("../stream.zig").Stream;
const code = border.code;
const codeOf = border.codeOf;
const done = border.done;
const refuse = border.refuse;
const slice = border.slice;
const copyText = border.copyText;

pub const OptionsError = error{ WrongLength, NoDevice, OutOfRange };

pub fn parseOptions(
    options: ?[*]const u8,
    length: u32,
    device: []const u8,
) OptionsError!Options {
    const given = record.read(abi.StreamOptions, options, length) catch return error.WrongLength;
    if (device.len > device_bytes_max) return error.OutOfRange;
    if (std.mem.indexOfScalar(u8, device, 0) != null) return error.OutOfRange;
    return engine.parseOptions(given) catch error.OutOfRange;
}

pub fn refuseOptions(err: OptionsError) i32 {
    return refuse(.invalid_argument, "{s}", .{switch (err) {
        error.WrongLength => "The options record has the wrong length",
        error.NoDevice => "The device has no name",
        error.OutOfRange => "An option is outside its range",
    }});
}

pub fn refuseOpen(err: engine.OpenError, device: []const u8) i32 {
    return switch (err) {
        error.InvalidArgument => refuse(
            .invalid_argument,
            "A clip is not a whole number of frames",
            .{},
        ),
        error.OutOfMemory => refuse(.out_of_memory, "Not enough memory for a stream", .{}),
        error.TooManyHandles => refuse(
            .too_many_handles,
            "All {d} handles are in use",
            .{handles.capacity},
        ),
        error.ThreadUnavailable => refuse(.thread, "Cannot start a thread", .{}),
        error.Retired => code(.invalid_handle),
        error.DeviceNotFound => refuse(
            .device_not_found,
            "There is no virtual card \"{s}\"",
            .{device},
        ),
    };
}

/// Every call from JavaScript says that the stream's realm lives.
pub fn pin(handle: u32) ?*Stream {
    const stream = handles.pin(Stream, handle) orelse return null;
    if (stream.owner.load(.acquire)) |owner| owner.touch();
    return stream;
}

pub const functions = struct {
    pub fn stream_open(
        realm_handle: u32,
        options: ?[*]const u8,
        options_length: u32,
        device: ?[*]const u8,
        device_bytes: u32,
        clip: ?[*]const u8,
        clip_bytes: u32,
    ) callconv(.c) i32 {
        const realm = realm_exports.pin(realm_handle) orelse return code(.invalid_handle);
        defer handles.unpin(realm_handle);
        const name = slice(device, device_bytes) orelse return refuseOptions(error.NoDevice);
        const parsed = parseOptions(options, options_length, name) catch |err|
            return refuseOptions(err);
        const source: Source = switch (parsed.source) {
            .clip => engine.makeClip(&parsed, slice(clip, clip_bytes) orelse "") catch |err|
                return refuseOpen(err, name),
            .queue, .render, .mapped, .tone, .silence => .silence,
            .mix => return refuse(.invalid_argument, "A mix is opened by its own function", .{}),
        };
        const handle = engine.openStream(realm, name, parsed, source) catch |err|
            return refuseOpen(err, name);
        return @intCast(handle);
    }

    pub fn stream_granted(handle: u32, out: ?[*]u8, length: u32) callconv(.c) i32 {
        const stream = pin(handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        engine.lockOpen(stream) catch |err| return codeOf(err);
        defer stream.control.unlock();
        return done(record.write(abi.Granted, out, length, records.granted(stream)));
    }

    pub fn stream_text(handle: u32, which: u32, out: ?[*]u8, byte_length: u32) callconv(.c) i32 {
        const stream = pin(handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        const text = record.enumeration(abi.Text, @floatFromInt(which)) catch
            return code(.invalid_argument);
        var map_buffer: [256]u8 = undefined;
        return copyText(switch (text) {
            .failure => stream.failure.text(),
            .call => stream.failure.call,
            .device => stream.device,
            .access_reason => switch (stream.lifecycle.load(.acquire)) {
                .open => stream.granted.access_reason,
                else => "",
            },
            .channel_map => switch (stream.lifecycle.load(.acquire)) {
                .open => std.fmt.bufPrint(&map_buffer, "{f}", .{stream.granted.channel_map}) catch
                    unreachable,
                else => "",
            },
        }, out, byte_length);
    }

    pub fn stream_stats(handle: u32, out: ?[*]u8, length: u32) callconv(.c) i32 {
        const stream = pin(handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        return done(record.write(abi.Stats, out, length, records.stats(stream)));
    }

    /// Of the last 16 xruns; of others `invalid_state`.
    pub fn stream_xrun(handle: u32, number: u32, out: ?[*]u8, length: u32) callconv(.c) i32 {
        const stream = pin(handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        const xrun = stream.xruns.read(number) orelse return code(.invalid_state);
        return done(record.write(abi.Xrun, out, length, records.xrun(&xrun)));
    }

    pub fn stream_distribution(
        handle: u32,
        quantity: u32,
        out: ?[*]u8,
        length: u32,
    ) callconv(.c) i32 {
        const stream = pin(handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        const which = record.enumeration(abi.Quantity, @floatFromInt(quantity)) catch
            return code(.invalid_argument);
        const values = records.distribution(stream, which) catch |err| return codeOf(err);
        return done(record.write(abi.Distribution, out, length, values));
    }

    pub fn stream_group(handle: u32, out: ?[*]u8, length: u32) callconv(.c) i32 {
        const stream = pin(handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        const values = records.groupOf(stream) catch |err| return codeOf(err);
        return done(record.write(abi.Group, out, length, values));
    }

    pub fn stream_completions(handle: u32, out: ?[*]u8, length: u32) callconv(.c) i32 {
        const stream = pin(handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        const values = records.completions(stream);
        return done(record.write(abi.Completion, out, length, values));
    }

    pub fn stream_write(
        handle: u32,
        data: ?[*]const u8,
        byte_length: u32,
        offset_frames: u32,
        frames: u32,
    ) callconv(.c) i32 {
        const stream = pin(handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        const taken = producer.write(stream, data, byte_length, offset_frames, frames) catch |err|
            return codeOf(err);
        return @intCast(taken);
    }

    /// Fetches and clears the events of one stream, without waiting for the realm's doorbell. Returns
    /// their mask.
    pub fn stream_events(handle: u32) callconv(.c) i32 {
        const stream = pin(handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        const realm = stream.owner.load(.acquire) orelse return 0;
        return @intCast(realm.take(stream));
    }

    pub fn stream_await_room(handle: u32, frames: u32) callconv(.c) i32 {
        const stream = pin(handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        const there = producer.awaitRoom(stream, frames) catch |err| return codeOf(err);
        return @intFromBool(there);
    }

    /// Blocks the calling thread for at most `timeout_ms`; 1: there is room.
    pub fn stream_wait_room(handle: u32, frames: u32, timeout_ms: u32) callconv(.c) i32 {
        const stream = pin(handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        const there = producer.waitForRoom(stream, frames, timeout_ms) catch |err|
            return codeOf(err);
        return @intFromBool(there);
    }

    /// Frames that can be rendered where the block says, at most `frames`; 0: there is no room.
    pub fn stream_begin(handle: u32, frames: u32, out: ?[*]u8, length: u32) callconv(.c) i32 {
        const stream = pin(handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        const begun = producer.begin(stream, frames) catch |err| return codeOf(err);
        const span, const block = begun orelse return 0;
        record.write(abi.RenderBlock, out, length, block) catch return code(.invalid_argument);
        return @intCast(span.frames);
    }

    /// Frames taken of those begun.
    pub fn stream_commit(handle: u32, frames: u32) callconv(.c) i32 {
        const stream = pin(handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        const taken = producer.commit(stream, frames) catch |err| return codeOf(err);
        return @intCast(taken);
    }

    /// The memory that `stream_begin` counts offsets in. It stays mapped for ever, unless
    /// `stream_unview` is called.
    pub fn stream_view(handle: u32, out: ?[*]u8, length: u32) callconv(.c) i32 {
        const stream = pin(handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        const view = producer.view(stream) catch |err| return codeOf(err);
        return done(record.write(abi.View, out, length, view));
    }

    /// A view exists no more.
    pub fn stream_unview(handle: u32) callconv(.c) i32 {
        const stream = pin(handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        producer.unview(stream);
        return 0;
    }

    pub fn stream_command(
        handle: u32,
        command: u32,
        fade_ms: f64,
        timeout_ms: f64,
    ) callconv(.c) i32 {
        const stream = pin(handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        const kind = record.enumeration(abi.Command, @floatFromInt(command)) catch
            return code(.invalid_argument);
        const fade = record.real(fade_ms, 0, engine.fade_ms_max) catch
            return code(.invalid_argument);
        const timeout = record.real(timeout_ms, -1, 1e12) catch return code(.invalid_argument);
        const ordinal = engine.command(stream, kind, @floatCast(fade), timeout) catch |err|
            return switch (err) {
                error.TooManyCommands => refuse(
                    .invalid_state,
                    "{d} commands wait until the device answers",
                    .{Commands.capacity},
                ),
                error.InvalidState, error.InvalidArgument => |known| codeOf(known),
            };
        return @intCast(ordinal);
    }

    pub fn stream_set_gain(handle: u32, gain: f64, ramp_ms: f64) callconv(.c) i32 {
        const stream = pin(handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        const factor = record.real(gain, 0, engine.gain_max) catch return code(.invalid_argument);
        const ramp = record.real(ramp_ms, 0, engine.fade_ms_max) catch
            return code(.invalid_argument);
        engine.setGain(stream, @floatCast(factor), @floatCast(ramp)) catch |err| return codeOf(err);
        return 0;
    }

    pub fn stream_close(handle: u32) callconv(.c) i32 {
        const stream = pin(handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        engine.closeStream(stream);
        return 0;
    }

    pub fn stream_release(handle: u32) callconv(.c) i32 {
        const stream = pin(handle) orelse return code(.invalid_handle);
        if (!engine.freeStream(stream)) {
            handles.unpin(handle);
            return code(.invalid_state);
        }
        engine.janitor.awaitLeave();
        return 0;
    }

    /// Begins to give the stream away; the event `detached` follows.
    pub fn stream_detach(handle: u32) callconv(.c) i32 {
        const stream = pin(handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        ownership.detach(stream) catch |err| return codeOf(err);
        return 0;
    }

    /// After the event `detached`: ends the handle, and returns the token by which another realm
    /// attaches the stream.
    pub fn stream_token(handle: u32, handover: ?[*]const u8, length: u32) callconv(.c) f64 {
        const stream = pin(handle) orelse return @floatFromInt(code(.invalid_handle));
        defer handles.unpin(handle);
        const told = record.read(abi.Handover, handover, length) catch
            return @floatFromInt(code(.invalid_argument));
        const token = ownership.offer(stream, told) catch |err| return @floatFromInt(codeOf(err));
        return @floatFromInt(token);
    }

    /// Returns a new handle of a detached stream; the event `opened` follows.
    pub fn stream_attach(realm_handle: u32, token: f64) callconv(.c) i32 {
        const realm = realm_exports.pin(realm_handle) orelse return code(.invalid_handle);
        defer handles.unpin(realm_handle);
        const number = record.integer(u64, token, 1, ownership.token_max) catch
            return code(.unknown_token);
        const handle = ownership.attach(realm, number) catch return code(.unknown_token);
        return @intCast(handle);
    }

    /// What the former owner gave to `stream_token`.
    pub fn stream_handover(handle: u32, out: ?[*]u8, length: u32) callconv(.c) i32 {
        const stream = pin(handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        stream.control.lock();
        defer stream.control.unlock();
        return done(record.write(abi.Handover, out, length, stream.handover));
    }
};
