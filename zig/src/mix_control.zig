//! The control side of mixes: makes them, writes to their inputs, and asks what JavaScript wants.
//! Everything here runs on JavaScript's threads.

const std = @import("std");
const abi = @import("abi.zig");
const engine = @import("engine.zig");
const producer = @import("producer.zig");
const record = @import("record.zig");
const mix_input = @import("mix_input.zig");
const mix_module = @import("mix.zig");
const Input = mix_input.Input;
const InputOptions = mix_module.InputOptions;
const Mix = mix_module.Mix;
const Options = @import("stream.zig").Options;
const Request = @import("stream.zig").Request;
const Source = @import("source.zig").Source;
const StateError = engine.StateError;
const Stream = @import("stream.zig").Stream;
const nobody = mix_input.nobody;

/// Of a list of records that lie one behind the other.
pub fn make(
    options: *const Options,
    records: []const u8,
    clips: []const u8,
) engine.OpenError!Source {
    const record_length = record.lengthOf(abi.MixInput);
    const record_bytes = record_length * @sizeOf(f64);
    const count = records.len / record_bytes;
    if (count == 0 or count > mix_module.inputs_max) return error.InvalidArgument;
    if (records.len % record_bytes != 0) return error.InvalidArgument;
    var inputs: [mix_module.inputs_max]InputOptions = undefined;
    for (inputs[0..count], 0..) |*input, index| {
        const from = records[index * record_bytes ..].ptr;
        const given = try record.read(abi.MixInput, from, record_length);
        input.* = try parse(options, &given, @intCast(clips.len));
    }
    return .{ .mix = try .create(inputs[0..count], clips, options.frameBytes()) };
}

fn parse(
    options: *const Options,
    given: *const abi.MixInput,
    clips_bytes: u32,
) record.Error!InputOptions {
    const rate: f64 = @floatFromInt(options.wanted.rate);
    return .{
        .gain = try record.real(given.gain, 0, engine.gain_max),
        .feed = switch (try record.enumeration(abi.SourceKind, given.source)) {
            .queue => .{
                .queue = try record.optional(u32, given.queue_frames, 1, engine.queue_frames_max),
            },
            .tone => .{ .tone = .{
                .frequency_hz = try record.real(given.tone_frequency_hz, 0, rate / 2),
                .amplitude = @floatCast(try record.real(given.tone_amplitude, 0, 1)),
            } },
            .clip => clip: {
                const from = try record.integer(u32, given.clip_from_bytes, 0, clips_bytes);
                const to = try record.integer(u32, given.clip_to_bytes, 0, clips_bytes);
                if (to <= from or (to - from) % options.frameBytes() != 0) {
                    return error.InvalidArgument;
                }
                break :clip .{ .clip = .{
                    .from = from,
                    .to = to,
                    .loop = try record.boolean(given.clip_loop),
                    .autoplay = try record.boolean(given.clip_autoplay),
                } };
            },
            .render, .mapped, .silence, .mix => return error.InvalidArgument,
        },
    };
}

/// An input, and what it belongs to, while `control` is held.
const Held = struct {
    stream: *Stream,
    mix: *Mix,
    input: *Input,
    index: u32,

    fn of(stream: *Stream, index: u32) StateError!Held {
        const mix = try lockMix(stream);
        if (index < mix.inputs.len) {
            return .{ .stream = stream, .mix = mix, .input = &mix.inputs[index], .index = index };
        }
        stream.control.unlock();
        return error.InvalidArgument;
    }

    fn ofKind(
        stream: *Stream,
        index: u32,
        kind: std.meta.Tag(mix_input.Feed),
    ) StateError!Held {
        const held: Held = try .of(stream, index);
        if (held.input.feed == kind) return held;
        held.release();
        return error.InvalidState;
    }

    fn release(self: *const Held) void {
        self.stream.control.unlock();
    }

    fn request(self: *const Held) void {
        self.mix.requested.put(self.index);
        engine.post(self.stream, Request.kick);
    }
};

/// Holds `control` on success.
fn lockMix(stream: *Stream) StateError!*Mix {
    if (stream.options.source != .mix) return error.InvalidState;
    try engine.lockOpen(stream);
    return stream.source.mix;
}

/// Frames taken into the queue of an input.
pub fn write(
    stream: *Stream,
    index: u32,
    bytes: ?[*]const u8,
    byte_length: u32,
    offset_frames: u32,
    frames: u32,
) StateError!u32 {
    const held: Held = try .ofKind(stream, index, .queue);
    defer held.release();
    const given = try producer.framesOf(stream, bytes, byte_length, offset_frames, frames);
    if (stream.draining.load(.seq_cst)) return 0;
    return held.input.feed.queue.push(given);
}

/// True when the room is there now; else the event `room` comes once.
pub fn awaitRoom(stream: *Stream, index: u32, frames: u32) StateError!bool {
    const held: Held = try .ofKind(stream, index, .queue);
    defer held.release();
    const queue = &held.input.feed.queue;
    const wanted = @min(frames, queue.capacity_frames);
    held.input.wanted_room.store(wanted, .seq_cst);
    held.mix.waiting.put(index);
    if (stream.draining.load(.seq_cst) or queue.free() < wanted) return false;
    // The event may be under way already; then it comes for nothing.
    held.input.wanted_room.store(nobody, .seq_cst);
    return true;
}

pub fn setGain(stream: *Stream, index: u32, gain: f64, ramp_ms: f32) StateError!void {
    const held: Held = try .of(stream, index);
    defer held.release();
    held.input.wanted_gain = gain;
    const wanted: mix_input.GainRequest = .{
        .target = @floatCast(gain),
        .ramp_frames = stream.framesOfMs(ramp_ms),
    };
    held.input.gain_request.store(@bitCast(wanted), .release);
    held.request();
}

/// Plays a clip from its beginning, or stops it.
pub fn setPlaying(stream: *Stream, index: u32, play: bool, fade_ms: f32) StateError!void {
    const held: Held = try .ofKind(stream, index, .clip);
    defer held.release();
    held.mix.play_requests +%= 1;
    const wanted: mix_input.PlayRequest = .{
        .fade_frames = stream.framesOfMs(fade_ms),
        .play = play,
        .ordinal = held.mix.play_requests,
    };
    held.input.play_request.store(@bitCast(wanted), .release);
    held.request();
}

/// Throws away what is queued now.
pub fn drop(stream: *Stream, index: u32) StateError!void {
    const held: Held = try .ofKind(stream, index, .queue);
    defer held.release();
    held.input.drop_to.store(held.input.feed.queue.written.load(.acquire), .release);
    held.request();
}

/// The ordinal of this request: what is queued now, or what is left of a clip, is to be heard.
pub fn drain(stream: *Stream, index: u32) StateError!u32 {
    const held: Held = try .of(stream, index);
    defer held.release();
    const input = held.input;
    switch (input.feed) {
        .queue => |*queue| input.drain_to.store(queue.written.load(.acquire), .release),
        .clip => {},
        .tone => return error.InvalidState,
    }
    const ordinal = (input.drain_request.load(.monotonic) + 1) & std.math.maxInt(u31);
    input.drain_request.store(ordinal, .release);
    held.mix.waiting.put(index);
    engine.post(stream, Request.kick);
    return ordinal;
}

pub fn stats(stream: *Stream, index: u32) StateError!abi.MixInputStats {
    const held: Held = try .of(stream, index);
    defer held.release();
    const counters = &held.input.counters;
    var values: abi.MixInputStats = .{
        .queue_frames = 0,
        .frames_accepted = 0,
        .frames_queued = 0,
        .frames_dropped = 0,
        .frames_mixed = @floatFromInt(counters.frames_mixed.load(.monotonic)),
        .frames_starved = @floatFromInt(counters.frames_starved.load(.monotonic)),
        .starvations = @floatFromInt(counters.starvations.load(.monotonic)),
        .gain = counters.gain.load(.monotonic),
        .is_playing = if (held.input.willPlay()) 1 else 0,
        .drained = @floatFromInt(counters.drained.load(.acquire)),
        .source = @floatFromInt(@intFromEnum(@as(abi.SourceKind, switch (held.input.feed) {
            .queue => .queue,
            .clip => .clip,
            .tone => .tone,
        }))),
        .wanted_gain = held.input.wanted_gain,
    };
    switch (held.input.feed) {
        .queue => |*queue| {
            values.queue_frames = @floatFromInt(queue.capacity_frames);
            values.frames_queued = @floatFromInt(queue.level());
            values.frames_accepted = @floatFromInt(queue.written.load(.acquire));
            values.frames_dropped = @floatFromInt(counters.frames_dropped.load(.monotonic));
        },
        .clip, .tone => {},
    }
    return values;
}

/// Writes pairs of an input and a mask of its events; how many pairs.
pub fn takeEvents(stream: *Stream, out: ?[*]u8, pairs_max: u32) StateError!u32 {
    const mix = try lockMix(stream);
    defer stream.control.unlock();
    const to = out orelse return error.InvalidArgument;
    var pairs: u32 = 0;
    var eventful = mix.eventful.take();
    while (eventful.next()) |index| {
        if (pairs == pairs_max) {
            mix.eventful.put(index);
            continue;
        }
        const pair = [2]u32{ index, mix.inputs[index].events.swap(0, .acq_rel) };
        @memcpy(to[pairs * @sizeOf([2]u32) ..][0..@sizeOf([2]u32)], std.mem.asBytes(&pair));
        pairs += 1;
    }
    return pairs;
}
