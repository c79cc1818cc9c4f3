//! Exports about mixes. An input is addressed by its stream and its place among the inputs.

const std = @import("std");
const abi = @import("../abi.zig");
const border = @import("border.zig");
const engine = @import("../engine.zig");
const handles = @import("../handles.zig");
const mix_control = @import("../mix_control.zig");
const record = @import("../record.zig");
const realm_exports = @import("realm.zig");
const stream_exports = @import("stream.zig");
const code = border.code;
const codeOf = border.codeOf;
const done = border.done;
const refuse = border.refuse;
const refuseOpen = stream_exports.refuseOpen;
const slice = border.slice;

pub const functions = struct {
    /// Opens a stream. `inputs` are records of `MixInput`, one behind the other, `inputs_length`
    /// numbers in all; `samples` are those of all clips.
    pub fn mix_open(
        realm_handle: u32,
        options: ?[*]const u8,
        options_length: u32,
        device: ?[*]const u8,
        device_bytes: u32,
        inputs: ?[*]const u8,
        inputs_length: u32,
        samples: ?[*]const u8,
        samples_bytes: u32,
    ) callconv(.c) i32 {
        const realm = realm_exports.pin(realm_handle) orelse return code(.invalid_handle);
        defer handles.unpin(realm_handle);
        const name = slice(device, device_bytes) orelse
            return stream_exports.refuseOptions(error.NoDevice);
        const parsed = stream_exports.parseOptions(options, options_length, name) catch |err|
            return stream_exports.refuseOptions(err);
        if (parsed.source != .mix) {
            return refuse(.invalid_argument, "The source is no mix", .{});
        }
        const bytes = std.math.mul(u32, inputs_length, @sizeOf(f64)) catch 0;
        const list = slice(inputs, bytes) orelse
            return refuse(.invalid_argument, "The mix has no inputs", .{});
        const clips = slice(samples, samples_bytes) orelse "";
        const source = mix_control.make(&parsed, list, clips) catch |err| return switch (err) {
            error.InvalidArgument => refuse(.invalid_argument, "An input is not valid", .{}),
            else => refuseOpen(err, name),
        };
        const handle = engine.openStream(realm, name, parsed, source) catch |err|
            return refuseOpen(err, name);
        return @intCast(handle);
    }

    pub fn mix_write(
        handle: u32,
        input: u32,
        data: ?[*]const u8,
        byte_length: u32,
        offset_frames: u32,
        frames: u32,
    ) callconv(.c) i32 {
        const stream = stream_exports.pin(handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        const taken = mix_control.write(
            stream,
            input,
            data,
            byte_length,
            offset_frames,
            frames,
        ) catch |err| return codeOf(err);
        return @intCast(taken);
    }

    pub fn mix_await_room(handle: u32, input: u32, frames: u32) callconv(.c) i32 {
        const stream = stream_exports.pin(handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        const there = mix_control.awaitRoom(stream, input, frames) catch |err| return codeOf(err);
        return @intFromBool(there);
    }

    pub fn mix_set_gain(handle: u32, input: u32, gain: f64, ramp_ms: f64) callconv(.c) i32 {
        const stream = stream_exports.pin(handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        const factor = record.real(gain, 0, engine.gain_max) catch return code(.invalid_argument);
        const ramp = record.real(ramp_ms, 0, engine.fade_ms_max) catch
            return code(.invalid_argument);
        mix_control.setGain(stream, input, factor, @floatCast(ramp)) catch |err|
            return codeOf(err);
        return 0;
    }

    /// `play` 1: a clip plays from its beginning; 0: it stops.
    pub fn mix_set_playing(handle: u32, input: u32, play: u32, fade_ms: f64) callconv(.c) i32 {
        const stream = stream_exports.pin(handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        const wanted = record.boolean(@floatFromInt(play)) catch return code(.invalid_argument);
        const fade = record.real(fade_ms, 0, engine.fade_ms_max) catch
            return code(.invalid_argument);
        mix_control.setPlaying(stream, input, wanted, @floatCast(fade)) catch |err|
            return codeOf(err);
        return 0;
    }

    pub fn mix_drop(handle: u32, input: u32) callconv(.c) i32 {
        const stream = stream_exports.pin(handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        mix_control.drop(stream, input) catch |err| return codeOf(err);
        return 0;
    }

    /// The ordinal that `MixInputStats.drained` has when that is done.
    pub fn mix_drain(handle: u32, input: u32) callconv(.c) i32 {
        const stream = stream_exports.pin(handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        const ordinal = mix_control.drain(stream, input) catch |err| return codeOf(err);
        return @intCast(ordinal);
    }

    pub fn mix_stats(handle: u32, input: u32, out: ?[*]u8, length: u32) callconv(.c) i32 {
        const stream = stream_exports.pin(handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        const values = mix_control.stats(stream, input) catch |err| return codeOf(err);
        return done(record.write(abi.MixInputStats, out, length, values));
    }

    /// Writes pairs of an input and a mask of its events; how many pairs.
    pub fn mix_events(handle: u32, out: ?[*]u8, pairs_max: u32) callconv(.c) i32 {
        const stream = stream_exports.pin(handle) orelse return code(.invalid_handle);
        defer handles.unpin(handle);
        const pairs = mix_control.takeEvents(stream, out, pairs_max) catch |err|
            return codeOf(err);
        return @intCast(pairs);
    }
};
